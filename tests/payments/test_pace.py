"""How fast Stripe is asked, and what happens when it does not answer."""

import pytest

from server.payments.gateway import GatewayUnavailable
from server.payments.pace import (
    FAILURES,
    FIRST_REST_SECONDS,
    LONGEST_REST_SECONDS,
    PATIENCE_SECONDS,
    Pace,
)
from server.payments.stripe_gateway import StripeGateway
from server.settings import Settings
from tests.dashboard import dashboard


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """The time passes at once."""
        self.now += seconds

    async def stand_still(self, seconds: float) -> None:
        """All calls come at the same moment."""


async def refused(pace: Pace, endpoint: str = "create") -> float:
    """The seconds that the next call is told to wait."""
    with pytest.raises(GatewayUnavailable) as error:
        await pace.turn(endpoint)
    return float(error.value.retry_after or 0)


class TestShare:
    """A bucket per endpoint."""

    async def test_a_burst_of_a_second_then_the_rate(self) -> None:
        """Twenty at once, then twenty a second; a pause earns no more than another twenty at once."""
        clock = Clock()
        pace = Pace(20, clock=clock, sleep=clock.sleep)
        for began, calls, takes in ((1000, 21, 0), (1000, 60, 3), (2000, 21, 0), (2000, 20, 1)):
            clock.now = max(clock.now, began)
            before = clock.now
            for _ in range(calls):
                await pace.turn("create")
            assert clock.now - before == pytest.approx(takes)

    async def test_who_would_wait_too_long_is_refused(self) -> None:
        """At one moment a second's calls at once, two seconds' that wait, then 503; others go on."""
        clock = Clock()
        pace = Pace(20, clock=clock, sleep=clock.stand_still)
        for _ in range(20 + int(20 * PATIENCE_SECONDS) + 1):
            await pace.turn("create")
        assert await refused(pace) == pytest.approx(PATIENCE_SECONDS + 1 / 20)
        await pace.turn("capture")
        clock.now += 1 / 20
        await pace.turn("create")

    async def test_no_rate_is_no_limit(self) -> None:
        """As for the sandbox."""
        pace = Pace(0, clock=Clock())
        for _ in range(10_000):
            await pace.turn("create")

    async def test_retry_after_is_obeyed(self) -> None:
        """For that endpoint, for so long."""
        clock = Clock()
        pace = Pace(0, clock=clock)
        pace.hold_back("create", 7)
        assert await refused(pace) == 7
        await pace.turn("capture")
        clock.now += 7
        await pace.turn("create")


class TestBreaker:
    """Stripe is away."""

    async def test_after_some_failures_nobody_is_let_through_but_one_that_looks(self) -> None:
        """Closed until FAILURES in a row; then rests that double up to 30 s; an answer ends it."""
        clock = Clock()
        pace = Pace(0, clock=clock)
        for _ in range(FAILURES):
            await pace.turn("create")
            pace.unanswered()
        rest = FIRST_REST_SECONDS
        for _ in range(7):
            assert await refused(pace, "get") == min(rest, LONGEST_REST_SECONDS)
            clock.now += min(rest, LONGEST_REST_SECONDS)
            await pace.turn("create")  # the one that looks
            assert await refused(pace) > 0, "the others wait for what it finds"
            pace.unanswered()
            rest *= 2
        clock.now += LONGEST_REST_SECONDS
        await pace.turn("get")
        pace.answered()
        for _ in range(FAILURES - 1):
            await pace.turn("create")
            pace.unanswered()
        await pace.turn("create")

    async def test_an_answer_in_between_starts_the_count_anew(self) -> None:
        """Also a no."""
        pace = Pace(0, clock=Clock())
        for _ in range(3 * FAILURES):
            pace.unanswered()
            pace.answered()
        await pace.turn("create")


class TestGateway:
    """The gateway learns from what Stripe answers."""

    @pytest.fixture
    def gateway(self, settings: Settings) -> StripeGateway:
        return StripeGateway(
            key=settings.stripe_key or "", webhook_secret="-" * 32, base=settings.stripe_api_base
        )

    async def test_a_429_holds_its_endpoint_back(self, gateway: StripeGateway, settings: Settings) -> None:
        """The next call does not even leave; another endpoint's does."""
        async with dashboard(settings) as stripe:
            await stripe.fault("rate_limit", path="/v1/payment_intents", seconds=9)
            with pytest.raises(GatewayUnavailable) as first:
                await gateway.get_intent("pi_1")
            with pytest.raises(GatewayUnavailable) as second:
                await gateway.get_intent("pi_1")
            await stripe.no_faults()
        assert first.value.retry_after == 9
        assert 8 < (second.value.retry_after or 0) <= 9
        assert "slow down" in str(second.value)
        await gateway.close()

    async def test_five_5xx_open_the_breaker(self, gateway: StripeGateway, settings: Settings) -> None:
        """The sixth call is refused without a call: the fault has seen five."""
        async with dashboard(settings) as stripe:
            await stripe.fault("error_before", path="/v1/payment_intents", count=None)
            for _ in range(FAILURES + 3):
                with pytest.raises(GatewayUnavailable):
                    await gateway.get_intent("pi_1")
            [fault] = await stripe.faults()
            await stripe.no_faults()
        assert fault["hits"] == FAILURES
        await gateway.close()
