"""What is drawn, as SVG made by Textual: the same whenever and wherever it is drawn."""

import re
from collections import defaultdict
from difflib import unified_diff
from html import unescape
from typing import Any

from textual.app import App

SERVER = re.compile(r"127\.0\.0\.1:\d{5}")
ID = re.compile(r"terminal-\d+")
"""By which Textual tells one picture on a page from another: a sum over all of it, the port, too."""
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Would be fetched from elsewhere; every machine has one of its own."""
WORDS = re.compile(r'<text class="terminal-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')
CELL = 12.2
"""The width of a character in Textual's picture."""


def picture(app: App[Any]) -> str:
    """Of the screen as it is, an element a line, so that a change is seen in a diff."""
    svg = FONT.sub("", app.export_screenshot(title="tix tui", simplify=True)).replace("Fira Code, ", "")
    svg = ID.sub("terminal", SERVER.sub("127.0.0.1:12345", svg)).replace("><", ">\n<")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def difference(kept: str, drawn: str) -> str:
    """What became of the words of a picture, line by line."""
    lines = unified_diff(_words(kept), _words(drawn), "kept", "drawn", n=0, lineterm="")
    return "\n".join(lines) or "The words are where they were: look at the colours, in a browser."


def _words(svg: str) -> list[str]:
    rows: defaultdict[float, str] = defaultdict(str)
    for x, y, text in WORDS.findall(svg):
        rows[float(y)] = rows[float(y)].ljust(round(float(x) / CELL)) + unescape(text).replace("\xa0", " ")
    return [rows[y].rstrip() for y in sorted(rows)]
