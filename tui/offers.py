"""What can be done here and now, read off the bindings that are active: help and palette are made of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

HERE, IN_IT, ANYWHERE = "here", "in the list or field", "everywhere"
ORDER = (HERE, IN_IT, ANYWHERE)


@dataclass(frozen=True)
class Offer:
    """One action of the screen, of what has the focus, or of the app."""

    action: str
    node: DOMNode
    """Whose it is."""
    label: str
    tip: str
    keys: str
    """As they are shown, those of the person's own."""
    scope: str
    """One of ORDER."""
    why_not: str | None
    """Why it cannot be done now."""
    id: str | None
    is_shown: bool
    """Whether it is important enough for the line of keys."""

    @property
    def told(self) -> str:
        """What it does, or why it does not."""
        return self.why_not or self.tip

    async def run(self) -> None:
        """Do it, or say why not."""
        app: Any = self.node.app
        if self.why_not is not None:
            app.report(self.why_not, severity="warning")
        else:
            await app.run_action(self.action, self.node)


def offers(screen: Screen[Any]) -> list[Offer]:
    """Every active action once, those of the screen first."""
    found: dict[tuple[int, str], list[Binding]] = {}
    nodes: dict[int, DOMNode] = {}
    for active in screen.active_bindings.values():
        if active.binding.description and not active.binding.system:
            nodes[id(active.node)] = active.node
            found.setdefault((id(active.node), active.binding.action), []).append(active.binding)
    made = [_offer(screen, nodes[node], action, bindings) for (node, action), bindings in found.items()]
    return sorted(made, key=lambda one: (not one.id, ORDER.index(one.scope), not one.is_shown))


def _offer(screen: Screen[Any], node: DOMNode, action: str, bindings: Iterable[Binding]) -> Offer:
    first, *others = bindings
    keys = " ".join(screen.app.get_key_display(one) for one in (first, *others))
    why_not = getattr(node, "why_not", lambda _: None)(action.partition("(")[0])
    scope = ANYWHERE if node is screen.app else HERE if node is screen else IN_IT
    return Offer(
        action,
        node,
        first.description,
        first.tooltip or "",
        keys,
        scope,
        why_not,
        first.id,
        first.show,
    )
