"""What runs in the background ends when it is told to, and not before."""

from __future__ import annotations

import asyncio

import pytest

from engine import background
from engine.background import Background
from engine.orchestration import loops
from engine.orchestration.loops import Loop

ENDS = [asyncio.CancelledError(), RuntimeError("oops"), None]
"""CancelledError is what a client's library raises in who waits for it, though nobody cancels anything."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before the next try."""
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(loops, "FIRST_WAIT", 0.0)


@pytest.mark.parametrize("end", ENDS, ids=["cancelled", "failed", "returned"])
async def test_what_ends_by_itself_is_begun_again_and_counted(end, caplog):
    begun, running = [], asyncio.Event()

    async def body() -> None:
        begun.append(1)
        if len(begun) > 1:
            running.set()
            await asyncio.Event().wait()
        if end is not None:
            raise end

    kept = Background()
    kept.start("counting", body)
    await running.wait()
    assert kept.ended == {"counting": 1}
    assert kept.told == "counting ended and was begun again 1×"
    assert "counting ended without having been told to" in caplog.text
    await kept.stop()
    assert len(begun) == 2


async def test_what_is_told_to_end_is_not_counted():
    kept, running = Background(), asyncio.Event()

    async def body() -> None:
        running.set()
        await asyncio.Event().wait()

    kept.start("waiting", body)
    await running.wait()
    await kept.stop()
    assert (kept.ended, kept.told) == ({}, "")


async def test_what_loses_the_word_to_end_is_told_again():
    kept, running = Background(), asyncio.Event()

    async def body() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # as asyncio.wait_for does when the answer comes at the same time
            await asyncio.Event().wait()

    kept.start("connecting", body)
    await running.wait()
    async with asyncio.timeout(10):
        await kept.stop(patience=0.01)
    assert kept.ended == {}


async def test_a_loop_goes_on_when_its_look_is_cancelled_by_nobody():
    looks: list[float] = []
    gone_on = asyncio.Event()

    async def look() -> float:
        looks.append(loop.failures)
        if len(looks) == 1:
            raise asyncio.CancelledError
        gone_on.set()
        return 60.0

    loop = Loop("looking", look)
    running = asyncio.create_task(loop.run())
    await gone_on.wait()
    assert looks == [0, 1]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
