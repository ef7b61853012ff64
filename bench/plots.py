"""Bars as SVG, without a library: the same figures give the same file."""

from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2")
WIDTH, BAR, GAP, LEFT, RIGHT, TOP = 760, 16, 10, 230, 90, 46


def stacked(title: str, unit: str, bars: Mapping[str, Mapping[str, float]]) -> str:
    """A horizontal bar for each name, made of its parts."""
    parts = sorted({part for bar in bars.values() for part in bar})
    longest = max((sum(bar.values()) for bar in bars.values()), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + len(bars) * (BAR + GAP) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-size="12" role="img">',
        '<g font-family="system-ui, sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="18" font-size="14" font-weight="600">{escape(title)} ({escape(unit)})</text>',
        *_legend(parts),
    ]
    for number, (name, bar) in enumerate(bars.items()):
        y, x = TOP + number * (BAR + GAP), float(LEFT)
        lines.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
        for part in parts:
            width = bar.get(part, 0) * scale
            if width >= 0.1:  # noqa: PLR2004 - a tenth of a pixel cannot be seen
                fill = COLOURS[parts.index(part) % len(COLOURS)]
                lines.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{fill}"/>')
                x += width
        lines.append(f'<text x="{x + 6:.1f}" y="{y + 12}">{sum(bar.values()):,.0f}</text>')
    return "\n".join([*lines, "</g></svg>", ""])


def _legend(parts: Sequence[str]) -> list[str]:
    if len(parts) < 2:  # noqa: PLR2004 - one colour needs no key
        return []
    lines, x = [], LEFT
    for number, part in enumerate(parts):
        lines.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{COLOURS[number % len(COLOURS)]}"/>')
        lines.append(f'<text x="{x + 14}" y="37">{escape(part)}</text>')
        x += 24 + 7 * len(part)
    return lines
