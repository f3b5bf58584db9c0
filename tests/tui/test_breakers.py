"""An engine's circuit breakers that are not closed, by keyboard."""

from __future__ import annotations

from engine.model.wire.health import HealthCheck
from tests.tui.goldens import assert_golden
from tests.tui.scenes import day
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle

SINCE = "not closed since 2026-11-23 09:12:44 UTC"
AWAY = HealthCheck(status="unhealthy", message="the database does not answer: refused", duration_ms=0)


def breaker(status: str, told: str) -> dict[str, HealthCheck]:
    """The check of breakers as the server words it."""
    return {"circuit_breaker": HealthCheck(status=status, message=f"{told}, {SINCE}", duration_ms=0)}


async def test_the_pulse_names_an_open_breaker_and_since_when_it_is_not_closed():
    client = FakeTasker(FakeClock(), day())
    client.checks = breaker("degraded", "webhooks is open")
    async with dashboard(client, (100, 30)) as pilot:
        await pilot.press("0")
        await settle(pilot)
        assert_golden("breaker-100x30", screen_text(pilot))


async def test_the_pulse_says_so_while_the_database_is_away_and_when_it_is_back():
    client = FakeTasker(FakeClock(), day())
    async with dashboard(client, (120, 40)) as pilot:

        async def later() -> str:
            for _ in range(10):
                pilot.app.screen.on_tick()
            await settle(pilot)
            return screen_text(pilot)

        databases = dict.fromkeys(("web_database", "orchestration_database"), AWAY)
        client.checks = databases | breaker("unhealthy", "web is open")
        await pilot.press("0")
        await settle(pilot)
        shown = screen_text(pilot)
        assert "The database cannot be reached" in shown
        assert f"circuit breaker: web is open, {SINCE}" in shown
        client.checks = {}
        assert "● healthy" in await later()
        client.checks = databases | breaker("unhealthy", "web is half open")
        shown = await later()
        assert "✗ web database: the database does not answer: refused" in shown
        assert f"✗ circuit breaker: web is half open, {SINCE}" in shown
        assert "orchestration database" not in shown
        assert "● unhealthy" in shown
        client.checks = {}
        assert "breaker" not in await later()
