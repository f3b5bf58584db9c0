"""What a handler is told about the step that it runs (reference 7.2)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from workers.errors import StepCancelled

_creation = threading.Lock()


class Cancellation:
    """A flag that any thread may set, and that a thread or a coroutine may wait for.

    `reason` is empty until it is set.
    """

    __slots__ = ("_event", "_lock", "_wake_ups", "reason")

    def __init__(self) -> None:
        self.reason = ""
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wake_ups: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """Say whether the step was taken away."""
        return self._event.is_set()

    def set(self, reason: str = "cancelled") -> None:
        """Take the step away and wake everybody who waits. The first reason stays."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason = reason
            self._event.set()
            wake_ups, self._wake_ups = self._wake_ups, []
        for wake_up in wake_ups:
            wake_up()

    def wait(self, timeout: float | None = None) -> bool:
        """Block the calling thread until it is set, at most `timeout` seconds; say whether it is."""
        return self._event.wait(timeout)

    async def wait_async(self, timeout: float | None = None) -> bool:
        """Wait in a coroutine until it is set, at most `timeout` seconds; say whether it is."""
        import asyncio  # here, because a worker's handlers may all be synchronous

        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def wake_up() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits in it
                loop.call_soon_threadsafe(done.set)

        with self._lock:
            if self._event.is_set():
                return True
            self._wake_ups.append(wake_up)
        try:
            async with asyncio.timeout(timeout):
                await done.wait()
        except TimeoutError:
            return self._event.is_set()
        finally:
            self._forget(wake_up)
        return True

    def _forget(self, wake_up: Callable[[], None]) -> None:
        with self._lock:
            if wake_up in self._wake_ups:
                self._wake_ups.remove(wake_up)


@dataclass(slots=True, eq=False)
class StepContext:
    """One attempt of one step, as its handler sees it.

    `input_data` is the task's context with what an operator edited of the step's inputs, `step_config` the
    step's `handler.initialization`, `step_inputs` the instance's own inputs (a batch's cursor, for one).
    `dependency_results` maps every ancestor's name to its stored execution result. `retry_count` counts the
    attempts already made, `max_retries` is the step's `max_attempts`. `checkpoint` is what an earlier yield
    left: `cursor`, `items_processed`, `accumulated_results`.
    """

    event: dict[str, Any] = field(repr=False)
    task_uuid: UUID
    step_uuid: UUID
    correlation_id: UUID
    handler_name: str
    input_data: dict[str, Any] = field(default_factory=dict)
    dependency_results: dict[str, Any] = field(default_factory=dict)
    step_config: dict[str, Any] = field(default_factory=dict)
    step_inputs: dict[str, Any] = field(default_factory=dict)
    retry_count: int = 0
    max_retries: int = 3
    checkpoint: dict[str, Any] | None = None
    step_name: str = ""
    namespace: str = ""
    _cancellation: Cancellation | None = field(default=None, repr=False)

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.retry_count + 1

    def is_retry(self) -> bool:
        """Say whether an attempt was made before this one."""
        return self.retry_count > 0

    def is_last_retry(self) -> bool:
        """Say whether no attempt is left after this one."""
        return self.retry_count >= self.max_retries - 1

    def get_input(self, key: str) -> Any:
        """A value of the task's context, as edited; `None` if it has none of that name."""
        return self.input_data.get(key)

    def get_input_or(self, key: str, default: Any = None) -> Any:
        """A value of the task's context, as edited, or `default` if it is missing or null."""
        value = self.input_data.get(key)
        return default if value is None else value

    def get_config(self, key: str) -> Any:
        """A value of the step's `handler.initialization`, `None` if it has none of that name."""
        return self.step_config.get(key)

    def get_dependency_result(self, step_name: str) -> Any:
        """What that ancestor's handler returned, `None` if there is nothing."""
        stored = self.dependency_results.get(step_name)
        return stored.get("result") if isinstance(stored, dict) else None

    def get_dependency_field(self, step_name: str, *path: str) -> Any:
        """A value inside an ancestor's result, `None` as soon as the path ends in nothing."""
        value = self.get_dependency_result(step_name)
        for key in path:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    def get_dependency_result_keys(self) -> list[str]:
        """The names of the ancestors whose results are here."""
        return list(self.dependency_results)

    def get_all_dependency_results(self, prefix: str) -> list[Any]:
        """The results of all ancestors whose name starts so, by name; who returned nothing is left out."""
        names = sorted(name for name in self.dependency_results if name.startswith(prefix))
        results = (self.get_dependency_result(name) for name in names)
        return [result for result in results if result is not None]

    @property
    def checkpoint_cursor(self) -> Any | None:
        """Where the last yield stopped."""
        return self.checkpoint.get("cursor") if self.checkpoint else None

    @property
    def checkpoint_items_processed(self) -> int:
        """How many items were done at the last yield."""
        return int(self.checkpoint.get("items_processed") or 0) if self.checkpoint else 0

    @property
    def accumulated_results(self) -> dict[str, Any] | None:
        """What the last yield had gathered."""
        return self.checkpoint.get("accumulated_results") if self.checkpoint else None

    def has_checkpoint(self) -> bool:
        """Say whether an earlier yield left something to go on from."""
        return self.checkpoint_cursor is not None

    @property
    def cancelled(self) -> Cancellation:
        """The flag that says that the step was taken away: `context.cancelled.is_set()`."""
        if self._cancellation is None:
            with _creation:
                if self._cancellation is None:
                    self._cancellation = Cancellation()
        return self._cancellation

    async def wait_cancelled(self, timeout: float | None = None) -> bool:
        """Wait until the step is taken away, at most `timeout` seconds; say whether it was."""
        return await self.cancelled.wait_async(timeout)

    def raise_if_cancelled(self) -> None:
        """Raise `StepCancelled` if the step was taken away: what is returned then is refused."""
        if self._cancellation is not None and self._cancellation.is_set():
            raise StepCancelled(f"the step was taken away: {self._cancellation.reason}")
