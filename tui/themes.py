"""Themes besides Textual's own: what is hard to read in those is plain in these."""

from textual.theme import Theme

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
