"""Domain errors: the one place that knows HTTP status codes.

A concrete error is a subclass declared beside the code that raises it; `kit.http` renders any of them.
"""


class DomainError(Exception):
    """A refusal with a stable code that people and scripts can act on."""

    status: int = 500
    code: str = "internal_error"
    title: str = "Something went wrong"
    retry_after: float | None = None
    """Seconds after which trying again makes sense; sent as `Retry-After`."""

    def __init__(self, detail: str = "", **details: object) -> None:
        """Say what happened in a sentence; `details` are extra members of the problem document."""
        self.detail = detail or f"{self.title}."
        super().__init__(self.detail)
        self.details = details


class BadRequest(DomainError):
    """The request could not be read at all."""

    status = 400
    code = "bad_request"
    title = "The request could not be read"


class Unauthenticated(DomainError):
    """No token, or one that is not accepted."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class PaymentRequired(DomainError):
    """The card was refused."""

    status = 402
    code = "payment_required"
    title = "The payment was refused"


class Forbidden(DomainError):
    """Known, but not allowed."""

    status = 403
    code = "forbidden"
    title = "You may not do this"


class NotFound(DomainError):
    """Absent, or another user's."""

    status = 404
    code = "not_found"
    title = "There is nothing here"


class Conflict(DomainError):
    """Well-formed, but not now."""

    status = 409
    code = "conflict"
    title = "Not possible in the present state"


class TooLarge(DomainError):
    """The body is larger than the limit."""

    status = 413
    code = "too_large"
    title = "The request is too large"


class Invalid(DomainError):
    """Malformed fields; `errors` lists each as `{"field", "message"}`."""

    status = 422
    code = "invalid"
    title = "Some fields are not valid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """One field is wrong."""
        return cls(f"{field}: {message}", errors=[{"field": field, "message": message}])


class TooMany(DomainError):
    """Slow down."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: float = 1, **details: object) -> None:
        """`retry_after` in seconds."""
        super().__init__(detail, **details)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """A part we need does not answer; trying again later is right."""

    status = 503
    code = "unavailable"
    title = "Not available at the moment"

    def __init__(self, detail: str = "", *, retry_after: float = 1, **details: object) -> None:
        """`retry_after` in seconds."""
        super().__init__(detail, **details)
        self.retry_after = retry_after
