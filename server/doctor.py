"""doctor: runs `invariants.sql` against the services' databases and says which promises do not hold."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import asyncpg

from server.kit.migrate import AUDITOR
from server.payments.gateway import GatewayUnavailable

FILE = Path(__file__).with_name("invariants.sql")
HEAD = re.compile(
    r"^-- (?P<kind>check|review): (?P<name>\w+) \| (?P<schema>\w+)(?: within (?P<other>\w+))? "
    r"\| (?P<promise>.+)(?P<repairs>(?:\n-- repair: .+)*)$",
    re.MULTILINE,
)
STRIPE = "stripe"
"""Not a schema: the check is made by asking Stripe."""
SHOWN = 5
"""Rows, and repairs, told of one finding; the count is always whole."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
"""Seconds between two looks; doubled each time."""

Rows = list[dict[str, Any]]
AskStripe = Callable[[], Awaitable[Rows]]
"""Finds where Stripe and the ledger differ. Raises GatewayUnavailable."""


@dataclass(frozen=True)
class Check:
    """One promise: its rows are violations, or with `other` those of its rows that the other query lacks."""

    name: str
    schema: str
    promise: str
    repairs: tuple[str, ...]
    sql: str
    other: tuple[str, str] | None = None
    """Schema and query."""
    is_promise: bool = True
    """False: its rows are for a person, and nothing is broken."""


@dataclass(frozen=True)
class Finding:
    """A promise that does not hold, and where; or what is for a person."""

    check: Check
    rows: Rows

    @property
    def name(self) -> str:
        """The check's."""
        return self.check.name

    def still(self, rows: Rows) -> Rows:
        """Those of a later look that were there before: on a busy platform the others are news on its way."""
        known = {next(iter(row.values())) for row in self.rows}
        return [row for row in rows if next(iter(row.values())) in known]

    def repairs(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """The commands for these rows, each once."""
        return list(dict.fromkeys(line.format_map(row) for line in self.check.repairs for row in rows))

    def as_dict(self) -> dict[str, Any]:
        """All of it."""
        return {
            "name": self.name,
            "promise": self.check.promise,
            "rows": self.rows,
            "repair": self.repairs(self.rows),
        }

    def as_lines(self, word: str) -> list[str]:
        """A few of its rows, and what to do about them."""
        shown = self.rows[:SHOWN]
        return [
            f"{word}: {self.check.promise} ({self.name}, {len(self.rows)} found)",
            *("    " + ", ".join(f"{name}={value}" for name, value in row.items()) for row in shown),
            *(f"  repair: {line}" for line in self.repairs(shown)),
        ]


@dataclass(frozen=True)
class Report:
    """What was checked and what was found."""

    checked: int
    findings: Sequence[Finding] = ()
    review: Sequence[Finding] = ()
    unasked: str | None = None
    """Why Stripe was not compared with the ledger."""

    @property
    def is_clean(self) -> bool:
        """Whether every promise that was checked holds."""
        return not self.findings

    def as_json(self, *, repaired: Sequence[str] = ()) -> str:
        """One object: all of it, with all rows."""
        return json.dumps(
            {
                "checked": self.checked,
                "clean": self.is_clean,
                "findings": [finding.as_dict() for finding in self.findings],
                "review": [finding.as_dict() for finding in self.review],
                "stripeUnasked": self.unasked,
                "repaired": repaired,
            },
            default=str,
        )

    def as_text(self) -> str:
        """For people: one line when all is well, else each finding with a few of its rows."""
        lines = []
        for finding in self.findings:
            lines += finding.as_lines("broken")
        lines.append(
            f"ok: all {self.checked} promises hold."
            if self.is_clean
            else f"{len(self.findings)} of {self.checked} promises do not hold."
        )
        for finding in self.review:
            lines += finding.as_lines("for a person")
        if self.unasked:
            lines.append(f"Stripe was not compared with the ledger: {self.unasked}")
        return "\n".join(lines)


def checks() -> list[Check]:
    """The blocks of `invariants.sql`, in its order."""
    text = FILE.read_text()
    heads = list(HEAD.finditer(text))
    found = []
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : following.start() if following else None].strip().rstrip(";")
        sql, _, second = body.partition("-- within")
        found.append(
            Check(
                name=head["name"],
                schema=head["schema"],
                promise=head["promise"],
                repairs=tuple(head["repairs"].replace("-- repair: ", "").split("\n")[1:]),
                sql=sql,
                other=(head["other"], second) if head["other"] else None,
                is_promise=head["kind"] == "check",
            )
        )
    return found


async def examine(
    databases: Mapping[str, str],
    *,
    patience: float = 0,
    ask_stripe: AskStripe | None = None,
    unasked: str | None = None,
) -> Report:
    """Check every promise; `databases` maps service → URL. `unasked`: why there is no `ask_stripe`.

    News travels between services in milliseconds, not in none: what is found is looked at again for
    `patience` seconds, and only what stays is reported.
    """
    end = time.monotonic() + patience
    async with AsyncExitStack() as stack:
        look = _Look({}, ask_stripe, unasked)
        for service, url in databases.items():
            look.sessions[service] = await _open(service, url)
            stack.push_async_callback(look.sessions[service].close)
        found = [Finding(check, rows) for check in checks() if (rows := await look.at(check))]
        review = [finding for finding in found if not finding.check.is_promise]
        findings = [finding for finding in found if finding.check.is_promise]
        pause = FIRST_PAUSE
        while findings and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
            findings = [
                Finding(finding.check, rows)
                for finding in findings
                if (rows := finding.still(await look.at(finding.check)))
            ]
    return Report(look.checked, findings, review, look.unasked)


@dataclass
class _Look:
    """How the rows of a check are found, wherever they are."""

    sessions: dict[str, "asyncpg.Connection[Any]"]
    ask_stripe: AskStripe | None
    unasked: str | None

    @property
    def checked(self) -> int:
        """How many promises could be looked at."""
        return sum(check.is_promise and (check.schema != STRIPE or self.asks) for check in checks())

    @property
    def asks(self) -> bool:
        """Whether Stripe can be asked."""
        return self.ask_stripe is not None and self.unasked is None

    async def at(self, check: Check) -> Rows:
        """The rows that break this promise now."""
        if check.schema == STRIPE:
            return await self._at_stripe()
        rows = await self.sessions[check.schema].fetch(check.sql)
        if check.other is not None and rows:
            schema, sql = check.other
            others = await self.sessions[schema].fetch(sql)
            if others:
                key = itemgetter(*others[0].keys())
                present = set(map(key, others))
                rows = [row for row in rows if key(row) not in present]
        return [dict(row) for row in rows]

    async def _at_stripe(self) -> Rows:
        if self.ask_stripe is None:
            return []
        try:
            return await self.ask_stripe()
        except GatewayUnavailable as error:
            self.unasked = str(error)
            return []


async def _open(service: str, url: str) -> "asyncpg.Connection[Any]":
    session = await asyncpg.connect(url, server_settings={"search_path": service, "timezone": "UTC"})
    await session.execute(
        "SELECT set_config('role', rolname, false) FROM pg_roles "
        "WHERE rolname = $1 AND pg_has_role(current_user, oid, 'MEMBER')",
        AUDITOR,
    )
    return session
