"""Themes besides Textual's own: what is hard to read in those is plain in these."""

from collections.abc import Iterable

from textual.color import Color, ColorParseError
from textual.theme import Theme

LEAST = 4.5
"""Contrast of text with what is behind it, by WCAG 2."""
TEXTS = ("text-success", "text-warning", "text-error", "text-accent", "text-primary", "text-secondary")
BEHIND = ("background", "surface", "panel")

HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#00b7ff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffd000",
    error="#ff8080",
    success="#40ff40",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    text_alpha=1.0,
    variables={"text-muted": "#ffffff", "text-disabled": "#c0c0c0", "border": "#ffffff"},
)
HIGH_CONTRAST_LIGHT = Theme(
    name="high-contrast-light",
    primary="#003a8c",
    secondary="#000000",
    accent="#5a008c",
    warning="#6b4200",
    error="#a00000",
    success="#005a00",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#e6e6e6",
    dark=False,
    text_alpha=1.0,
    variables={"text-muted": "#000000", "text-disabled": "#404040", "border": "#000000"},
)
THEMES = (HIGH_CONTRAST, HIGH_CONTRAST_LIGHT)


CURSOR = {
    "cursor-row": "ansi_blue",
    "cursor-row-text": "ansi_bright_white",
    "pane": "ansi_bright_black",
    "muted": "ansi_bright_black",
}
"""The row with the cursor, the line around a pane, and what matters less, in the colours of a terminal."""


def legible(variables: dict[str, str]) -> dict[str, str]:
    """The colours of a theme, those of words brighter or darker where they could not be read."""
    try:
        behind = [Color.parse(variables[name]) for name in BEHIND]
        words = {name: _moved(Color.parse(variables[name]), behind).hex for name in TEXTS}
        primary = Color.parse(variables["primary"])
        front = Color.parse(variables["foreground"])
    except ColorParseError:
        return variables
    text = Color(0, 0, 0) if primary.brightness > 0.5 else Color(255, 255, 255)  # noqa: PLR2004 - half
    row = _moved(primary, [text])
    own_muted = variables["text-muted"]  # in most themes `auto`, which is white where a part of a text has it
    muted = (
        Color.parse(own_muted) if own_muted.startswith("#") else _moved(front.blend(behind[0], 0.35), behind)
    )
    pane = front.blend(behind[0], 0.6)
    own = {"cursor-row": row.hex, "cursor-row-text": text.hex, "muted": muted.hex, "pane": pane.hex}
    return {**variables, **words, **own}


def _moved(colour: Color, behind: Iterable[Color]) -> Color:
    grounds = list(behind)
    end = Color(255, 255, 255) if grounds[0].brightness < 0.5 else Color(0, 0, 0)  # noqa: PLR2004 - half
    steps = (colour.blend(end, step / 10) for step in range(11))
    return next((one for one in steps if all(ratio(one, ground) >= LEAST for ground in grounds)), end)


def ratio(one: Color, other: Color) -> float:
    """The contrast of two colours by WCAG 2, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    dark, bright = sorted((_light(one), _light(other)))
    return (bright + 0.05) / (dark + 0.05)


def _light(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - of the standard
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
