"""What the sandbox remembers: one SQLite file, one writer, one transaction for each request."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ANSWERS_KEPT_FOR = 24 * 3600
"""Seconds; Stripe, too, may forget an idempotency key after a day."""

BUSY_TIMEOUT = 5.0
"""Seconds to wait for someone who looks into the file with another program."""

SCHEMA = """
PRAGMA journal_mode = WAL;
-- FULL, not WAL's usual NORMAL: what was answered must outlive a power cut, as it does at Stripe.
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due_at REAL, delivered_at REAL
);
CREATE TABLE IF NOT EXISTS later (
    seq INTEGER PRIMARY KEY, due_at REAL NOT NULL, what TEXT NOT NULL, object_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_due ON events (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS later_due ON later (due_at);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (json_extract(body, '$.payment_intent'), kind, seq);
"""

NEWEST = """
SELECT body FROM objects
WHERE kind = :kind AND seq < coalesce((SELECT seq FROM objects WHERE id = :after), 9223372036854775807)
AND json_extract(body, '$.created') >= :since AND json_extract(body, '$.created') < :until
AND NOT EXISTS (
    SELECT 1 FROM json_each(:where) AS wanted
    WHERE json_extract(objects.body, '$.' || wanted.key) IS NOT wanted.value
)
ORDER BY seq DESC LIMIT :limit
"""

OF_INTENT = """
SELECT body FROM objects WHERE json_extract(body, '$.payment_intent') = ? AND kind = ? ORDER BY seq DESC
"""
"""By the index: each cancel and each refund asks this."""

FOREVER = 2**53
"""Later than any time in seconds."""


@dataclass(frozen=True)
class Answer:
    """What a request got, as it is kept under its idempotency key; `body` is JSON text."""

    status: int
    body: str


@dataclass(frozen=True)
class Event:
    """An event that waits for delivery; `attempts` were made so far."""

    id: str
    body: str
    attempts: int


class Books:
    """The state as one transaction sees it.

    `now` is the transaction's time in seconds since the epoch, `home` the address of the sandbox's pages.
    """

    def __init__(self, db: sqlite3.Connection, *, now: float, home: str) -> None:
        """Made by `State.within` only."""
        self._db = db
        self.now = now
        self.home = home

    def read(self, kind: str, object_id: str) -> str | None:
        """The JSON of one object."""
        row = self._db.execute(
            "SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, object_id)
        ).fetchone()
        return None if row is None else str(row[0])

    def find(self, object_id: str) -> str | None:
        """The JSON of an object of whatever kind."""
        row = self._db.execute("SELECT body FROM objects WHERE id = ?", (object_id,)).fetchone()
        return None if row is None else str(row[0])

    def newest(  # noqa: PLR0913 - each narrows the list
        self,
        kind: str,
        *,
        limit: int,
        after: str | None = None,
        since: int = 0,
        until: int = FOREVER,
        where: dict[str, str] | None = None,
    ) -> list[str]:
        """The JSON of objects, newest first: older than `after`, created in [since, until), with members."""
        rows = self._db.execute(
            NEWEST,
            {
                "kind": kind,
                "after": after,
                "since": since,
                "until": until,
                "where": json.dumps(where or {}),
                "limit": limit,
            },
        )
        return [str(body) for (body,) in rows]

    def of_intent(self, kind: str, intent_id: str) -> list[str]:
        """The JSON of all objects of a kind that name this intent, newest first."""
        return [str(body) for (body,) in self._db.execute(OF_INTENT, (intent_id, kind))]

    def write(self, kind: str, object_id: str, body: str) -> None:
        """Keep the newest state of an object."""
        self._db.execute(
            "INSERT INTO objects (id, kind, body) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (object_id, kind, body),
        )

    def answer(self, key: str, fingerprint: str) -> tuple[Answer, bool] | None:
        """What this idempotency key got, and whether it was for the same request."""
        row = self._db.execute(
            "SELECT status, body, fingerprint FROM answers WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else (Answer(row[0], row[1]), row[2] == fingerprint)

    def keep_answer(self, key: str, fingerprint: str, answer: Answer) -> None:
        """Give the same answer whenever this key comes again."""
        self._db.execute(
            "INSERT INTO answers (key, fingerprint, status, body, at) VALUES (?, ?, ?, ?, ?)",
            (key, fingerprint, answer.status, answer.body, self.now),
        )

    def delete(self, object_id: str) -> None:
        """Forget an object."""
        self._db.execute("DELETE FROM objects WHERE id = ?", (object_id,))

    def announce(self, event_id: str, event: dict[str, object], *, delays: Sequence[float] = (0.0,)) -> None:
        """Have an event delivered, surely, once this is committed: once for each of `delays` (seconds)."""
        body = json.dumps(event)
        # Never delivered, it is in the books all the same.
        for copy, delay in enumerate(delays or (None,)):
            self._db.execute(
                "INSERT INTO events (id, body, due_at) VALUES (?, ?, ? + ?)",
                (f"{event_id}#{copy}" if copy else event_id, body, self.now, delay),
            )

    def after(self, seconds: float, what: str, object_id: str) -> None:
        """Have something done to an object in so many seconds: see `later.DEEDS`."""
        self._db.execute(
            "INSERT INTO later (due_at, what, object_id) VALUES (? + ?, ?, ?)",
            (self.now, seconds, what, object_id),
        )

    def take_due(self) -> list[tuple[str, str]]:
        """What is to be done now, and to which object; it is not asked for twice."""
        rows = self._db.execute(
            "DELETE FROM later WHERE due_at <= ? RETURNING what, object_id", (self.now,)
        ).fetchall()
        return [(str(what), str(object_id)) for what, object_id in rows]

    def next_due(self) -> float | None:
        """Seconds until the next thing is due, of deliveries and of what is to be done later."""
        (due_at,) = self._db.execute(
            "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM later"
            " UNION ALL SELECT min(due_at) FROM events WHERE due_at > ?)",
            (self.now,),
        ).fetchone()
        return None if due_at is None else max(0.0, float(due_at) - self.now)

    def due(self, limit: int) -> list[Event]:
        """The events to deliver now, the longest waiting first."""
        rows = self._db.execute(
            "SELECT id, body, attempts FROM events WHERE due_at <= ? ORDER BY due_at, seq LIMIT ?",
            (self.now, limit),
        )
        return [Event(*row) for row in rows]

    def delivered(self, event_id: str) -> None:
        """The receiver has the event."""
        self._db.execute(
            "UPDATE events SET delivered_at = ?, due_at = NULL, attempts = attempts + 1 WHERE id = ?",
            (self.now, event_id),
        )

    def undelivered(self, event_id: str, *, retry_after: float | None) -> None:
        """The receiver did not take the event: try again after so many seconds, or never (None)."""
        self._db.execute(
            "UPDATE events SET due_at = ? + ?, attempts = attempts + 1 WHERE id = ?",
            (self.now, retry_after, event_id),
        )


class State:
    """The file, and the one thread that may touch it."""

    def __init__(self, path: Path, *, home: str) -> None:
        """Open the file, or make it."""
        self._home = home
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        # The connection is made here and used by the one writer thread, never by two at a time.
        self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        self._db.executescript(SCHEMA)
        now = time.time()
        self._db.execute("DELETE FROM answers WHERE at < ?", (now - ANSWERS_KEPT_FOR,))
        # What was waiting when the sandbox stopped has waited long enough.
        self._db.execute("UPDATE events SET due_at = ? WHERE due_at IS NOT NULL", (now,))

    async def within(self, work: Callable[[Books], T]) -> T:
        """Do `work` in one transaction: all of it is kept, or, if it raises, none.

        A caller that is cancelled (Sanic does so when a client hangs up) leaves the work whole, too: it runs
        in the writer's thread, to its end if it has begun and not at all if it has not.
        """
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transaction, work)

    def _transaction(self, work: Callable[[Books], T]) -> T:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work(Books(self._db, now=time.time(), home=self._home))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result

    def close(self) -> None:
        """Wait for what is under way, then let go of the file."""
        self._writer.shutdown()
        self._db.close()
