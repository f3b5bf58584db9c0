"""What handlers print and log is kept with their attempt."""

from __future__ import annotations

from uuid import UUID

from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.workflows import step


async def lines_of(stack: Stack, task: UUID, last: str) -> list[tuple[str, str | None, str]]:
    """Level, logger and text of what a task's steps wrote, once `last` is among it."""

    async def read() -> list[tuple[str, str | None, str]]:
        rows = await stack.flows.conn.fetch(
            "SELECT level, logger, message FROM tasker.step_logs WHERE task_uuid = $1 ORDER BY id", task
        )
        return [tuple(row) for row in rows] if any(last in row["message"] for row in rows) else []

    return await until(read, f"{last!r} is among the lines")


async def test_an_async_handlers_output(shared_stack: Stack) -> None:
    task = await shared_stack.flows.run([step("one", handler="noisy")])
    assert await lines_of(shared_stack, task, "unfinished") == [
        ("INFO", None, "printed by one"),
        ("WARNING", "handlers", "logged by one"),
        ("INFO", None, "unfinished"),
    ]


async def test_a_threads_output(shared_stack: Stack) -> None:
    task = await shared_stack.flows.run([step("two", handler="noisy_sync")])
    assert await lines_of(shared_stack, task, "lone") == [
        ("INFO", None, "printed by two"),
        ("ERROR", "handlers", "logged by two"),
        ("INFO", "handlers", "a lone surrogate \\ud800 and a NUL \\0"),
    ]


async def test_the_output_of_steps_at_the_same_time_is_told_apart(shared_stack: Stack) -> None:
    steps = [step(f"{kind}_{n}", handler=kind) for kind in ("noisy", "noisy_sync") for n in range(5)]
    task = await shared_stack.flows.run(steps)
    await shared_stack.flows.reaches(task, "complete")

    async def all_written() -> bool:
        query = "SELECT count(DISTINCT step_uuid) FROM tasker.step_logs WHERE task_uuid = $1"
        return bool(await shared_stack.flows.conn.fetchval(query, task) == len(steps))

    await until(all_written, "every step has lines")
    rows = await shared_stack.flows.conn.fetch(
        """
        SELECT s.name, l.message, l.attempt, l.claim_no
        FROM tasker.step_logs l JOIN tasker.steps s USING (step_uuid)
        WHERE l.task_uuid = $1 AND l.message LIKE '% by %'
        """,
        task,
    )
    assert len(rows) == 2 * len(steps)
    for row in rows:
        assert row["message"].endswith(f" by {row['name']}")
        assert (row["attempt"], row["claim_no"]) == (1, 1)


async def test_a_quarter_of_a_mebibyte_is_kept(shared_stack: Stack) -> None:
    task = await shared_stack.flows.run([step("three", handler="too_noisy")])
    *kept, (level, _, note) = await lines_of(shared_stack, task, "not kept")
    size = sum(len(message.encode()) + 1 for _, _, message in kept)
    assert 250 * 1024 < size <= 256 * 1024
    assert level == "WARNING"
    assert note == f"… {400 - len(kept)} more lines were not kept (limit 256 KiB an attempt)"
