"""Texts that somebody sends to break something: each is kept as it is, or refused with a clear 4xx."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import NAMESPACE, Failure, World, code_of, template

KEPT = {
    "sql": "'; DROP TABLE tasker.tasks; --",
    "markup": "[bold red]<script>alert(1)</script>[/] \x1b[31m",
    "unicode": "ȧ\u0301\u202e‮﷽👩‍👩‍👧 \u2028\ufeff",
    "format": "%s %d {0} ${jndi:ldap://x} \\u0000",
}
REFUSED = {"nul": "a\x00b", "half a character": "\ud83d", "long": "x" * 2_000_000}
DEEP = 200_000


class Everywhere:
    """Calls that carry a text in every field that takes one."""

    def __init__(self, world: World, task: str, step: str, letter: str) -> None:
        self.world = world
        here = f"/v1/tasks/{task}"
        self.calls: list[tuple[str, str, Any]] = [
            ("POST", "/v1/tasks", {"name": "linear", "namespace": NAMESPACE, "context": {"note": "TEXT"}}),
            ("POST", "/v1/tasks", {"name": "linear", "namespace": NAMESPACE, "context": {"TEXT": 1}}),
            *(("POST", "/v1/tasks", {"name": "linear", "namespace": NAMESPACE, one: "TEXT"})
              for one in ("initiator", "source_system", "reason", "idempotency_key")),
            ("POST", "/v1/tasks", {"name": "linear", "namespace": NAMESPACE, "tags": ["TEXT"]}),
            ("POST", "/v1/tasks", {"name": "TEXT", "namespace": "TEXT", "version": "TEXT"}),
            ("POST", "/v1/tasks", {"correlation_id": "TEXT", "name": "linear"}),
            ("POST", f"{here}/pause", {"actor": "TEXT", "reason": "TEXT"}),
            ("POST", f"{here}/resume", {"actor": "TEXT", "reason": "TEXT"}),
            ("POST", f"{here}/fork", {"actor": "TEXT", "reason": "TEXT", "context": {"TEXT": "TEXT"}}),
            ("POST", f"{here}/fork", {"from": ["TEXT"], "idempotency_key": "TEXT"}),
            ("POST", f"{here}/retry", {"actor": "TEXT", "reason": "TEXT", "dry_run": True}),
            ("PATCH", f"{here}/workflow_steps/{step}",
             {"action_type": "reset_for_retry", "reason": "TEXT", "reset_by": "TEXT"}),
            ("POST", f"/v1/dlq/task/{task}", {"actor": "TEXT", "reason": "TEXT"}),
            ("PATCH", f"/v1/dlq/entry/{letter}", {"resolution_notes": "TEXT", "assignee": "TEXT"}),
            ("POST", "/v1/webhooks", {"url": "https://example.com/TEXT", "events": ["task.failed"],
                                      "description": "TEXT", "actor": "TEXT", "reason": "TEXT"}),
            ("POST", "/v1/bulk/preview", {"verb": "retry", "filter": {"signature": "TEXT", "q": "TEXT"}}),
            ("POST", f"/v1/namespaces/{NAMESPACE}/pause", {"actor": "TEXT", "reason": "TEXT"}),
            ("POST", f"/v1/namespaces/{NAMESPACE}/resume", {"actor": "TEXT"}),
        ]  # fmt: skip

    async def send(self, text: str) -> list[tuple[str, httpx.Response]]:
        """Make all calls with the text."""
        answers = []
        for method, path, body in self.calls:
            content = json.dumps(body).replace("TEXT", json.dumps(text)[1:-1])
            response = await self.world.http.request(
                method, path, content=content, headers={"content-type": "application/json"}
            )
            answers.append((f"{method} {path} {json.dumps(body)[:80]}", response))
        return answers


@pytest.fixture
async def everywhere(world: World) -> Everywhere:
    task = (await world.create())["task_uuid"]
    await world.worker.run(two=Failure())
    steps = await world.steps(task)
    letter = (await world.get(f"/v1/dlq/task/{task}"))["dlq_entry_uuid"]
    return Everywhere(world, task, steps["two"]["step_uuid"], letter)


async def test_texts_of_every_kind_are_kept_as_they_are(world: World, everywhere: Everywhere) -> None:
    for text in KEPT.values():
        created = await world.create(initiator=text, reason=text, tags=[text], context={text: text})
        answers = await everywhere.send(text)
        for call, response in answers:
            assert response.status_code < 500, (call, response.text)
            if response.is_error:
                assert code_of(response), call
        assert sum(response.is_success for _, response in answers) > len(answers) / 2
        read = await world.task(created["task_uuid"])
        assert (read["initiator"], read["reason"], read["tags"]) == (text, text, [text])
        assert read["context"] == {text: text}
        for name in ("initiator", "tag"):
            found = (await world.get("/v1/tasks", **{name: text}))["tasks"]
            assert created["task_uuid"] in {one["task_uuid"] for one in found}
        assert (await world.http.get("/v1/tasks", params={"q": text})).status_code == 200


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_kept_is_refused_wherever_it_stands(everywhere: Everywhere, text: str) -> None:
    for call, response in await everywhere.send(text):
        assert 400 <= response.status_code < 500, (call, response.status_code, response.text[:300])
        assert code_of(response), call


@pytest.mark.parametrize(
    "body",
    ["[" * DEEP, '{"a":' * DEEP, '{"name":"linear","context":' + "[" * DEEP + "]" * DEEP + "}", "1" * DEEP],
    ids=["lists", "objects", "closed", "number"],
)
async def test_deep_json_is_refused(everywhere: Everywhere, body: str) -> None:
    for method, path, _ in everywhere.calls:
        response = await everywhere.world.http.request(
            method, path, content=body, headers={"content-type": "application/json"}
        )
        assert response.status_code in (400, 413, 422), (method, path, response.text[:300])
        assert code_of(response)
    yaml = await everywhere.world.http.post(
        "/v1/templates", content=body, headers={"content-type": "application/yaml"}
    )
    assert (yaml.status_code, code_of(yaml)) == (422, "VALIDATION_ERROR")


async def test_uuids_of_every_kind_are_read_or_refused(world: World) -> None:
    await world.register(template("linear"))
    for word in (
        "0",
        "x" * 5_000,
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "%2e%2e",
        "' OR 1=1",
        "NULL",
    ):
        for path in ("/v1/tasks/{}", "/v1/tasks/{}/why", "/v1/dlq/task/{}", "/v1/webhooks/{}", "/v1/bulk/{}"):
            response = await world.http.get(path.format(word))
            assert response.status_code in (400, 404), (path, word, response.text)
            assert code_of(response) in ("INVALID_UUID", "NOT_FOUND")
