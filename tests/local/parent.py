"""A process that owns embedded servers, for tests that end it: `parent.py DATA_DIR [thread|watch|bare]`.

Prints one JSON line once they run, then waits for SIGINT or SIGTERM and stops them.
"""

import json
import signal
import sys
import threading
from pathlib import Path

from server import supervisor
from server.local import LocalServers


def main() -> None:
    """Start, report, wait, stop."""
    stopping = threading.Event()
    if "bare" not in sys.argv:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
    if "watch" in sys.argv:
        supervisor.TIE = "watch"
    servers = LocalServers(Path(sys.argv[1]), wanted=("postgres", "nats", "redis"), durable=False)
    environment: dict[str, str] = {}
    if "thread" in sys.argv:
        starter = threading.Thread(target=lambda: environment.update(servers.start()))
        starter.start()
        starter.join()
    else:
        environment.update(servers.start())
    print(json.dumps({"pids": servers.pids(), "environment": environment}), flush=True)  # noqa: T201 - its answer
    while not stopping.wait(0.1):  # a signal handler runs between two waits
        pass
    servers.stop()


if __name__ == "__main__":
    main()
