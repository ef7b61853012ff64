"""Where we listen: the ports of services in processes of their own, and a sentence where one is taken."""

import errno
import socket
from collections.abc import Mapping
from typing import Literal

from server.command import Refusal
from server.settings import Service

PORTS: Mapping[Service | Literal["web"], int] = {
    "web": 3000,
    "auth": 3001,
    "tickets": 3002,
    "orders": 3003,
    "payments": 3004,
    "expiration": 3005,
}


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Take a port now (0: a free one): a taken one is then a sentence, not a traceback. Raises OSError.

    Nobody listens yet, so that proxies go elsewhere; and who binds it as we do may still have it.
    """
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def take(port: int, otherwise: str, *, host: str = "127.0.0.1") -> socket.socket:
    """Listen on a port. Raises Refusal, with another way to go."""
    try:
        return listen(port, host)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refusal(f"{host} is no address of this machine: choose another LISTEN_HOST.") from error
        reason = f"Port {port} is taken ({error.strerror})."
        raise Refusal(f"{reason} Stop what uses it, or choose another: {otherwise}") from error
