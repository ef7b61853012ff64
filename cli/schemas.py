"""What each command prints as JSON: the API's own answers, and a few documents that only the CLI has."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel

from server.auth.schemas import CreatedToken, TokenOut
from server.kit.schemas import Answer, Moment, Page
from server.orders.schemas import Decline, OrderOut, OrderWithHistory
from server.payments.schemas import PaymentOut
from server.tickets.schemas import TicketOut


class AuthStatus(Answer):
    """Who is signed in where, what the token may do, until when, and where it is kept."""

    email: str
    user_id: str
    api_url: str
    profile: str
    expires_at: str | None
    scopes: list[str]
    token_id: str | None
    source: str
    storage: Literal["keyring", "file", "environment"]


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


class OrderNews(RootModel[OrderWithHistory | Decline]):
    """What is new of an order: the order after a step, or a declined card."""


class PurchaseOut(Answer):
    """A purchase that was interrupted; `orderId` is null while no hold is known of, `method` on a page."""

    ticket_id: str
    order_id: str | None
    method: str | None
    max_price: int | None
    started_at: Moment


class FailedRow(Answer):
    """What is wrong with a row of a file, in whole or in one field; `externalId` as it stands there."""

    line: int
    external_id: Any
    code: str
    field: str | None
    message: str


class ImportResult(Answer):
    """What came of the rows of a file; `resume` is the file with those that are still to do."""

    created: int
    updated: int
    unchanged: int
    failed: int
    left: int
    errors: list[FailedRow]
    resume: str | None


class ChangedRow(Answer):
    """What a row would change: by field, what is and what would be."""

    line: int
    external_id: str
    status: Literal["created", "updated"]
    changes: dict[str, tuple[Any, Any]]


class ImportPreview(ImportResult):
    """What would come of them."""

    dry_run: Literal[True] = True
    changes: list[ChangedRow]


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
    """Where settings, sign-ins and unfinished purchases are; `project` is the nearest `.tix.toml` or null."""

    config: str
    project: str | None
    credentials: str
    state: str


class PageAddress(Answer):
    """Where a page of the web shop is."""

    page: Literal["home", "tickets", "orders", "sell", "ticket", "order", "pay"]
    url: str


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
    "buy": PaymentShown,
    "config explain": SettingExplained,
    "config get": SettingExplained,
    "config list": Page[Setting],
    "config path": ConfigPaths,
    "doctor": DoctorReport,
    "open": PageAddress,
    "orders cancel": OrderWithHistory,
    "orders create": OrderOut,
    "orders extend": OrderOut,
    "orders list": Page[OrderOut],
    "orders refund": OrderOut,
    "orders show": OrderWithHistory,
    "orders watch": OrderNews,
    "pay": PaymentShown,
    "reserve": OrderOut,
    "resume": PaymentShown,
    "resume --list": Page[PurchaseOut],
    "resume --release": OrderWithHistory,
    "tickets create": TicketOut,
    "tickets import": ImportResult,
    "tickets import --dry-run": ImportPreview,
    "tickets list": Page[TicketOut],
    "tickets show": TicketOut,
    "tickets update": TicketOut,
    "tickets watch": TicketOut,
    "tickets withdraw": TicketOut,
}
"""By command, and option that makes it another; the rest print none, or one of a form not ours to promise."""

NAMES: Mapping[type[BaseModel], str] = {
    AuthStatus: "auth-status",
    ConfigPaths: "config-paths",
    CreatedToken: "created-token",
    DoctorReport: "doctor-report",
    ImportPreview: "import-preview",
    ImportResult: "import-result",
    OrderNews: "order-news",
    OrderOut: "order",
    OrderWithHistory: "order-with-history",
    Page[Setting]: "setting-page",
    Page[OrderOut]: "order-page",
    Page[PurchaseOut]: "purchase-page",
    Page[TokenOut]: "token-page",
    PageAddress: "page-address",
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
