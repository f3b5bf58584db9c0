"""Tasks that the dashboard's tests show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.model.states import StepState, TaskState
from engine.model.wire.comparison import (
    DiffStep,
    DiffTask,
    Grid,
    GridCell,
    GridColumn,
    GridRun,
    StepDiff,
    TaskDiff,
    ValueDiff,
    ValueDiffs,
)
from engine.model.wire.failures import FailureGroup, FailurePlace, FailureSample
from engine.model.wire.pauses import Pause, PauseScope
from engine.model.wire.queues import HandlerQueue, HeldSteps, Queue
from tests.tui.support import NOW, FakeStep, FakeTask, uuid_at

CARD_ERROR = {
    "message": "CardDeclined: insufficient_funds for order 8841",
    "error_type": "PaymentError",
    "retryable": False,
    "backtrace": [
        'File "handlers/payment.py", line 41, in call',
        "    charge = gateway.charge(order.card, order.amount)",
        'File "handlers/gateway.py", line 18, in charge',
        "    raise CardDeclined(answer.reason)",
    ],
}
S = StepState


def order_task(number: int = 1, minutes_ago: float = 2) -> FakeTask:
    """Twenty steps, one of which has failed for good, one runs, one waits for its retry."""
    done = {"attempts": 1, "took": 0.8}
    started = NOW - timedelta(minutes=minutes_ago)
    steps = [
        FakeStep("validate", S.COMPLETE, result={"order": 8841, "amount": "129.90"}, started=0.1, **done),
        FakeStep("reserve_stock", S.COMPLETE, ("validate",), result={"reserved": 3}, started=1, **done),
        FakeStep("charge_card", S.ERROR, ("validate",), 3, error=CARD_ERROR, started=70, took=0.6,
                 handler="example.orders.pay",
                 log=(("INFO", "charging 129.90 to ****4242"), ("ERROR", "gateway answered 402"))),
        FakeStep("fraud_check", S.COMPLETE, ("validate",), result={"score": 0.02}, started=1, **done),
        *[FakeStep(f"quote_{name}", S.COMPLETE, ("reserve_stock",), result={"price": 4.9}, started=2, **done)
          for name in ("ups", "dhl", "fedex")],
        *[FakeStep(f"pack_{name}", S.COMPLETE, ("reserve_stock",), started=2, **done) for name in "ab"],
        FakeStep("pack_c", S.IN_PROGRESS, ("reserve_stock",), 1, started=100),
        FakeStep("pack_d", S.WAITING_FOR_RETRY, ("reserve_stock",), 2, started=50, took=2,
                 error={"message": "printer offline"}, next_retry_at=NOW + timedelta(seconds=42)),
        FakeStep("pick_carrier", S.COMPLETE, ("quote_ups", "quote_dhl", "quote_fedex"),
                 result={"carrier": "dhl"}, started=4, **done),
        FakeStep("merge_packs", S.PENDING,
                 ("validate", "charge_card", "fraud_check", "pack_a", "pack_b", "pack_c", "pack_d")),
        FakeStep("label", S.PENDING, ("pick_carrier", "merge_packs")),
        FakeStep("notify_wh", S.PENDING, ("merge_packs",)),
        FakeStep("handoff", S.PENDING, ("label", "notify_wh")),
        FakeStep("email", S.PENDING, ("handoff",)),
        FakeStep("sms", S.PENDING, ("handoff",)),
        FakeStep("audit", S.PENDING, ("handoff", "merge_packs")),
        FakeStep("finish", S.PENDING, ("email", "sms", "audit")),
    ]  # fmt: skip
    return FakeTask(
        uuid_at(started, number),
        "order_fulfillment",
        TaskState.STEPS_IN_PROCESS if number % 2 else TaskState.BLOCKED_BY_FAILURES,
        steps,
        started,
        context={"order": 8841, "customer": "Ada Lovelace", "items": [{"sku": "TEA-01", "quantity": 3}]},
        tags=("vip", "eu"),
    )


def small_task(number: int, state: TaskState, minutes_ago: float, name: str = "linear_workflow") -> FakeTask:
    """Four steps in a row, as far as the state lets them be."""
    done = {TaskState.COMPLETE: 4, TaskState.PENDING: 0}.get(state, 2)
    failed = state in (TaskState.ERROR, TaskState.BLOCKED_BY_FAILURES)
    started = NOW - timedelta(minutes=minutes_ago)
    steps = []
    for i in range(4):
        parents = (f"step_{i}",) if i else ()
        if i < done:
            steps.append(
                FakeStep(f"step_{i + 1}", S.COMPLETE, parents, 1, result={"n": i}, started=i, took=0.9)
            )
        elif i == done and failed:
            steps.append(
                FakeStep(f"step_{i + 1}", S.ERROR, parents, 3, error={"message": "boom"}, started=i, took=0.5)
            )
        elif i == done and state is TaskState.WAITING_FOR_RETRY:
            again = NOW + timedelta(seconds=42)
            steps.append(
                FakeStep(f"step_{i + 1}", S.WAITING_FOR_RETRY, parents, 1, error={"message": "busy"},
                         started=i, took=0.5, next_retry_at=again)
            )  # fmt: skip
        elif i == done and state is TaskState.ENQUEUING_STEPS:
            steps.append(FakeStep(f"step_{i + 1}", S.ENQUEUED, parents))
        else:
            running = i == done and state is TaskState.STEPS_IN_PROCESS
            steps.append(
                FakeStep(f"step_{i + 1}", S.IN_PROGRESS if running else S.PENDING, parents, int(running))
            )
    ended = state in (TaskState.COMPLETE, TaskState.ERROR, TaskState.CANCELLED)
    return FakeTask(
        uuid_at(started, number),
        name,
        state,
        steps,
        started,
        completed_at=started + timedelta(seconds=3.7) if ended else None,
        initiator="cron" if number % 3 else "ana",
    )


STATES = [
    "steps_in_process",
    "complete",
    "complete",
    "blocked_by_failures",
    "waiting_for_retry",
    "complete",
    "cancelled",
    "complete",
    "error",
    "waiting_for_dependencies",
    "complete",
    "resolved_manually",
    "evaluating_results",
    "enqueuing_steps",
    "initializing",
    "pending",
]


def day() -> list[FakeTask]:
    """A list with every kind of task in it."""
    states = [TaskState(word) for word in STATES]
    names = ["linear_workflow", "etl_pipeline", "diamond_workflow", "order_fulfillment", "invoice_batch"]
    tasks = [order_task(2, 2)]
    for i in range(60):
        tasks.append(small_task(100 - i, states[i % len(states)], 4 + 3.5 * i, names[i % len(names)]))
    return tasks


ORDER_SCHEMA = {
    "type": "object",
    "required": ["customer"],
    "properties": {
        "customer": {"type": "string", "title": "Customer", "description": "Who orders", "minLength": 2},
        "items": {"type": "array", "title": "Items", "default": [{"sku": "TEA-01", "quantity": 3}]},
        "payment": {"enum": ["card", "invoice"], "title": "Payment", "default": "card"},
        "delivery": {
            "type": "object",
            "properties": {
                "express": {"type": "boolean", "title": "Express", "default": False},
                "floor": {"type": "integer", "title": "Floor", "minimum": 0, "maximum": 99},
            },
        },
    },
}


def failure_groups(*tasks: FakeTask) -> list[FailureGroup]:
    """Two groups of failures; the newest of each is in the first task."""
    place = {"namespace": "example", "template": "order_fulfillment"}

    def group(signature: str, kind: str, step: str, count: int, message: str, minutes: int) -> FailureGroup:
        return FailureGroup(
            signature=signature, error_type=kind, failed_steps=count, failed_tasks=count,
            first_seen=NOW - timedelta(minutes=60 + minutes), last_seen=NOW - timedelta(minutes=minutes),
            trend=[0, 1, 2, 4, 8, 16, 32, 64, 32, 16, 8, 4],
            places=[FailurePlace(**place, step=step, failed_steps=count)],
            sample=FailureSample(task_uuid=tasks[0].uuid, step_uuid=tasks[0].step_uuid("charge_card"),
                                 step=step, message=message),
        )  # fmt: skip

    return [
        group("TimeoutError: HTTP <n> from <url>", "TimeoutError", "charge_card", 412,
              "HTTP 504 from https://bank.example/charge\nupstream timeout", 1),
        group("KeyError: <text>", "KeyError", "notify_warehouse", 5, "KeyError: 'sku'", 30),
    ]  # fmt: skip


def queues() -> list[Queue]:
    """Two namespaces: one works and lacks a handler, one is paused."""
    nothing = HeldSteps(paused_namespace=0, paused_template=0, paused_task=0, batch_failed=0, batch_limit=0)
    load: dict[str, Any] = {"oldest_seconds": 41.0, "held": nothing, "in_progress": 12, "retrying": 3}

    def handler(name: str, status: Any, workers: int) -> HandlerQueue:
        return HandlerQueue(
            handler=name, status=status, workers=workers, missing_since=None, ready=600, **load
        )  # fmt: skip

    paused = Pause(
        scope=PauseScope.NAMESPACE, namespace="payments", template=None, version=None, task_uuid=None,
        paused_by="ben", reason="bank is down", paused_at=NOW,
    )  # fmt: skip
    held = nothing.model_copy(update={"paused_namespace": 40})
    return [
        Queue(namespace="example", paused=None, workers=2, slots=200, busy=12, ready=1204, **load,
              handlers=[handler("orders.validate", "served", 2), handler("orders.ship", "missing", 0)]),
        Queue(namespace="payments", paused=paused, workers=0, slots=0, busy=0, ready=0, oldest_seconds=None,
              held=held, in_progress=0, retrying=0, handlers=[]),
    ]  # fmt: skip


def runs(*tasks: FakeTask) -> Grid:
    """The tasks as runs of one template with three steps, of which the second failed in the first run."""

    def cell(state: StepState, attempts: int = 1) -> GridCell:
        return GridCell(state=state, steps=1, attempts=attempts, duration_ms=800)

    def run(task: FakeTask, failed: bool) -> GridRun:
        return GridRun(
            task_uuid=task.uuid, state=TaskState.BLOCKED_BY_FAILURES if failed else TaskState.COMPLETE,
            created_at=task.created_at, completed_at=None if failed else NOW, duration_ms=2_400,
            cells=[cell(S.COMPLETE), cell(S.ERROR, 3) if failed else cell(S.COMPLETE), None],
        )  # fmt: skip

    names = ("validate", "charge_card", "refund")
    return Grid(
        namespace="example", template="order_fulfillment", version="1.0.0", calculated_at=NOW,
        columns=[GridColumn(step=name, step_type="standard") for name in names],
        runs=[run(task, number == 0) for number, task in enumerate(tasks)], next_before=None,
    )  # fmt: skip


def difference(first: FakeTask, second: FakeTask) -> TaskDiff:
    """The first came through; of the second the card was declined."""

    def task(one: FakeTask, state: TaskState) -> DiffTask:
        return DiffTask(
            task_uuid=one.uuid, version="1.0.0", revision_id=1, state=state, priority=0, initiator="cron",
            created_at=one.created_at, completed_at=None, duration_ms=2_400, total_steps=3,
        )  # fmt: skip

    def side(state: StepState, message: str | None, attempts: int) -> DiffStep:
        return DiffStep(
            step_uuid=first.step_uuid("charge_card"), state=state, attempts=attempts, duration_ms=800,
            error_type="PaymentError" if message else None, error_message=message,
        )  # fmt: skip

    amount = ValueDiff(path="amount", kind="changed", a="129.90", b="12990", cut=False)
    return TaskDiff(
        namespace="example", template="order_fulfillment", a=task(first, TaskState.COMPLETE),
        b=task(second, TaskState.BLOCKED_BY_FAILURES),
        context=ValueDiffs(differences=[amount], more=0, too_large=False),
        steps=[StepDiff(step="charge_card", a=side(S.COMPLETE, None, 1),
                        b=side(S.ERROR, "CardDeclined: insufficient_funds", 3), differs=["state", "attempts"],
                        result=None)],
        same_steps=2, more_steps=0,
    )  # fmt: skip
