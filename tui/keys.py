"""The key of an action as a person has it: every hint that names one asks here."""

import re

from textual.binding import Binding
from textual.dom import DOMNode

from tui.widgets.rows import Rows

NAMED = re.compile(r"\{(\w+)\}")


def key_of(node: DOMNode, name: str) -> str:
    """The first key of an action of this node, of the app or of a list, by its id, as it is shown."""
    keys = node.app._keymap.get(name)  # noqa: SLF001 - nothing else tells it
    for part in () if keys else (type(node), type(node.app), Rows):
        found = (key for key, one in part._merge_bindings() if one.id == name)  # noqa: SLF001 - likewise
        keys = keys or next(found, None)
    if not keys:
        raise LookupError(f"No action here has the id {name!r}.")
    return node.app.get_key_display(Binding(keys.partition(",")[0], ""))


def keyed(node: DOMNode, text: str) -> str:
    """`{hold}` in it becomes the key of the action of that id; so none of it may be another's words."""
    return NAMED.sub(lambda found: key_of(node, found[1]), text)
