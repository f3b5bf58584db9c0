"""`GET /v1/tasks`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from engine.api.answers import answer, documented
from engine.api.errors import ApiProblem
from engine.api.services import Api
from engine.model.problems import did_you_mean
from engine.model.states import TaskState
from engine.model.whys import WHY_FILTERS
from engine.model.wire.base import NaiveIsUtc
from engine.model.wire.tasks import TaskListResponse
from engine.store.pool import Connection
from engine.store.task_filter import STATUS_WORDS, TaskFilter, id_range_of
from engine.store.task_list import Count, PageRequest, list_tasks, template_ids, template_ids_like

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

STATES = {state.value: (state,) for state in TaskState}

ShortText = Annotated[str | None, Query(max_length=255)]


@dataclass(frozen=True, slots=True)
class Filters:
    """The query parameters that say which tasks."""

    namespace: ShortText = None
    template: Annotated[str | None, Query(max_length=255, description="Name of the template")] = None
    name: Annotated[str | None, Query(max_length=255, description="Another word for template")] = None
    version: Annotated[str | None, Query(max_length=50)] = None
    status: Annotated[
        list[str] | None, Query(description="States, several of them with commas or repeated")
    ] = None
    state: Annotated[
        list[str] | None,
        Query(description="These states alone, where a word of `status` (`pending`) may mean several"),
    ] = None
    why: Annotated[
        list[str] | None,
        Query(description="Why a step has not ended (kinds of `/why`), several with commas or repeated"),
    ] = None
    signature: Annotated[
        str | None,
        Query(max_length=1_000, description="Of a step in error, as `GET /v1/failures` groups them"),
    ] = None
    tag: ShortText = None
    initiator: ShortText = None
    source_system: ShortText = None
    correlation_id: Annotated[UUID | None, Query(description="Of the task itself")] = None
    parent_correlation_id: Annotated[
        UUID | None, Query(description="Of the task that started it: its children")
    ] = None
    since: Annotated[NaiveIsUtc | None, Query(description="Created at or after")] = None
    until: Annotated[NaiveIsUtc | None, Query(description="Created before")] = None
    q: Annotated[
        str | None, Query(max_length=255, description="Beginning of an id, or part of a template's name")
    ] = None


@dataclass(frozen=True, slots=True)
class Paging:
    """The query parameters that say which part of them, by number or by key."""

    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Query(ge=1, le=100)] = 25
    before: Annotated[UUID | None, Query(description="Only tasks older than this one")] = None
    after: Annotated[UUID | None, Query(description="Only tasks newer than this one, the nearest")] = None
    limit: Annotated[int | None, Query(ge=1, le=500, description="How many, in place of per_page")] = None

    def request(self) -> PageRequest:
        """Raises 400 for what excludes each other."""
        if self.before and self.after:
            raise ApiProblem(400, "before and after exclude each other", hint="leave one out")
        if self.page > 1 and (self.before or self.after):
            raise ApiProblem(
                400, "page counts from the newest task", hint="leave out page, or before and after"
            )
        return PageRequest(self.limit or self.per_page, self.page, self.before, self.after)


@router.get("", response_class=Response, responses=documented(400, ok=TaskListResponse))
async def read_tasks(
    api: Api,
    filters: Annotated[Filters, Depends()],
    paging: Annotated[Paging, Depends()],
    count: Annotated[Count, Query(description="How total_count is made; none: a lower bound")] = "exact",
) -> Response:
    """Tasks, the newest first; `steps` is empty in lists."""
    page, states, whys = paging.request(), _states_of(filters), _whys_of(filters.why)
    async with api.database.acquire() as conn:
        wanted = await _filter(conn, filters, states, whys)
        return answer(await list_tasks(conn, wanted, page, count))


def states_of(
    words: Sequence[str] | None, known: Mapping[str, Iterable[TaskState]] = STATUS_WORDS, name: str = "status"
) -> frozenset[TaskState]:
    """The states that a filter's words mean; raises 400 for an unknown one."""
    found: set[TaskState] = set()
    for word in _split(words):
        if word not in known:
            hint = did_you_mean(word, known) or f"known are {', '.join(known)}"
            raise ApiProblem(400, f"{name}: there is no state '{word}'", hint=hint)
        found.update(known[word])
    return frozenset(found)


def _states_of(filters: Filters) -> frozenset[TaskState]:
    if filters.state and filters.status:
        raise ApiProblem(400, "state and status exclude each other", hint="leave one out")
    return states_of(filters.state, STATES, "state") | states_of(filters.status)


def _whys_of(words: Sequence[str] | None) -> frozenset[str]:
    for word in (found := _split(words)):
        if word not in WHY_FILTERS:
            hint = did_you_mean(word, WHY_FILTERS) or f"known are {', '.join(WHY_FILTERS)}"
            raise ApiProblem(400, f"why: there is no reason '{word}' to look for", hint=hint)
    return frozenset(found)


def _split(words: Sequence[str] | None) -> list[str]:
    return [word.strip() for word in ",".join(words or ()).split(",") if word.strip()]


async def _filter(
    conn: Connection, filters: Filters, states: frozenset[TaskState], whys: frozenset[str]
) -> TaskFilter:
    name = filters.template or filters.name
    return TaskFilter(
        template_ids=await template_ids(conn, filters.namespace, name, filters.version),
        states=states,
        tag=filters.tag,
        initiator=filters.initiator,
        source_system=filters.source_system,
        correlation_id=filters.correlation_id,
        parent_correlation_id=filters.parent_correlation_id,
        since=filters.since,
        until=filters.until,
        id_range=id_range_of(filters.q) if filters.q else None,
        q_template_ids=await template_ids_like(conn, filters.q) if filters.q else None,
        whys=whys,
        signatures=[filters.signature] if filters.signature else (),
    )
