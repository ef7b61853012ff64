"""Smaller PNGs: a picture of 256 colours, chosen by how often they come; standard library only."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
PLAIN = 32
"""So many, the most used, stay as they are: paper and sheet hardly differ, and are not one."""
PAETH = 4
"""The filter that guesses by three neighbours."""
CHANNELS = {2: 3, 6: 4}
"""PNG's colour type → bytes for each pixel: RGB, and RGB with alpha."""


def lean(png: bytes) -> bytes:
    """The same picture in at most 256 colours; `png` has 8 bits a channel and is not interlaced."""
    parts = list(chunks(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
    if depth != 8 or kind not in CHANNELS or interlaced:
        raise ValueError("Only a plain PNG of 8 bits a channel can be made smaller.")
    raw = zlib.decompress(b"".join(data for name, data in parts if name == b"IDAT"))
    rows = [
        [tuple(row[at : at + 3]) for at in range(0, len(row), CHANNELS[kind])]
        for row in unfiltered(raw, width * CHANNELS[kind], CHANNELS[kind])
    ]
    counted = Counter(colour for row in rows for colour in row)
    shades: dict[tuple[int, ...], tuple[int, ...]] = {}
    uses = Counter[tuple[int, ...]]()
    plain = {colour for colour, _ in counted.most_common(PLAIN)}
    shade_of = {colour: colour if colour in plain else _shade(colour) for colour in counted}
    for colour, count in counted.most_common():
        shades.setdefault(shade_of[colour], colour)  # the first is the one that comes most often
        uses[shade_of[colour]] += count
    kept = [shade for shade, _ in uses.most_common(COLOURS)]
    palette = [shades[shade] for shade in kept]
    known = {shade: number for number, shade in enumerate(kept)}
    known |= {shade: _nearest(colour, palette) for shade, colour in shades.items() if shade not in known}
    numbers = {colour: known[shade] for colour, shade in shade_of.items()}
    packed = b"".join(b"\0" + bytes(numbers[colour] for colour in row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return SIGNATURE + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", header),
            (b"PLTE", b"".join(map(bytes, palette))),
            (b"IDAT", zlib.compress(packed, 9)),
            (b"IEND", b""),
        )
    )


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each part."""
    at = len(SIGNATURE)
    while at < len(png):
        [size] = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size


def unfiltered(raw: bytes, stride: int, step: int) -> Iterator[bytes]:
    """The rows, with the filter of each undone."""
    above = bytearray(stride)
    for at in range(0, len(raw), stride + 1):
        row, how = bytearray(raw[at + 1 : at + 1 + stride]), raw[at]
        for x in range(stride) if how else ():
            left, up = (row[x - step] if x >= step else 0), above[x]
            if how == PAETH:
                more = _paeth(left, up, above[x - step] if x >= step else 0)
            else:
                more = (0, left, up, (left + up) // 2)[how]
            row[x] = (row[x] + more) & 255
        yield bytes(row)
        above = row


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


def _shade(colour: tuple[int, ...]) -> tuple[int, ...]:
    """Colours that hardly differ are of one shade; it is no colour itself."""
    return (*(channel >> 3 for channel in colour), -1)


def _nearest(colour: tuple[int, ...], palette: list[tuple[int, ...]]) -> int:
    return min(
        range(len(palette)),
        key=lambda number: sum((a - b) ** 2 for a, b in zip(colour, palette[number], strict=True)),
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
