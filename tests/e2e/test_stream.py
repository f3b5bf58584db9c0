"""The live event stream, and going on where it broke (issue 2: Last-Event-ID, no gap or a reset)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

from tests.e2e.api import Api, Json, error_of
from tests.e2e.sse import Event, open_stream
from tests.e2e.test_retries import FAILURES, orders

NUMBERS = "e2e_numbers"


def changes(events: Iterable[Event]) -> list[Json]:
    """The changes of transition events, doubles dropped."""
    by_id = {change["id"]: change for event in events for change in event.data.get("changes", [])}
    return [by_id[one] for one in sorted(by_id)]


def ends(task: Json) -> Callable[[Event], bool]:
    """Says of an event whether it is the one with a task's completion."""

    def test(event: Event) -> bool:
        return any(
            change["task_uuid"] == task["task_uuid"] and change["step_uuid"] is None
            and change["to_state"] == "complete"
            for change in event.data.get("changes", [])
        )  # fmt: skip

    return test


async def history(api: Api, task: Json) -> list[Json]:
    """A task's transitions as they are read at rest."""
    found: list[Json] = (await api.get(f"/v1/tasks/{task['task_uuid']}/transitions"))["transitions"]
    return found


async def test_every_change_is_sent_as_it_happens(api: Api) -> None:
    async with open_stream(api, scope="transitions", namespace=NUMBERS) as stream:
        first = await stream.next()
        assert (first.name, first.data["changes"]) == ("transitions", [])
        task = await api.create("diamond_arithmetic", NUMBERS, {"n": 2})
        events = await stream.until(ends(task))
    sent = changes(events)
    assert {change["task_uuid"] for change in sent} == {task["task_uuid"]}
    assert sent == await history(api, task)
    entities = {change["step_uuid"] for change in sent}
    assert len(entities) == 5  # four steps and the task
    for entity in entities:
        paths = [change["path"] for change in sent if change["step_uuid"] == entity]
        assert paths[0][0] == "pending"
        assert all(later[0] == earlier[-1] for earlier, later in pairwise(paths))
        assert paths[-1][-1] == "complete"


async def test_a_broken_stream_goes_on_without_a_gap(api: Api) -> None:
    async with open_stream(api, scope="transitions", namespace=NUMBERS) as stream:
        begins = await stream.next()
        task = await api.create("linear_arithmetic", NUMBERS, {"n": 2})
        before = [begins, *await stream.until(ends(task))]
    missed = [await api.create("linear_arithmetic", NUMBERS, {"n": n}) for n in range(3)]
    for one in missed:
        await api.completed(one)
    async with open_stream(api, before[-1].cursor, scope="transitions", namespace=NUMBERS) as stream:
        last = await api.create("linear_arithmetic", NUMBERS, {"n": 9})
        after = await stream.until(ends(last))
    assert "reset" not in {event.name for event in (*before, *after)}
    expected = [change for one in (task, *missed, last) for change in await history(api, one)]
    assert changes([*before, *after]) == sorted(expected, key=lambda change: change["id"])


async def test_a_cursor_that_nobody_gave_out_is_reset(api: Api) -> None:
    for cursor in ("nonsense", "1", "999999999999999:999999999999999:"):
        async with open_stream(api, cursor, scope="transitions", namespace=NUMBERS) as stream:
            event = await stream.next()
            assert event.name == "reset", cursor
            assert event.data["reason"]
            task = await api.create("success_only", NUMBERS)
            # What comes after the reset is complete again.
            assert changes(await stream.until(ends(task))) == await history(api, task)


async def test_one_tasks_stream_has_nothing_else(api: Api, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    task = await api.create("linear", FAILURES, orders(linear_1={"hold": str(gate)}))
    async with open_stream(api, scope="task", task_uuid=task["task_uuid"]) as stream:
        first = await stream.next()
        noise = await asyncio.gather(*(api.create("success_only", NUMBERS) for _ in range(3)))
        gate.touch()
        sent = changes([first, *await stream.until(ends(task))])
    assert {change["task_uuid"] for change in sent} == {task["task_uuid"]}
    assert len(noise) == 3


async def test_the_summary_shows_the_latest_of_each_task(api: Api) -> None:
    async with open_stream(api, scope="summary", namespace=NUMBERS) as stream:
        assert (await stream.next()).data["tasks"] == []
        created = [await api.create("linear_arithmetic", NUMBERS, {"n": n}) for n in range(5)]
        uuids = {task["task_uuid"] for task in created}
        rows: dict[str, Json] = {}
        while {uuid for uuid, row in rows.items() if row["status"] == "complete"} < uuids:
            event = await stream.next()
            assert event.name == "summary"
            rows |= {row["task_uuid"]: row for row in event.data["tasks"]}
    for uuid in uuids:
        row = rows[uuid]
        assert (row["name"], row["namespace"]) == ("linear_arithmetic", NUMBERS)
        assert (row["total_steps"], row["completed_steps"], row["failed_steps"]) == (4, 4, 0)
        assert row["completed_at"] is not None


async def test_a_steps_log_is_sent_line_by_line(api: Api, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    holds = {"linear_1": {"hold": str(gate)}, "linear_2": {"hold": 0.1}}
    task = await api.create("linear", FAILURES, orders(**holds))
    lines: list[str] = []
    async with open_stream(api, scope="logs", task_uuid=task["task_uuid"]) as stream:
        while len(lines) < 2:
            event = await stream.next()
            assert event.name == "log"
            gate.touch()
            assert event.data["attempt"] == 1
            lines += [line["message"] for line in event.data["lines"]]
            assert {line["stream"] for line in event.data["lines"]} == {"stdout"}
    assert lines == ["holds linear_1", "holds linear_2"]
    await api.completed(task)


async def test_what_cannot_be_followed(api: Api) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    stream = "/v1/events/stream"
    error_of(await api.http.get(stream, params={"scope": "everything"}), 400)
    error_of(await api.http.get(stream, params={"scope": "task"}), 400)
    error_of(await api.http.get(stream, params={"scope": "task", "task_uuid": nobody}), 404)
    error_of(await api.http.get(stream, params={"state": "half_done"}), 400)
