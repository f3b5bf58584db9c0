"""Runs handlers: `async def` on the loop, `def` in threads, each under its time-out."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from engine.model.given_inputs import given_inputs
from engine.model.payload import PayloadRejected, dump_json, load_json
from engine.store.claims import DEPENDENCY_LIMIT, FinishedStep, WorkerIdentity, keep_checkpoint
from engine.store.pool import Pool, until_reachable
from engine.store.step_definitions import load_results
from workers.context import StepContext
from workers.errors import HandlerNotFound, PermanentError, StepCancelled
from workers.invocation import ResolvedHandler, ResultNotStorable, failure_from_exception, to_result
from workers.results import StepHandlerResult
from workers.runtime.capture import LogBuffer, Origin, current_log
from workers.runtime.definitions import Definitions
from workers.runtime.domain_events import DomainEvents, StepEvents
from workers.runtime.packing import pack
from workers.runtime.running import RunningStep

log = logging.getLogger("tasker.worker")

GRACE_SECONDS = 5.0
"""How long an asynchronous handler whose step was taken away may tidy up before it is cancelled."""


_Outcome: TypeAlias = tuple[Any, BaseException | None]


class DependenciesTooLarge(PermanentError):
    """The results of a step's dependencies exceed the limit."""

    error_type = "result_too_large"


class Executor:
    """Runs steps. `report` is called with a step's result, once; `ended` when its handler has returned."""

    def __init__(
        self,
        pool: Pool,
        worker: WorkerIdentity,
        definitions: Definitions,
        slots: int,
        report: Callable[[RunningStep, FinishedStep, StepEvents | None], None],
        ended: Callable[[RunningStep], None],
        logs_changed: Callable[[LogBuffer], None],
        events: DomainEvents,
    ) -> None:
        self._pool = pool
        self._worker = worker
        self._definitions = definitions
        self._report = report
        self._ended = ended
        self._logs_changed = logs_changed
        self._events = events
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="handler")
        self._loop = asyncio.get_running_loop()

    def start(self, step: RunningStep) -> None:
        """Run a step; raises `HandlerNotFound` if this worker does not have its handler."""
        try:
            handler = self._definitions.handler(step.definition)
        except HandlerNotFound as error:
            if type(error) is HandlerNotFound:
                raise
            failure = StepHandlerResult.failure(str(error), "handler_not_found", retryable=False)
            step.returned = True
            self._finish(step, failure, "1.0.0")
            self._end(step)
            return
        claimed = step.claimed
        origin = Origin(claimed.task_uuid, claimed.step_uuid, claimed.claim_no, claimed.attempt)
        step.log = LogBuffer(origin, self._logs_changed)
        context = contextvars.copy_context()
        context.run(current_log.set, step.log)
        step.task = self._loop.create_task(self._run(step, handler), context=context)
        # A task that is cancelled before its first turn runs nothing of its body.
        step.task.add_done_callback(lambda _: self._end(step))

    def take_away(self, step: RunningStep, reason: str) -> None:
        """Tell a handler that its step is no longer its own; callable from any thread."""
        step.tell(reason)
        self._loop.call_soon_threadsafe(self._loop.call_later, GRACE_SECONDS, self._cancel, step)

    def shut_down(self) -> None:
        """Let the threads go without waiting for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, step: RunningStep, handler: ResolvedHandler) -> None:
        try:
            context = step.context = await self._context(step, handler)
            step.begun_at = self._loop.time()
            result = await self._call(step, handler, context)
            while result.metadata.get("checkpoint_yield"):
                await self._keep_checkpoint(step, context, result)
                result = await self._call(step, handler, context)
        except BaseException as error:
            result = failure_from_exception(error, handler_version=handler.version)
        step.returned = not (step.decided or step.reported)
        self._finish(step, result, handler.version)

    async def _call(
        self, step: RunningStep, handler: ResolvedHandler, context: StepContext
    ) -> StepHandlerResult:
        timeout = step.definition.timeout_seconds
        timer = None if timeout is None else self._loop.call_later(timeout, self._time_out, step, handler)
        try:
            if handler.is_async:
                return to_result(await handler.call(context))
            returned, error = await self._in_thread(handler.call, context)
            if error is not None:
                return failure_from_exception(error, handler_version=handler.version)
            return to_result(returned)
        finally:
            if timer is not None:
                timer.cancel()

    async def _keep_checkpoint(
        self, step: RunningStep, context: StepContext, result: StepHandlerResult
    ) -> None:
        """Store where the handler stopped and let the same attempt go on from there."""
        claimed = step.claimed
        try:
            checkpoint = dump_json(result.result)
        except PayloadRejected as error:
            raise ResultNotStorable(f"the checkpoint can't be stored: {error}") from None

        async def keep() -> str | None:
            async with self._pool.acquire() as conn:
                return await keep_checkpoint(
                    conn, self._worker, claimed.step_uuid, claimed.claim_no, checkpoint
                )

        kept = await until_reachable(keep)
        if kept is None:
            raise StepCancelled("the step was taken away while its checkpoint was stored")
        context.checkpoint = load_json(kept)

    async def _in_thread(self, call: Callable[[StepContext], Any], context: StepContext) -> _Outcome:
        run = contextvars.copy_context().run
        future = self._loop.run_in_executor(self._threads, run, _outcome_of, call, context)
        while True:
            try:
                # A thread can't be cancelled: the slot stays taken until it returns.
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                if future.done():
                    raise

    async def _context(self, step: RunningStep, handler: ResolvedHandler) -> StepContext:
        claimed, definition = step.claimed, step.definition
        own = load_json(claimed.inputs) if claimed.inputs else {}
        return StepContext(
            event={
                "task_uuid": claimed.task_uuid,
                "step_uuid": claimed.step_uuid,
                "claim_no": claimed.claim_no,
            },
            task_uuid=claimed.task_uuid,
            step_uuid=claimed.step_uuid,
            correlation_id=claimed.correlation_id,
            handler_name=handler.name,
            input_data=given_inputs(load_json(claimed.context), own),
            dependency_results=await self._dependencies(step, handler),
            step_config=definition.initialization,
            step_inputs=own,
            retry_count=claimed.attempt - 1,
            max_retries=definition.max_attempts,
            checkpoint=load_json(claimed.checkpoint) if claimed.checkpoint else None,
            step_name=claimed.name,
            namespace=definition.namespace,
        )

    async def _dependencies(self, step: RunningStep, handler: ResolvedHandler) -> dict[str, Any]:
        text = step.claimed.dependencies
        if text is None or len(text) > DEPENDENCY_LIMIT:
            raise DependenciesTooLarge(
                "the results of this step's dependencies are larger than "
                f"{DEPENDENCY_LIMIT // 2**20} MiB together; keep large data elsewhere and return a reference"
            )
        results = load_json(text)
        wanted = step.definition.ancestors
        if handler.dependencies is not None:
            wanted &= handler.dependencies
        missing = wanted - results.keys()
        if missing:
            results |= await until_reachable(lambda: self._read_results(step, missing))
        return {name: _stored(data) for name, data in results.items() if data is not None}

    async def _read_results(self, step: RunningStep, names: set[str]) -> dict[str, Any]:
        async with self._pool.acquire() as conn:
            return await load_results(conn, step.claimed.task_uuid, names)

    def _time_out(self, step: RunningStep, handler: ResolvedHandler) -> None:
        seconds = step.definition.timeout_seconds
        failure = StepHandlerResult.failure(
            f"the handler did not return within timeout_seconds ({seconds} s)",
            "handler_timeout",
            retryable=True,
        )
        self._finish(step, failure, handler.version)
        step.tell("timed out")
        self._cancel(step)

    def _finish(self, step: RunningStep, result: StepHandlerResult, version: str) -> None:
        if step.decided or step.reported:
            return
        step.decided = True
        finished, result = pack(step, result, version)
        if step.definition.events:
            step.finishing = self._loop.create_task(self._finish_with_events(step, finished, result))
        else:
            self._report_once(step, finished, None)

    async def _finish_with_events(
        self, step: RunningStep, finished: FinishedStep, result: StepHandlerResult
    ) -> None:
        events: StepEvents | None = None
        try:
            events = await self._events.prepare(step, result)
        except Exception:
            log.exception("the events of step %s could not be made", step.claimed.name)
        if events is not None:
            finished = finished._replace(events=events.stored)
        self._report_once(step, finished, events)

    def _report_once(self, step: RunningStep, finished: FinishedStep, events: StepEvents | None) -> None:
        if not step.reported:  # it may have been given back in the meantime
            step.reported = True
            self._report(step, finished, events)

    def _end(self, step: RunningStep) -> None:
        """The handler has returned; its step is over once the result is given."""
        if step.finishing is None:
            self._ended(step)
        else:
            step.ended = True
            step.finishing.add_done_callback(lambda _: self._ended(step))

    def _cancel(self, step: RunningStep) -> None:
        if step.task is not None and not step.task.done():
            step.task.cancel()


def _outcome_of(call: Callable[[StepContext], Any], context: StepContext) -> _Outcome:
    """What a call returned or raised: a future takes no `StopIteration`, and would never be done."""
    try:
        return call(context), None
    except BaseException as error:
        return None, error


def _stored(data: Any) -> dict[str, Any]:
    return {"success": True, "status": "completed", "result": data, "error": None}
