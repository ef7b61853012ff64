"""What a browser has really painted."""

import struct
import zlib
from collections.abc import Iterator

from playwright.async_api import Page


async def painted(page: Page, x: float, y: float) -> tuple[int, int, int]:
    """The colour of one pixel: red, green, blue."""
    png = await page.screenshot(clip={"x": x, "y": y, "width": 1, "height": 1})
    # A filter byte, then the pixel; with no neighbours every filter leaves it as it is.
    _, red, green, blue = zlib.decompress(b"".join(_pieces(png, b"IDAT")))[:4]
    return red, green, blue


def _pieces(png: bytes, wanted: bytes) -> Iterator[bytes]:
    at = 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == wanted:
            yield png[at + 8 : at + 8 + size]
        at += 12 + size
