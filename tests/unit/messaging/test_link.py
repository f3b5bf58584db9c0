"""When the connection to a broker counts as a success, and when as a failure (decision 0015)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from engine.messaging import link
from engine.messaging.link import Link
from engine.model.breaker import MESSAGING, BreakerState
from tests.support.waiting import until

OPENED = MESSAGING.failures
SECONDS = 0.005


class Accepting(Link):
    """Of a broker that accepts every connection; `lasts` says whether it keeps them."""

    title = "the broker"
    errors = (ConnectionError,)

    def __init__(self) -> None:
        super().__init__()
        self.lasts = True
        self.confirms = True
        self.opened = 0
        self.closes: list[Callable[..., None]] = []
        """What the broker's client calls when it has closed a connection, for each one."""

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        self.opened += 1
        self.closes.append(self._when_closed())
        if not self.confirms:
            self.unanswered()
        if not (self.lasts and self.confirms):
            asyncio.get_running_loop().call_later(SECONDS / 5, self.drop)
        yield


@pytest.fixture
async def accepting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Accepting]:
    """It is kept while the test runs, a thousand times as fast."""
    monkeypatch.setattr(link, "STEADY_SECONDS", SECONDS)
    monkeypatch.setattr(link, "RECONNECT_SECONDS", (SECONDS / 5, SECONDS / 5))
    made = Accepting()
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()


async def is_at(made: Link, *states: BreakerState) -> None:
    async def reached() -> bool:
        return made.breaker.state in states

    await until(reached, f"its breaker is one of {states}")


async def test_connections_that_do_not_last_open_the_breaker_and_one_that_lasts_closes_it(
    accepting: Accepting,
) -> None:
    """Also where nothing is ever asked of the broker, as by an engine without a namespace."""
    accepting.lasts = False
    accepting.drop()
    await is_at(accepting, BreakerState.OPEN)
    assert accepting.opened >= OPENED
    accepting.lasts = True
    await is_at(accepting, BreakerState.CLOSED)


async def test_after_a_publish_without_an_answer_only_a_confirmation_says_that_all_is_well(
    accepting: Accepting,
) -> None:
    accepting.confirms = False
    accepting.drop()
    await until_opened(accepting, 2)
    for _ in range(OPENED):
        accepting.reached()  # it answers what is asked of its queues
        await until_opened(accepting, 1)
    assert accepting.breaker.state is BreakerState.OPEN
    accepting.confirms = True
    for _ in range(MESSAGING.successes):
        accepting.reached()
    assert accepting.breaker.state is BreakerState.OPEN
    for _ in range(MESSAGING.successes):
        accepting.confirmed()
    assert accepting.breaker.state is BreakerState.CLOSED


async def test_a_connection_that_is_closed_late_does_not_end_the_next_one(accepting: Accepting) -> None:
    async def connected() -> bool:
        return accepting.connected

    await until(connected, "it has its first connection")
    accepting.drop()
    await until(connected, "it has its second one")
    first, second = accepting.closes
    first()
    await asyncio.sleep(0)
    assert accepting.connected
    second()
    await until_opened(accepting, 1)


async def until_opened(made: Accepting, more: int) -> None:
    """Wait for more connections."""
    before = made.opened

    async def opened() -> bool:
        return made.opened >= before + more

    await until(opened, f"{more} connections more")
