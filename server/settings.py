"""Settings: the only reader of the environment; frozen, complete, and wrong values named all at once."""

from collections.abc import Collection, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

Service = Literal["auth", "tickets", "orders", "payments", "expiration"]
SERVICES: tuple[Service, ...] = ("auth", "tickets", "orders", "payments", "expiration")

Secret = Annotated[str, Field(min_length=32)]
DatabaseUrl = Annotated[str, Field(pattern=r"^postgres(ql)?://")]
BusUrl = Annotated[str, Field(pattern=r"^(nats|tls)://")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://")]
DEFAULT_PORTS = {"http": 80, "https": 443}


def _origin(address: str) -> str:
    """As browsers write an origin, by which forms are recognised: lower case, no default port, no path."""
    parts = urlsplit(address)
    if not parts.hostname or parts.username or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must be a scheme and a host, like https://tix.example")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = parts.port in {None, DEFAULT_PORTS[parts.scheme]}
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{parts.port}"


Origin = Annotated[HttpUrl, AfterValidator(_origin)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(lambda v: str(v).upper())]

NEEDS: Mapping[Service | Literal["web"], tuple[str, ...]] = {
    "auth": ("database_url", "nats_url", "jwt_secret", "password_pepper"),
    "tickets": ("database_url", "nats_url"),
    "orders": ("database_url", "nats_url"),
    "payments": ("database_url", "nats_url", "stripe_key", "stripe_webhook_secret"),
    "expiration": ("nats_url", "redis_host"),
    # By PUBLIC_URL its cookie is for https only, and by the secret limits count people, not web.
    "web": (
        *("web_secret", "forwarded_secret", "public_url"),
        *("auth_url", "tickets_url", "orders_url", "payments_url"),
    ),
}
"""What each service cannot run without; none of it has a default."""


class SettingsError(Exception):
    """One message that names every bad or missing value."""


class Settings(BaseModel):
    """All configuration of Tix. A field's environment name is its own name in upper case."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    database_url: DatabaseUrl | None = Field(None, repr=False)
    """PostgreSQL of all services: `postgres://user:password@host:port/database`."""
    auth_database_url: DatabaseUrl | None = Field(None, repr=False)
    """Moves auth's schema to another server or role."""
    tickets_database_url: DatabaseUrl | None = Field(None, repr=False)
    """The same for tickets."""
    orders_database_url: DatabaseUrl | None = Field(None, repr=False)
    """The same for orders."""
    payments_database_url: DatabaseUrl | None = Field(None, repr=False)
    """The same for payments."""
    database_connections: Annotated[int, Field(ge=4, le=100)] = 10
    """What a process has open to each of its databases at most."""
    nats_url: BusUrl | None = Field(None, repr=False)
    """NATS with JetStream, several servers separated by commas; its user may do everything there."""
    auth_nats_url: BusUrl | None = Field(None, repr=False)
    """The same NATS with auth's own user, as `python -m server nats-users` has it."""
    tickets_nats_url: BusUrl | None = Field(None, repr=False)
    """The same for tickets."""
    orders_nats_url: BusUrl | None = Field(None, repr=False)
    """The same for orders."""
    payments_nats_url: BusUrl | None = Field(None, repr=False)
    """The same for payments."""
    expiration_nats_url: BusUrl | None = Field(None, repr=False)
    """The same for expiration."""
    nats_replicas: Annotated[int | None, Field(ge=1, le=5)] = None
    """Copies that JetStream keeps of the stream; by default a new one has one, a present one what it has."""
    redis_host: str | None = None
    """Redis for the expiration service's alarms."""
    redis_port: Annotated[int, Field(ge=1, le=65535)] = 6379
    """Its port."""
    redis_password: str | None = Field(None, repr=False)
    """Its password, if it wants one."""

    jwt_secret: Secret | None = Field(None, repr=False)
    """Seed of auth's signing key, ≥ 32 characters; only auth needs it."""
    jwt_secret_previous: Secret | None = Field(None, repr=False)
    """Another JWT_SECRET, while it is changed: what it signed counts, but nothing more is signed with it."""
    jwks_url: HttpUrl | None = None
    """Where the other services find auth's public keys; default: this process, if auth runs in it."""
    token_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 12
    """Life of a sign-in token, hours."""
    password_pepper: Secret | None = Field(None, repr=False)
    """Key of the HMAC under every password hash, ≥ 32 characters; only auth needs it."""
    password_pepper_previous: Secret | None = Field(None, repr=False)
    """Another PASSWORD_PEPPER, while it is changed: a hash under it counts, and is made anew at a sign-in."""
    bcrypt_cost: Annotated[int, Field(ge=4, le=16)] = 12
    """bcrypt's work factor; below 12 is for tests."""

    stripe_key: Annotated[str, Field(pattern=r"^(sk|rk)_(test|live)_")] | None = Field(None, repr=False)
    """Stripe's secret key; without one `up` starts the sandbox."""
    stripe_webhook_secret: Annotated[str, Field(min_length=8)] | None = Field(None, repr=False)
    """Signing secret of the webhook endpoint `/api/payments/webhook`."""
    stripe_webhook_secret_previous: Annotated[str, Field(min_length=8)] | None = Field(None, repr=False)
    """Another of them, while it is changed: what it signed counts too."""
    stripe_publishable_key: Annotated[str, Field(pattern=r"^pk_(test|live)_")] | None = None
    """What Stripe knows the shop's pages by; without one they offer Stripe's own page only."""
    stripe_js_url: HttpUrl = "https://js.stripe.com/v3/"
    """Stripe's script on the payment page."""
    stripe_api_base: HttpUrl = "https://api.stripe.com"
    """Stripe, or what speaks like it."""
    stripe_rate: Annotated[float, Field(ge=0, le=1000)] = 20
    """Calls a second that this process makes to each of Stripe's endpoints; 0: no limit."""
    capture_deadline_seconds: Annotated[int, Field(ge=1)] = 3600
    """How long, in seconds, payments tries to capture before it looks and gives the authorisation back."""

    hold_seconds: Annotated[int, Field(ge=1, le=24 * 3600)] = 900
    """How long a reserved ticket is held, seconds."""
    extend_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    """What the one extension adds to a hold, seconds."""
    max_live_holds: Annotated[int, Field(ge=1, le=100)] = 10
    """Unpaid holds a user may have at once."""

    port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """Port of `run`; default 3001–3005 by service, 3000 for web."""
    listen_host: IPv4Address = IPv4Address("127.0.0.1")
    """Address that `run` listens on; 0.0.0.0 in a container, where loopback is nobody else's."""
    drain_seconds: Annotated[float, Field(ge=0, le=60)] = 0.25
    """After SIGTERM `/readyz` says no for so long while all is still served, until an edge has looked."""
    hang_seconds: Annotated[int, Field(ge=1)] = 30
    """After so long without a sign of life one of `--workers` is killed and replaced."""
    metrics_port: Annotated[int, Field(ge=0, le=65535 - 32)] = 9464
    """Port of /metrics, which the public one has not; where it is taken, the next free one of 32; 0: any."""
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """Where traces go, by OTLP over HTTP: http://collector:4318. Without it none are made."""
    public_url: Origin | None = None
    """Where people reach the web shop; Stripe sends them back there after 3-D Secure."""
    web_secret: Secret | None = Field(None, repr=False)
    """Seals the web shop's cookie, ≥ 32 characters; only web needs it."""
    web_secret_previous: Secret | None = Field(None, repr=False)
    """Another WEB_SECRET, while it is changed: a cookie sealed with it can still be read."""
    auth_url: HttpUrl | None = None
    """Where web finds auth."""
    tickets_url: HttpUrl | None = None
    """Where it finds tickets."""
    orders_url: HttpUrl | None = None
    """Where it finds orders."""
    payments_url: HttpUrl | None = None
    """Where it finds payments."""
    forwarded_secret: Secret | None = Field(None, repr=False)
    """Who knows it (web, a proxy) may say whose address a request is from, by RFC 7239's `Forwarded`."""
    log_level: LogLevel = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    tix_data_dir: Path = Path(".tix")
    """Where `up` keeps the embedded servers' data, ports and secrets."""
    tix_api_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of the API under `up`; 0 takes a free one."""
    tix_web_port: Annotated[int, Field(ge=0, le=65535)] = 3000
    """Port of the web shop under `up`; 0 takes a free one."""

    @classmethod
    def load(cls, environ: Mapping[str, str], services: Collection[Service | Literal["web"]] = ()) -> Self:
        """Read `environ` for these services.

        An empty value counts as absent. Raises SettingsError naming every bad or missing variable.
        """
        given = {name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper())}
        problems: dict[str, str] = {}
        settings: Self | None = None
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            problems = {
                str(e["loc"][0]): e["msg"] for e in error.errors(include_url=False, include_input=False)
            }
        for service in services:
            for name in NEEDS[service]:
                own = f"{service}_{name}" if name in {"database_url", "nats_url"} else name
                if name not in given and own not in given:
                    problems.setdefault(name, f"is not set, and {service} cannot run without it")
        if (
            "auth" not in services
            and services
            and not set(services) <= {"expiration", "web"}
            and "jwks_url" not in given
        ):
            problems.setdefault("jwks_url", "is not set, and tokens cannot be verified without it")
        if problems or settings is None:
            lines = "\n".join(f"  {name.upper()}: {message}" for name, message in sorted(problems.items()))
            raise SettingsError(f"These environment variables are wrong or missing:\n{lines}")
        return settings

    def database(self, service: Service) -> str:
        """The URL of a service's database."""
        own: str | None = getattr(self, f"{service}_database_url")
        url = own or self.database_url
        if url is None:
            raise SettingsError(f"DATABASE_URL is not set, and {service} cannot run without it.")
        return url

    def bus(self, service: Service) -> tuple[str, str]:
        """The URL by which a service reaches the bus, and where answers come to: for each user elsewhere."""
        own: str | None = getattr(self, f"{service}_nats_url")
        return (own, f"_INBOX_{service}") if own else (self.nats_url or "", "_INBOX")
