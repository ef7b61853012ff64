"""The embedded platform: real servers from wheels, run as children of `python -m server up`."""

from server.local.datadir import fresh_secrets
from server.local.servers import LocalError, LocalServers

__all__ = ["LocalError", "LocalServers", "fresh_secrets"]
