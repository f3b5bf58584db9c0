"""Retry steps and tasks, and fork tasks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.answers import answer, documented, json_body
from engine.api.bodies import parse, read_json
from engine.api.errors import ApiProblem, bad_context, bad_payload, not_found
from engine.api.services import Api, Services
from engine.messaging.channels import READY
from engine.model.canonical import canonical_json
from engine.model.merge_patch import merge_patch
from engine.model.payload import PayloadRejected, dump_json
from engine.model.wire.reruns import ForkAnswer, ForkList, ForkRequest, RerunStep, RetryAnswer, RetryRequest
from engine.store import forks, reruns
from engine.store.forks import NothingToRun, Origin
from engine.store.pool import Connection, retry_deadlock
from engine.store.reruns import BadEdit, EditRefused, TaskStep, UnknownStep
from engine.store.tasks import task_exists, task_state

router = APIRouter(prefix="/v1/tasks/{task_uuid}", tags=["reruns"])

RETRYABLE = ("error", "waiting_for_retry")
DONE = ("complete", "resolved_manually")


@router.post(
    "/retry",
    response_class=Response,
    responses=documented(400, 404, 413, 415, 422, ok=RetryAnswer),
    openapi_extra=json_body(RetryRequest, required=False),
)
async def retry(task_uuid: UUID, request: Request, api: Api) -> Response:
    """Retry failed steps, steps with all that comes after them, or the whole task."""
    raw = await read_json(request)
    body = parse(RetryRequest, raw) if raw else RetryRequest()
    async with api.database.acquire() as conn:
        chosen = await _chosen(conn, task_uuid, body)
        try:
            steps = await retry_deadlock(lambda: reruns.retry(conn, task_uuid, chosen, body))
        except BadEdit as error:
            raise bad_payload(error.where, error.error) from None
        except EditRefused as error:
            raise ApiProblem(400, str(error)) from None
    if steps and not body.dry_run:
        api.notifier.wake(READY)
    return answer(
        RetryAnswer(
            task_uuid=task_uuid,
            changed=bool(steps),
            dry_run=body.dry_run,
            message=_message(steps, chosen, body),
            steps=steps,
        )
    )


async def _chosen(conn: Connection, task_uuid: UUID, body: RetryRequest) -> list[TaskStep]:
    state = await task_state(conn, task_uuid)
    if state is None:
        raise not_found(f"task {task_uuid}")
    found = await reruns.task_steps(conn, task_uuid)
    if state == "cancelled" or any(one.state == "cancelled" for one in found):
        what = "is cancelled" if state == "cancelled" else "has cancelled steps"
        raise ApiProblem(
            400,
            f"task {task_uuid} {what}: it does not run again",
            hint=f"POST /v1/tasks/{task_uuid}/fork starts a new task that takes over what was done",
        )
    if not body.steps:
        return [one for one in found if one.state == "error"]
    chosen = _named(found, body.steps)
    done = [one for one in chosen if one.state in DONE]
    if done and not body.downstream:
        raise ApiProblem(
            400,
            f"step {done[0].name} is {done[0].state}: what comes after it was given its result",
            hint="downstream: true runs it again together with all that comes after it",
        )
    return chosen


def _named(found: Sequence[TaskStep], wanted: Sequence[str]) -> list[TaskStep]:
    try:
        return reruns.choose(found, wanted)
    except UnknownStep as error:
        raise ApiProblem(404, str(error), hint=error.hint) from None


def _message(steps: Sequence[RerunStep], chosen: Sequence[TaskStep], body: RetryRequest) -> str:
    """What is done, or why nothing is, in a sentence."""
    if not steps:
        if body.whole_task:
            return "nothing to retry: the steps that the task begins with are still to run, or run"
        if not chosen:
            return "nothing to retry: no step of the task has failed"
        few = ", ".join(f"{one.name} is {one.state}" for one in chosen[:5])
        if any(one.state in RETRYABLE for one in chosen):
            return f"nothing to retry: the task has ended ({few}); downstream: true takes it up again"
        return f"nothing to retry: {few}"
    superseded = sum(one.effect == "superseded" for one in steps)
    again, lost = len(steps) - superseded, sum(one.lease_lost for one in steps)
    run = "would run" if body.dry_run else ("runs" if again == 1 else "run")
    parts = [f"{again} {'step' if again == 1 else 'steps'} {run} again"]
    if superseded:
        parts.append(f"{superseded} made by a decision or an analyzer {_go(superseded, body)}")
    if lost:
        parts.append(f"{lost} of them {'was' if lost == 1 else 'were'} running: late results are refused")
    return "; ".join(parts)


def _go(count: int, body: RetryRequest) -> str:
    return "would go" if body.dry_run else ("goes" if count == 1 else "go")


@router.post(
    "/fork",
    response_class=Response,
    responses=documented(400, 404, 413, 415, 422, 503, ok=ForkAnswer, created=ForkAnswer),
    openapi_extra=json_body(ForkRequest, required=False),
)
async def fork(task_uuid: UUID, request: Request, api: Api) -> Response:
    """Start a new task in the middle of this one, with what was done before taken over."""
    raw = await read_json(request)
    body = parse(ForkRequest, raw) if raw else ForkRequest()
    async with api.database.acquire() as conn:
        origin = await forks.find_origin(conn, task_uuid)
        if origin is None:
            raise not_found(f"task {task_uuid}")
        begin = [one.step_uuid for one in _named(await reruns.task_steps(conn, task_uuid), body.from_)]
        context = await _context(api, origin, body)
        plan = await forks.fork_plan(conn, task_uuid, begin)
        if not any(step.effect == "enqueued" for step in plan):
            raise _nothing_to_run(task_uuid)
        new, created = None, False
        if not body.dry_run:
            api.pressure.admit(origin.template.namespace)
            try:
                new, created = await retry_deadlock(lambda: forks.fork(conn, task_uuid, begin, context, body))
            except NothingToRun:
                raise _nothing_to_run(task_uuid) from None
            api.notifier.wake(READY)
    return answer(
        ForkAnswer(task_uuid=new, forked_from=task_uuid, created=created, dry_run=body.dry_run, steps=plan),
        201 if created else 200,
    )


def _nothing_to_run(task_uuid: UUID) -> ApiProblem:
    return ApiProblem(
        400,
        f"every step of task {task_uuid} is done: a fork would have nothing to run",
        hint="name the steps that it is to begin with in from",
    )


async def _context(api: Services, origin: Origin, body: ForkRequest) -> str | None:
    """The patched context as JSON text, checked like that of a new task; None where it stays as it is."""
    context = merge_patch(origin.context, body.context or {})
    if canonical_json(context) == canonical_json(origin.context):
        return None
    try:
        text = dump_json(context)
    except PayloadRejected as error:
        raise bad_payload("context", error) from None
    revision = await api.revisions.get(origin.template)
    if revision.validator and (problems := revision.validator.errors(context)):
        raise bad_context(problems)
    return text


@router.get("/forks", response_class=Response, responses=documented(400, 404, ok=ForkList))
async def read_forks(task_uuid: UUID, api: Api) -> Response:
    """What the task was forked from, and its own forks."""
    async with api.database.acquire() as conn:
        found = await forks.forks_of(conn, task_uuid)
        if found.forked_from is None and not found.forks and not await task_exists(conn, task_uuid):
            raise not_found(f"task {task_uuid}")
    return answer(found)
