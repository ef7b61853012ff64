"""The tables of keys in docs/TUI.md, written anew from the bindings: `make docs`."""

from collections.abc import Iterable, Mapping
from typing import Any

from textual.binding import Binding

from tests.platform import ROOT
from tui.app import Tui
from tui.screens.account import Account
from tui.screens.activity import Activity
from tui.screens.browse import Browse
from tui.screens.checkout import Checkout
from tui.screens.conflict import ConflictDialog
from tui.screens.deals import Deals
from tui.screens.dialogs import Choice, Confirm
from tui.screens.help import Help
from tui.screens.importing import Importing
from tui.screens.listing import Listing
from tui.screens.orders import Orders
from tui.screens.panes import Panes
from tui.screens.sell import Sell
from tui.screens.ticket import Ticket
from tui.screens.view import View
from tui.shell import Shell
from tui.talk import Talk
from tui.widgets.rows import Rows

PAGE = ROOT / "docs" / "TUI.md"
BEGIN, END = "<!-- keys: made by `make docs` -->\n", "<!-- end of keys -->\n"
PLACES: Mapping[str, tuple[Any, ...]] = {
    "Everywhere": (Tui, Shell, Talk, View),
    "In a list, or a pane that is scrolled": (Rows,),
    "In panes": (Panes,),
    "Browse": (Browse,),
    "Orders": (Orders, Deals),
    "An order": (Checkout,),
    "Sell": (Sell,),
    "A listing": (Listing,),
    "Import": (Importing,),
    "Activity": (Activity,),
    "A ticket by itself": (Ticket,),
    "Account": (Account,),
    "Help": (Help,),
    "A question": (Confirm,),
    "A choice": (Choice,),
    "A listing that was changed meanwhile": (ConflictDialog,),
}
SPELT = {
    "slash": "/",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "escape": "Esc",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}


def rows(owner: Any) -> Iterable[str]:
    """A line for each binding."""
    for one in vars(owner).get("BINDINGS", ()):
        if isinstance(one, Binding):
            keys = " ".join(f"`{SPELT.get(key, key)}`" for key in one.key.split(","))
            yield f"| {keys} | {one.tooltip or one.description} | `{one.id}` |"


def table() -> str:
    """All of them."""
    parts = []
    for place, owners in PLACES.items():
        lines = [line for owner in owners for line in rows(owner)]
        parts.append("\n".join((f"**{place}**\n", "| Keys | What for | Id |", "|---|---|---|", *lines)))
    return "\n\n".join(parts) + "\n"


def written(page: str) -> str:
    """The page with its tables as they should be."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
