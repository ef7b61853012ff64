"""The table of settings in docs/OPERATIONS.md, written anew from Settings: `make docs`."""

from collections.abc import Mapping

from pydantic.fields import FieldInfo

from server.settings import NEEDS, Service, Settings
from tests.platform import ROOT

PAGE = ROOT / "docs" / "OPERATIONS.md"
BEGIN, END = "<!-- settings: made by `make docs` -->\n", "<!-- end of settings -->\n"
DATABASES: tuple[Service, ...] = ("auth", "tickets", "orders", "payments")
EVERYBODY = ("all",)

READ_BY: Mapping[str, tuple[str, ...]] = {
    "database_url": DATABASES,
    **{f"{service}_database_url": (service,) for service in DATABASES},
    "database_connections": DATABASES,
    "nats_url": (*DATABASES, "expiration"),
    **{f"{service}_nats_url": (service,) for service in (*DATABASES, "expiration")},
    "nats_replicas": (*DATABASES, "expiration"),
    "redis_host": ("expiration",),
    "redis_port": ("expiration",),
    "redis_password": ("expiration",),
    "jwt_secret": ("auth",),
    "jwt_secret_previous": ("auth",),
    "jwks_url": ("tickets", "orders", "payments"),
    "token_hours": ("auth",),
    "password_pepper": ("auth",),
    "password_pepper_previous": ("auth",),
    "bcrypt_cost": ("auth",),
    "stripe_key": ("payments",),
    "stripe_webhook_secret": ("payments",),
    "stripe_webhook_secret_previous": ("payments",),
    "stripe_publishable_key": ("web",),
    "stripe_js_url": ("web",),
    "stripe_api_base": ("payments", "web"),
    "stripe_rate": ("payments",),
    "capture_deadline_seconds": ("payments",),
    "hold_seconds": ("orders", "web"),
    "extend_seconds": ("orders", "web"),
    "max_live_holds": ("orders",),
    "port": EVERYBODY,
    "listen_host": EVERYBODY,
    "drain_seconds": EVERYBODY,
    "hang_seconds": EVERYBODY,
    "metrics_port": EVERYBODY,
    "otel_exporter_otlp_endpoint": EVERYBODY,
    "public_url": ("web", "payments"),
    "web_secret": ("web",),
    "web_secret_previous": ("web",),
    **{f"{service}_url": ("web",) for service in DATABASES},
    "forwarded_secret": ("web", *DATABASES, "expiration"),
    "log_level": EVERYBODY,
    "tix_data_dir": ("`up`", "`infra`"),
    "tix_api_port": ("`up`",),
    "tix_web_port": ("`up`",),
}
"""Who reads a setting; whether they can do without it stands in NEEDS."""


def table() -> str:
    """A row for each setting, in the order of Settings."""
    head = "| variable | default | what it is | read by | secret |\n|---|---|---|---|---|\n"
    return head + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    value = field.default
    default = "" if value is None else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    what = (field.description or "").replace("\n", " ").replace("|", r"\|")
    needed_by = {service for service, names in NEEDS.items() if name in names}
    if name == "jwks_url":  # by Settings.load, where auth is another process
        needed_by |= {*DATABASES} - {"auth"}
    who = " ".join(f"**{one}**" if one in needed_by else one for one in READ_BY[name])
    secret = "yes" if not field.repr else ""
    return f"| `{name.upper()}` | {default} | {what} | {who} | {secret} |\n"


def written(page: str) -> str:
    """The page with its table as it should be."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
