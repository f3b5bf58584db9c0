"""Whatever is sent to the API, it answers as its OpenAPI document says, and never with 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine.api.docs import OPENAPI_URL
from engine.store.pool import open_pool
from tests.integration.api.conftest import Failure, World, template
from tests.support.e2e_stack import running_stack
from tests.support.postgres import PgServer

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
PATIENCE = 60.0
ENDLESS = "/v1/events/stream"
EXAMPLES = 3
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


async def populated(world: World) -> dict[str, str]:
    """Have something of everything; path parameters that lead to it."""
    await world.register(template("linear"))
    done = await world.create()
    await world.worker.run()
    failed = await world.create()
    await world.worker.run(two=Failure())
    steps = await world.steps(failed["task_uuid"])
    hook = {"url": "https://example.com/hook", "events": ["task.failed"], "actor": "me"}
    made = await world.post(hook, "/v1/webhooks")
    assert made.status_code == 201, made.text
    letters = await world.get("/v1/dlq")
    return {
        "task_uuid": failed["task_uuid"],
        "other_uuid": done["task_uuid"],
        "step_uuid": steps["two"]["step_uuid"],
        "webhook_uuid": made.json()["webhook"]["webhook_uuid"],
        "dlq_entry_uuid": letters[0]["dlq_entry_uuid"],
        "namespace": world.namespace,
        "name": "linear",
        "version": "1.0.0",
    }


def attack(url: str, known: dict[str, str]) -> list[str]:
    """Send each operation what its schema allows and what it does not; what was answered wrongly."""
    document = httpx.get(url + OPENAPI_URL, timeout=PATIENCE).json()
    wrong: list[str] = []
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        if operation.path == ENDLESS:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                sending(operation.as_strategy(generation_mode=mode), url, known)()
            except Unsatisfiable:
                continue  # nothing that could be sent to it is wrong
            except (Exception, BaseExceptionGroup) as error:
                wrong.append(str(error))
    return wrong


def sending(cases: st.SearchStrategy[Any], url: str, known: dict[str, str]) -> Callable[[], None]:
    """Sends some cases, every other one to what is there."""

    @seed(1)
    @BOUNDED
    @given(case=cases, there=st.booleans())
    def send(case: Any, there: bool) -> None:
        if there:
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        case.call_and_validate(base_url=url, checks=CHECKS, timeout=PATIENCE)

    return send


@pytest.mark.timeout(300)
async def test_every_operation_keeps_what_the_document_promises(pg_server: PgServer, tmp_path: Path) -> None:
    """The server is a process of its own: making up cases takes this one's whole attention."""
    async with running_stack(pg_server, tmp_path, {}, workers=0) as stack:
        pool = await open_pool(stack.dsn, max_size=2)
        async with httpx.AsyncClient(base_url=stack.url, timeout=PATIENCE) as http:
            known = await populated(World(pool, http, None))
        await pool.close()
        wrong = await asyncio.to_thread(attack, stack.url, known)
    assert not wrong, "\n\n".join(wrong)
