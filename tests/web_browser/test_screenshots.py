"""The pictures in docs/web: all there, small, and made small without a change that shows."""

import struct
import zlib
from itertools import product

import pytest

from tests.web_browser.png import SIGNATURE, chunks, lean, unfiltered
from tests.web_browser.screenshots import MOST_BYTES, SHOWS, WHERE

NAMES = {"-".join(parts) + ".png" for parts in product(SHOWS, ("desk", "phone"), ("light", "dark"))}


def part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def picture(width: int, height: int, rows: bytes, *, interlaced: int = 0) -> bytes:
    """RGB; each row begins with its filter."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced)
    return SIGNATURE + part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def colours(png: bytes) -> list[bytes]:
    """Of each pixel of a picture with a palette, row by row."""
    found = dict(chunks(png))
    width = struct.unpack_from(">I", found[b"IHDR"])[0]
    rows = unfiltered(zlib.decompress(found[b"IDAT"]), width, 1)
    return [found[b"PLTE"][3 * number : 3 * number + 3] for row in rows for number in row]


def test_the_pictures_are_those_that_are_taken() -> None:
    assert {path.name for path in WHERE.iterdir()} == NAMES
    assert {path.name: size for path in WHERE.iterdir() if (size := path.stat().st_size) > MOST_BYTES} == {}


@pytest.mark.parametrize(
    ("filter_", "second"),
    [(0, b"\x00\x80\xff\xff\x80\x00"), (1, b"\x00\x80\xff\xff\x00\x01"), (2, b"\x00\x80\xff\x7f\x80\x80")],
)
def test_few_colours_stay_as_they_are(filter_: int, second: bytes) -> None:
    first = b"\x00\x00\x00\x80\x00\x80"
    made = lean(picture(2, 2, b"\0" + first + bytes([filter_]) + second))
    assert b"".join(colours(made)) == first + b"\x00\x80\xff\xff\x80\x00"


def test_of_too_many_the_nearest_is_taken() -> None:
    shades = [bytes([8 * x, 8 * y, 0]) for x in range(32) for y in range(32)]
    made = colours(
        lean(picture(32, 32, b"".join(b"\0" + b"".join(shades[at : at + 32]) for at in range(0, 1024, 32))))
    )
    assert len(set(made)) == 256
    assert len(made) == len(shades)
    for one in set(made):
        assert made[shades.index(one)] == one


def test_another_kind_of_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="plain PNG"):
        lean(picture(1, 1, b"\0\0\0\0", interlaced=1))
