# Everything works on a fresh clone with Python 3.11+ and make. `make help` lists the targets.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
DATA := $(or $(TIX_DATA_DIR),.tix)
SERVICES := auth tickets orders payments expiration web
INSTALLED := .venv/.installed
T ?=
# `make test T=tests/orders ARGS=-x`
ARGS ?=
# Each worker has servers of its own; a file's tests stay together, since they share a platform. They wait as much as
# they compute: a third worker on two cores is busy while the others wait.
JOBS ?= 3
# By default files with few tests, the long ones, would come last, when the other workers have nothing left to do.
PARALLEL = -n $(JOBS) --dist loadfile --no-loadscope-reorder

# Where it is set, each of the many processes that run and the tests start would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo check format test test-all test-slow test-alone test-web test-exhaustive test-coverage bench screenshots golden docs \
	lock build audit sbom clean \
	dev-infra dev-infra-down migrate-up migrate-down dev-all $(SERVICES:%=dev-%) \
	docker-build-all $(SERVICES:%=docker-build-%) compose-up compose-down k8s-apply k8s-delete

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9 -]*:.*## / { n = split($$1, names, " "); \
		for (i = 1; i < n; i++) print "  " names[i]; \
		printf "  %-16s %s\n", names[n], $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Start the whole platform: web shop, API, PostgreSQL, NATS, Redis, Stripe sandbox. Ctrl-C stops it
	@exec $(BIN)/python -m server up $(ARGS)

demo: $(INSTALLED) ## See the platform work, start to finish, without a browser
	@exec $(BIN)/tix demo $(ARGS)

check: $(INSTALLED) ## Lint, format, types, imports, and no address in the lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@! grep -nE '://|^ *--[^h]' requirements.lock

format: $(INSTALLED) ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(INSTALLED) ## Run the tests but the slow ones (T=path, ARGS=-x)
	$(BIN)/python -m pytest -m "not slow and not browser and not exhaustive" $(PARALLEL) $(ARGS) $(T)

test-all: test test-slow test-alone test-web test-exhaustive ## Run every test: the slow ones and those in a browser follow

# The slow ones compute more than they wait: a third worker would only be in the way.
test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m "slow and not alone and not browser" -n 2 --dist loadfile $(ARGS) $(T) \
		|| [ $$? -eq 5 ]  # 5: nothing in T is slow

test-alone: $(INSTALLED)
	@$(GET_CHROMIUM)
	$(BIN)/python -m pytest -m "alone and (slow or browser)" $(ARGS) $(T) || [ $$? -eq 5 ]

# The model's long runs, and what test-slow does a few dozen times, hundreds of times: .ci/run does not wait for it.
test-exhaustive: $(INSTALLED)
	$(BIN)/python -m pytest -m exhaustive -n 2 $(ARGS) $(T) || [ $$? -eq 5 ]

test-web: $(INSTALLED) ## Run the web shop's tests in a real Chromium, got with apt-get where that is possible
	@$(GET_CHROMIUM)
	$(BIN)/python -m pytest -m "browser and not alone" -n 2 --dist loadfile $(ARGS) $(T) \
		|| [ $$? -eq 5 ]  # 5: nothing in T is for a browser

# The names are those of tests/web_browser/browsing.py.
GET_CHROMIUM = for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$name >/dev/null && exit 0; \
	done; \
	if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing chromium"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium \
			>/dev/null; \
	fi || echo "chromium could not be installed" >&2

test-coverage: $(INSTALLED) ## Run every test and report the branches no test took
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS) $(T)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(INSTALLED) ## Measure, and write docs/PERFORMANCE.md anew; alone on the machine, an hour (ARGS="reserve --quick")
	@exec $(BIN)/python -m bench $(ARGS)

screenshots: $(INSTALLED) ## Take the pictures in docs/web and docs/tui anew
	@$(GET_CHROMIUM)
	@$(BIN)/python -m tests.web_browser.screenshots
	@$(BIN)/python -m tests.tui.screenshots

golden: $(INSTALLED) ## Write event schemas, rights on the bus and looks of `tix tui` anew; the diff is the change
	$(BIN)/python -m tests.architecture.golden
	RENEW=1 $(BIN)/python -m pytest --quiet tests/tui/test_pictures.py
	$(BIN)/python -m server nats-users >infra/k8s/base/nats-users.conf

docs: $(INSTALLED) ## Write docs/CLI.md, docs/schemas, the settings in OPERATIONS.md and the keys in TUI.md anew
	$(BIN)/python -m tests.architecture.published
	$(BIN)/python -m tests.infra.settings_table
	$(BIN)/python -m tests.infra.metrics_table
	$(BIN)/python -m tests.tui.key_table

# --- one process per service, on servers of their own ---------------------------------------------------------

HAS_COMPOSE = docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1

# By Compose where a Docker engine answers; `server infra` then adds only the sandbox, else all four from wheels.
dev-infra: $(INSTALLED) ## Start only PostgreSQL, NATS, Redis and the Stripe sandbox, in the background
	@mkdir -p $(DATA)
	@if kill -0 "$$(cat $(DATA)/infra.pid 2>/dev/null)" 2>/dev/null; then echo "already running"; exit 0; fi; \
	if $(HAS_COMPOSE); then \
		$(MAKE) --no-print-directory .env && docker compose up --detach --wait && . ./.env || exit 1; \
		export DATABASE_URL="postgres://tix:$$POSTGRES_PASSWORD@127.0.0.1:5432/tix" \
			NATS_URL="nats://tix:$$NATS_PASSWORD@127.0.0.1:4222" REDIS_HOST=127.0.0.1 REDIS_PASSWORD \
			AUTH_NATS_URL="nats://auth:$$AUTH_NATS_PASSWORD@127.0.0.1:4222" \
			TICKETS_NATS_URL="nats://tickets:$$TICKETS_NATS_PASSWORD@127.0.0.1:4222" \
			ORDERS_NATS_URL="nats://orders:$$ORDERS_NATS_PASSWORD@127.0.0.1:4222" \
			PAYMENTS_NATS_URL="nats://payments:$$PAYMENTS_NATS_PASSWORD@127.0.0.1:4222" \
			EXPIRATION_NATS_URL="nats://expiration:$$EXPIRATION_NATS_PASSWORD@127.0.0.1:4222"; \
	fi; \
	: >$(DATA)/infra.log; nohup $(BIN)/python -m server infra >>$(DATA)/infra.log 2>&1 </dev/null & \
	pid=$$!; echo $$pid >$(DATA)/infra.pid; \
	until grep -q '^addresses' $(DATA)/infra.log; do \
		kill -0 $$pid 2>/dev/null || { cat $(DATA)/infra.log; rm -f $(DATA)/infra.pid; exit 1; }; \
		sleep 0.1; \
	done; cat $(DATA)/infra.log

dev-infra-down: ## Stop what dev-infra started; the data stays
	@pid="$$(cat $(DATA)/infra.pid 2>/dev/null)"; rm -f $(DATA)/infra.pid; \
	case "$$(ps -p "$$pid" -o args= 2>/dev/null || echo server infra)" in \
		*"server infra"*) ;; *) pid="" ;; \
	esac; \
	if ! kill "$$pid" 2>/dev/null; then echo "not running"; exit 0; fi; \
	while kill -0 "$$pid" 2>/dev/null; do sleep 0.1; done; \
	if $(HAS_COMPOSE); then docker compose stop postgres nats redis; fi

migrate-up: $(INSTALLED) $(DATA)/env ## Bring the database of dev-infra up to date
	@$(WITH_INFRA) exec $(BIN)/python -m server migrate

migrate-down: $(INSTALLED) $(DATA)/env ## Take back the newest migration of each service and its data (ARGS=--yes)
	@$(WITH_INFRA) exec $(BIN)/python -m server migrate --down $(ARGS)

dev-all: ## Run all services on dev-infra, each in a process of its own. Ctrl-C stops them
	@$(MAKE) --no-print-directory --jobs=$(words $(SERVICES)) $(SERVICES:%=dev-%)

# What a service cannot start with, a syntax error say, waits for the next change.
dev-auth dev-tickets dev-orders dev-payments dev-expiration dev-web: dev-%: $(INSTALLED) $(DATA)/env ## Run one service on dev-infra, anew at each change of the code
	@$(WITH_INFRA) exec $(BIN)/watchfiles --verbosity warning --target-type command \
		$(NOT_ITS_OWN) "$(BIN)/python -m server run $*" server client

# A change in another's folder is none of this one's, and six restarts are slow; but web knows the schemas of all.
NOT_ITS_OWN = $(if $(filter-out web,$*),--ignore-paths \
	$(subst $() ,$(COMMA),$(patsubst %,server/%,$(filter-out $*,$(SERVICES)))))
COMMA := ,

WITH_INFRA = set -a; . $(abspath $(DATA))/env; set +a;

$(DATA)/env:
	@echo "There are no servers to run on: make dev-infra" >&2; exit 1

# --- in containers --------------------------------------------------------------------------------------------

docker-build-all: $(SERVICES:%=docker-build-%) ## Build the image of every service

docker-build-auth docker-build-tickets docker-build-orders docker-build-payments docker-build-expiration docker-build-web: docker-build-%: ## Build the image of one service
	@docker info >/dev/null 2>&1 || { echo "Building an image needs a Docker engine, and none answers here." >&2; exit 1; }
	docker build --build-arg SERVICE=$* --tag tix-$* .

compose-up: ## Start everything in containers (shop :3000, API :8080), with secrets made once in .env
	@$(NEED_COMPOSE)
	@$(MAKE) --no-print-directory .env
	@$(call COMPLETE,.env)
	docker compose --profile app up --build --detach

compose-down: ## Stop what compose-up started; the data stays
	@$(NEED_COMPOSE)
	docker compose --profile app down

NEED_COMPOSE = $(HAS_COMPOSE) || { \
	echo "This needs a Docker engine with Compose, and none answers here; make run needs neither." >&2; exit 1; }

# A file of an older release lacks what is new. What is in it stays: the databases know it.
COMPLETE = missing="$$($(BIN)/python -m server secrets --missing $(1))" || exit 1; \
	test -z "$$missing" || printf '\n\# New in this release\n%s\n' "$$missing" >>$(1)

.env: | $(INSTALLED)
	@umask 077; { echo "# For docker-compose.yaml. Keep it: the database was made with this password."; \
		$(BIN)/python -m server secrets && \
		echo "# Pay in the Stripe sandbox. With a key and a webhook secret of Stripe's above, take this line out." && \
		echo "SANDBOX=1"; } >$@.new && mv $@.new $@

OVERLAY ?= local
LOCAL := infra/k8s/overlays/local

k8s-apply: ## Bring Tix to the cluster that kubectl is set to (OVERLAY=local)
	@$(NEED_CLUSTER)
	@$(MAKE) --no-print-directory $(LOCAL)/tix.env
	@$(call COMPLETE,$(LOCAL)/tix.env)
	@$(MAKE) --no-print-directory $(LOCAL)/postgres-app.env
	@# A Job cannot be changed, so that of the last release makes room. The services roll when the new one is done.
	kubectl delete job migrate --namespace tix --ignore-not-found
	kubectl apply --kustomize infra/k8s/overlays/$(OVERLAY) --selector tix/kind!=service
	kubectl wait job/migrate --namespace tix --for=condition=complete --timeout=10m
	kubectl apply --kustomize infra/k8s/overlays/$(OVERLAY)

k8s-delete: ## Take it away from there again, its data too (OVERLAY=local)
	@$(NEED_CLUSTER)
	@$(MAKE) --no-print-directory $(LOCAL)/postgres-app.env
	kubectl delete --kustomize infra/k8s/overlays/$(OVERLAY) --ignore-not-found

NEED_CLUSTER = command -v kubectl >/dev/null || { echo "This needs kubectl, and there is none here." >&2; exit 1; }; \
	kubectl version >/dev/null 2>&1 || { echo "kubectl reaches no cluster: choose one, or start one." >&2; exit 1; }

$(LOCAL)/tix.env: | $(INSTALLED)
	@umask 077; $(BIN)/python -m server secrets >$@.new && mv $@.new $@

$(LOCAL)/postgres-app.env: $(LOCAL)/tix.env
	@umask 077; sed -n 's|^POSTGRES_PASSWORD=\(.*\)|uri=postgres://tix:\1@postgres-rw:5432/tix|p' $< >$@

# --- the environment ------------------------------------------------------------------------------------------

lock: $(INSTALLED) ## Pin every dependency anew, with hashes and without addresses (ARGS=--upgrade)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --all-extras \
		$(ARGS) pyproject.toml -o requirements.lock

build: $(INSTALLED) ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build --no-isolation

# Where the advisories cannot be had, pip-audit passes over each package and ends with 0, or with a traceback.
audit: $(INSTALLED) ## Ask PyPI for known vulnerabilities of every pinned version; needs the network
	@said="$$($(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements.lock --progress-spinner off 2>&1)" \
		|| status=$$?; \
	case "$$said" in *"could not be audited"* | *Traceback*) \
		echo "Not audited: PyPI's advisories cannot be had from here, or not for every package." >&2; exit 1 ;; \
	esac; \
	echo "$$said"; exit $${status:-0}

sbom: $(INSTALLED) ## Write dist/sbom.cdx.json (CycloneDX): every pinned package and its hashes, the same each time
	@mkdir -p dist
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		$(ARGS) --output-file dist/sbom.cdx.json requirements.lock
	@echo dist/sbom.cdx.json

clean: ## Delete caches and build output; never the data in .tix, nor .venv
	rm -rf dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find server client cli bench migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +

# uv, taken from the same lock, installs in 3 s what takes pip 28; where it does not work, pip does it.
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check
UV := $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Tix needs Python 3.11 or newer; choose one: make PYTHON=python3.12" \
		if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the pinned dependencies into .venv"
	@sed -n '/^uv==/,/# via/p' requirements.lock >.venv/uv.txt
	@$(PIP) --require-hashes -r .venv/uv.txt && $(UV) --require-hashes -r requirements.lock 2>/dev/null \
		|| $(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
