"""What waits for RabbitMQ's answers ends when it is told to."""

from __future__ import annotations

import asyncio

import pytest

from engine.messaging.rabbit_link import answered


async def test_a_word_to_end_that_comes_with_the_answer_is_not_lost() -> None:
    began, went_on = asyncio.Event(), asyncio.Event()

    async def library() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # `asyncio.wait_for` gives the answer instead, until Python 3.12
            return

    async def caller() -> None:
        async with answered():
            await library()
        went_on.set()

    task = asyncio.create_task(caller())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not went_on.is_set()
