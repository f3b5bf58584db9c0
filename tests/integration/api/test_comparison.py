"""The grid of a template and the diff of two tasks, through HTTP and the command line."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.integration.api.conftest import Failure, World, code_of, step, template
from tests.integration.api.reading import reading as reading
from tests.support.served import served, tasker

ONCE = {"max_attempts": 1}
STEPS = [step("load"), step("charge", "load", retry=ONCE), step("mail", "charge")]


async def run(world: World, name: str, *, context: Any = None, version: str = "1.0.0", **results: Any) -> str:
    body = {"context": {} if context is None else context, "version": version}
    uuid: str = (await world.create(name, **body))["task_uuid"]
    await world.worker.run(**results)
    return uuid


async def grid(world: World, name: str, **query: Any) -> Any:
    return await world.get(f"/v1/templates/test/{name}/1.0.0/grid", **query)


def standing(run: Any) -> list[str | None]:
    return [cell and cell["state"] for cell in run["cells"]]


async def test_a_grid_has_the_newest_runs_first_and_a_cell_a_step(reading: World) -> None:
    await reading.register(template("grid", STEPS))
    good = await run(reading, "grid")
    bad = await run(reading, "grid", charge=Failure("declined"))
    waiting = (await reading.create("grid"))["task_uuid"]
    found = await grid(reading, "grid")
    assert [column["step"] for column in found["columns"]] == ["load", "charge", "mail"]
    assert [one["task_uuid"] for one in found["runs"]] == [waiting, bad, good]
    assert [standing(one) for one in found["runs"]] == [
        ["enqueued", "pending", "pending"],
        ["complete", "error", "pending"],
        ["complete", "complete", "complete"],
    ]
    charge = found["runs"][1]["cells"][1]
    assert (charge["steps"], charge["attempts"]) == (1, 1)
    assert charge["duration_ms"] >= 0
    assert found["runs"][1]["cells"][2]["duration_ms"] is None
    assert found["next_before"] is None
    await reading.worker.run()


async def test_a_grid_comes_in_pages_and_by_state(reading: World) -> None:
    await reading.register(template("pages", STEPS))
    uuids = [await run(reading, "pages", charge=Failure() if number % 2 else {}) for number in range(5)]
    first = await grid(reading, "pages", limit=2)
    assert [one["task_uuid"] for one in first["runs"]] == uuids[:2:-1]
    rest = await grid(reading, "pages", before=first["next_before"])
    assert [one["task_uuid"] for one in rest["runs"]] == uuids[2::-1]
    failed = await grid(reading, "pages", state="blocked_by_failures")
    assert [one["task_uuid"] for one in failed["runs"]] == [uuids[3], uuids[1]]
    done = await grid(reading, "pages", state="complete", limit=1)
    assert [one["task_uuid"] for one in done["runs"]] == [uuids[4]]
    assert done["next_before"] == uuids[4]


async def test_runs_of_an_older_revision_keep_their_steps(reading: World) -> None:
    await reading.register(template("revised", STEPS))
    await run(reading, "revised")
    await reading.register(template("revised", [step("load"), step("ship", "load")]), replace=True)
    await run(reading, "revised")
    found = await grid(reading, "revised")
    assert [column["step"] for column in found["columns"]] == ["load", "ship", "charge", "mail"]
    assert [standing(one) for one in found["runs"]] == [
        ["complete", "complete", None, None],
        ["complete", None, "complete", "complete"],
    ]


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("templates/test/nothing/1.0.0/grid", {}, 404),
        ("templates/test/grid/1.0.0/grid", {"state": "eror"}, 400),
        ("templates/test/grid/1.0.0/grid", {"limit": 101}, 400),
        (f"tasks/{UUID(int=1)}/diff/{UUID(int=2)}", {}, 404),
        (f"tasks/{UUID(int=1)}/diff/nothing", {}, 400),
    ],
)
async def test_what_is_not_there_or_wrong_is_said(
    reading: World, path: str, params: dict[str, Any], status: int
) -> None:
    answer = await reading.http.get(f"/v1/{path}", params=params)
    assert answer.status_code == status
    assert code_of(answer)


async def test_a_diff_names_what_differs(reading: World) -> None:
    await reading.register(template("diff", STEPS))
    a = await run(
        reading, "diff", context={"order": {"id": 1, "items": ["x"]}}, load={"total": 3, "ok": True}
    )
    reading.worker.execution_ms = 900
    b = await run(
        reading, "diff", context={"order": {"id": 2, "items": ["x", "y"]}}, load={"total": 4, "ok": True},
        charge=Failure("declined"),
    )  # fmt: skip
    reading.worker.execution_ms = 12
    found = await reading.get(f"/v1/tasks/{a}/diff/{b}")
    assert (found["a"]["task_uuid"], found["b"]["state"]) == (a, "blocked_by_failures")
    differences = [(one["path"], one["kind"], one["a"], one["b"]) for one in found["context"]["differences"]]
    assert differences == [("order.id", "changed", 1, 2), ("order.items[1]", "added", None, "y")]
    load, charge, mail = found["steps"]
    assert (load["differs"], charge["differs"]) == (
        ["duration", "result"],
        ["state", "duration", "error"],
    )
    (total,) = load["result"]["differences"]
    assert (total["path"], total["a"], total["b"]) == ("total", 3, 4)
    assert (charge["b"]["error_message"], charge["a"]["error_message"]) == ("declined", None)
    assert (load["a"]["duration_ms"], load["b"]["duration_ms"]) == (12, 900)
    assert (mail["b"]["state"], mail["b"]["attempts"]) == ("pending", 0)


async def test_versions_of_one_template_are_compared_and_likeness_left_out(reading: World) -> None:
    await reading.register(template("versions", STEPS))
    await reading.register(template("versions", [*STEPS, step("ship", "mail")], version="2.0.0"))
    a, b = await run(reading, "versions"), await run(reading, "versions", version="2.0.0")
    found = await reading.get(f"/v1/tasks/{a}/diff/{b}", differing=True)
    assert (found["a"]["version"], found["b"]["version"], found["same_steps"]) == ("1.0.0", "2.0.0", 3)
    (ship,) = found["steps"]
    assert (ship["step"], ship["a"], ship["differs"]) == ("ship", None, ["presence"])
    short = await reading.get(f"/v1/tasks/{a}/diff/{b}", limit=1)
    assert (len(short["steps"]), short["more_steps"]) == (1, 3)


async def test_large_values_are_bounded(reading: World) -> None:
    await reading.register(template("large", [step("load")]))
    a = await run(
        reading, "large", context={"note": "x" * 10_000}, load={"keys": [uuid4().hex for _ in range(9000)]}
    )
    b = await run(reading, "large", context={"note": "y"}, load={"keys": [uuid4().hex for _ in range(50)]})
    found = await reading.get(f"/v1/tasks/{a}/diff/{b}")
    (note,) = found["context"]["differences"]
    assert (len(note["a"]), note["b"], note["cut"]) == (500, "y", True)
    assert found["steps"][0]["result"] == {"differences": [], "more": 0, "too_large": True}
    c = await run(reading, "large", load={"keys": [uuid4().hex for _ in range(50)]})
    keys = (await reading.get(f"/v1/tasks/{b}/diff/{c}"))["steps"][0]["result"]
    assert (len(keys["differences"]), keys["more"], keys["too_large"]) == (20, 30, False)


async def test_other_templates_and_the_task_itself_are_refused(reading: World) -> None:
    await reading.register(template("apples", [step("load")]), template("pears", [step("load")]))
    a, b = await run(reading, "apples"), await run(reading, "pears")
    for other, words in ((b, "test/apples and test/pears"), (a, "same task")):
        answer = await reading.http.get(f"/v1/tasks/{a}/diff/{other}")
        assert answer.status_code == 400
        assert words in answer.text


async def test_the_command_line_shows_both(reading: World) -> None:
    await reading.register(template("shown", STEPS))
    a = await run(reading, "shown", context={"n": 1})
    b = await run(reading, "shown", context={"n": 2}, charge=Failure("declined"))
    async with served(reading.app) as url:
        table = await tasker(url, "grid", "test/shown")
        compared = await tasker(url, "task", "diff", a, b)
        data = await tasker(url, "task", "diff", a, b, "--json")
        wrong = await tasker(url, "grid", "shown")
    assert (table.code, compared.code, wrong.code) == (0, 0, 2), table.err + compared.err
    assert ["✓✗○", "charge", "(1×)"] in [line.split()[-3:] for line in table.out.splitlines()]
    for part in ("state, error", "B: declined", "1 step alike", "n      1  2"):
        assert part in compared.out, compared.out
    assert json.loads(data.out)["same_steps"] == 1
    assert "hint: write NAMESPACE/NAME" in wrong.err
