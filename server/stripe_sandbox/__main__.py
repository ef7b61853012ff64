"""Start the sandbox: `python -m server.stripe_sandbox --port N --data FILE --webhook-url URL`."""

import argparse
import os
import sys
from pathlib import Path

from server.kit import log
from server.stripe_sandbox.api import create_app


def argument_parser() -> argparse.ArgumentParser:
    """How it is called."""
    parser = argparse.ArgumentParser(
        prog="python -m server.stripe_sandbox",
        description="A stand-in for Stripe on this machine. STRIPE_WEBHOOK_SECRET signs the events it sends.",
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; in a container 0.0.0.0")
    parser.add_argument(
        "--home",
        help="where browsers find its pages, if not at that port of 127.0.0.1: http://127.0.0.1:12111",
    )
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file that keeps its state")
    parser.add_argument(
        "--webhook-url", required=True, help="where events are delivered, http:// or https://"
    )
    return parser


def main() -> int:
    """Read the arguments and serve until SIGTERM; exit code 2 says how it was called wrongly."""
    parser = argument_parser()
    arguments = parser.parse_args()
    if not arguments.webhook_url.startswith(("http://", "https://")):
        parser.error("--webhook-url must begin with http:// or https://")
    # Not an argument, because every user of the machine can read another's argument list.
    secret = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
    if not secret:
        parser.error("set STRIPE_WEBHOOK_SECRET in the environment")

    log.configure()
    os.umask(0o077)  # the file holds client secrets
    arguments.data.parent.mkdir(parents=True, exist_ok=True)
    app = create_app(
        data=arguments.data,
        webhook_url=arguments.webhook_url,
        webhook_secret=secret,
        home=arguments.home or f"http://127.0.0.1:{arguments.port}",
    )
    app.run(host=arguments.host, port=arguments.port, single_process=True, motd=False, access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
