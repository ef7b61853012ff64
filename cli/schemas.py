"""What each command prints as JSON: the API's own answers, and a few documents that only the CLI has."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from server.auth.schemas import CreatedToken, TokenOut
from server.kit.schemas import Answer, Page
from server.orders.schemas import OrderOut, OrderWithHistory
from server.payments.schemas import PaymentOut
from server.tickets.schemas import TicketOut


class AuthStatus(Answer):
    """Who is signed in where, what the token may do and where it is kept; null is what was not asked for."""

    email: str
    user_id: str
    api_url: str
    profile: str
    expires_at: str | None
    scopes: list[str] | None = None
    token_id: str | None = None
    source: str | None = None
    storage: Literal["keyring", "file", "environment"] | None = None


class SignedOut(Answer):
    """Where the token, and which one, ends."""

    api_url: str
    profile: str
    source: str


class TokenRevoked(Answer):
    """A personal token that works no more."""

    id: str
    revoked: Literal[True] = True


class PaymentShown(PaymentOut):
    """A payment without the secret that only a browser's payment form needs."""

    client_secret: Annotated[str | None, Field(exclude=True)] = None


class Source(Answer):
    """Something that may decide a setting, and what it says; empty: nothing."""

    source: str
    value: str


class Setting(Answer):
    """A setting as it is used now, and what decided it."""

    key: str
    value: str
    source: str


class SettingExplained(Setting):
    """The same, and all that was looked at, first to last."""

    considered: list[Source]


class ConfigPaths(Answer):
    """Where settings and sign-ins are kept; `project` is the nearest `.tix.toml`, if there is one."""

    config: str
    project: str | None
    credentials: str


class Finding(Answer):
    """A promise that does not hold: the rows that show it, and the commands that repair it."""

    name: str
    promise: str
    rows: list[dict[str, Any]]
    repair: list[str]


class DoctorReport(Answer):
    """What `tix doctor` found; `review` is for a person, and breaks no promise."""

    checked: int
    clean: bool
    findings: list[Finding]
    review: list[Finding]
    stripe_unasked: str | None
    repaired: list[str]


class WrongField(Answer):
    """A field the server did not take."""

    field: str
    message: str


class ProblemOut(Answer):
    """A failure: the one line on stderr, `retryAfter` in seconds; the API's own members stand beside."""

    code: str
    detail: str
    hint: str | None
    exit_code: Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    errors: list[WrongField] | None = None


PRINTS: Mapping[str, type[BaseModel]] = {
    "auth login": AuthStatus,
    "auth logout": SignedOut,
    "auth signup": AuthStatus,
    "auth status": AuthStatus,
    "auth token create": CreatedToken,
    "auth token list": Page[TokenOut],
    "auth token revoke": TokenRevoked,
    "config explain": SettingExplained,
    "config get": SettingExplained,
    "config list": Page[Setting],
    "config path": ConfigPaths,
    "doctor": DoctorReport,
    "orders cancel": OrderWithHistory,
    "orders create": OrderOut,
    "orders extend": OrderOut,
    "orders list": Page[OrderOut],
    "orders refund": OrderOut,
    "orders show": OrderWithHistory,
    "pay": PaymentShown,
    "reserve": OrderOut,
    "tickets create": TicketOut,
    "tickets list": Page[TicketOut],
    "tickets show": TicketOut,
    "tickets update": TicketOut,
    "tickets withdraw": TicketOut,
}
"""By command; one that is not here prints no document, or one of a form that is not ours to promise."""

NAMES: Mapping[type[BaseModel], str] = {
    AuthStatus: "auth-status",
    ConfigPaths: "config-paths",
    CreatedToken: "created-token",
    DoctorReport: "doctor-report",
    OrderOut: "order",
    OrderWithHistory: "order-with-history",
    Page[Setting]: "setting-page",
    Page[OrderOut]: "order-page",
    Page[TokenOut]: "token-page",
    SignedOut: "signed-out",
    TokenRevoked: "token-revoked",
    Page[TicketOut]: "ticket-page",
    PaymentShown: "payment",
    ProblemOut: "problem",
    Setting: "setting",
    SettingExplained: "setting-explained",
    TicketOut: "ticket",
}
"""What each is called in docs/schemas."""
