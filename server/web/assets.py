"""Our own CSS, JavaScript and pictures: named by content, compressed once, kept by browsers for ever."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.response import raw

COMMENT = re.compile(rb"^ *//.*\n", re.MULTILINE)
"""A line of nothing else: for those who read the source, a third of what would be sent."""
STATIC = Path(__file__).parent / "static"
TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Asset:
    """A file as it is served."""

    address: str
    content_type: str
    body: bytes
    compressed: bytes


def load() -> Mapping[str, Asset]:
    """All of them, by file name."""
    return {path.name: _read(path) for path in sorted(STATIC.iterdir()) if path.suffix in TYPES}


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    if path.suffix == ".js":
        body = COMMENT.sub(b"", body)
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(
        address=f"/static/{path.stem}.{digest}{path.suffix}",
        content_type=TYPES[path.suffix],
        body=body,
        compressed=gzip.compress(body, mtime=0),
    )


def add_assets(app: Sanic[Any, Any], assets: Mapping[str, Asset]) -> None:
    """Serve them under their addresses."""
    for name, asset in assets.items():
        app.add_route(partial(_give, asset=asset), asset.address, name=f"static {name}", unquote=False)


async def _give(request: Request, *, asset: Asset) -> HTTPResponse:
    if takes_gzip(request):
        headers = {**HEADERS, "Content-Encoding": "gzip"}
        return raw(asset.compressed, headers=headers, content_type=asset.content_type)
    return raw(asset.body, headers=HEADERS, content_type=asset.content_type)


def takes_gzip(request: Request) -> bool:
    """Whether the browser unpacks it."""
    return "gzip" in request.headers.get("accept-encoding", "")
