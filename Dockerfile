# One image per service: docker build --build-arg SERVICE=orders -t tix-orders .
# All of them share every layer but the last few bytes. Runs as nobody in particular, on a read-only root.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
# Tools come by the lock too, in an environment of their own. uv checks the hashes of a constraints file, so only
# what the services need is taken from the one lock; pip would want a second one.
RUN python -m venv /tools \
    && sed -n '/^uv==/,/# via/p' requirements.lock >/tmp/uv.txt \
    && /tools/bin/pip install --quiet --no-cache-dir --require-hashes -r /tmp/uv.txt \
    && sed -n 's/^\(hatchling==[^ ]*\).*/\1/p' requirements.lock >/tmp/hatchling.txt \
    && /tools/bin/uv pip install --quiet --no-cache --python /tools/bin/python \
        --require-hashes -r /tmp/hatchling.txt --constraint requirements.lock
RUN python -m venv --without-pip /app \
    && /tools/bin/uv pip install --quiet --no-cache --python /app/bin/python --compile-bytecode --no-build \
        --require-hashes -r pyproject.toml --extra server --extra otel --constraint requirements.lock
COPY server server
COPY client client
COPY cli cli
COPY migrations migrations
RUN /tools/bin/pip wheel --quiet --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp . \
    && /tools/bin/uv pip install --quiet --no-cache --offline --python /app/bin/python --compile-bytecode \
        --no-deps /tmp/tix-*.whl

FROM python:${PYTHON}
# Nothing is installed any more. The directory is for the Stripe sandbox: a new volume takes over its owner.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
    && install -d -o 10001 -g 10001 /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LISTEN_HOST=0.0.0.0
ARG SERVICE
ENV SERVICE=$SERVICE
# Its port, for the health check; a service that does not exist ends the build here.
RUN python -c "from server.run import PORTS; print(PORTS['$SERVICE'])" >/port
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
port = int(os.environ.get('PORT') or open('/port').read()); \
probe = http.client.HTTPConnection('127.0.0.1', port, timeout=2); \
probe.request('GET', '/livez'); \
sys.exit(probe.getresponse().status != 200)"]
CMD ["sh", "-c", "exec python -m server run \"$SERVICE\""]
