"""What a handler reads from its context (reference python-sdk, meanings; 7.2)."""

import asyncio
import threading

import pytest

from tests.unit.workers.support import make_context, stored
from workers import StepCancelled


def test_inputs_and_configuration():
    context = make_context(input_data={"a": 1, "none": None}, step_config={"limit": 5})
    assert context.get_input("a") == 1
    assert context.get_input("b") is None
    assert context.get_input_or("a", 9) == 1
    assert context.get_input_or("b", 9) == 9
    assert context.get_input_or("none", 9) == 9
    assert context.get_config("limit") == 5
    assert context.get_config("other") is None


def test_results_of_ancestors():
    context = make_context(
        dependency_results={
            "root": stored({"order": {"total": 3, "lines": [1]}}),
            "skipped": {"success": True, "result": None},
            "unread": None,
        }
    )
    assert context.get_dependency_result("root") == {"order": {"total": 3, "lines": [1]}}
    assert context.get_dependency_result("skipped") is None
    assert context.get_dependency_result("unread") is None
    assert context.get_dependency_result("nobody") is None
    assert context.get_dependency_field("root", "order", "total") == 3
    assert context.get_dependency_field("root", "order", "lines", "0") is None
    assert context.get_dependency_field("root", "x", "y") is None
    assert context.get_dependency_field("nobody", "x") is None
    assert context.get_dependency_result_keys() == ["root", "skipped", "unread"]


def test_results_of_all_with_a_prefix_come_by_name():
    context = make_context(
        dependency_results={
            "batch_002": stored({"n": 2}),
            "batch_001": stored({"n": 1}),
            "batch_003": stored(None),
            "other": stored({"n": 9}),
        }
    )
    assert context.get_all_dependency_results("batch_") == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("made", "allowed", "is_retry", "is_last"),
    [(0, 3, False, False), (1, 3, True, False), (2, 3, True, True), (0, 1, False, True), (5, 3, True, True)],
)
def test_attempts(made, allowed, is_retry, is_last):
    context = make_context(retry_count=made, max_retries=allowed)
    assert (context.is_retry(), context.is_last_retry(), context.attempt) == (is_retry, is_last, made + 1)


def test_a_checkpoint_tells_where_to_go_on():
    fresh = make_context()
    assert (fresh.has_checkpoint(), fresh.checkpoint_cursor, fresh.accumulated_results) == (False, None, None)
    assert fresh.checkpoint_items_processed == 0
    resumed = make_context(checkpoint={"cursor": 0, "items_processed": 50, "accumulated_results": {"sum": 3}})
    assert resumed.has_checkpoint()
    assert (resumed.checkpoint_cursor, resumed.checkpoint_items_processed) == (0, 50)
    assert resumed.accumulated_results == {"sum": 3}


def test_defaults_are_not_shared():
    first, second = make_context(), make_context()
    first.input_data["a"] = 1
    assert second.input_data == {}


def test_a_context_has_no_room_for_misspelt_fields():
    with pytest.raises(AttributeError):
        make_context().inputdata = {}


def test_cancellation_reaches_a_thread_that_waits():
    context = make_context()
    woken = []
    thread = threading.Thread(target=lambda: woken.append(context.cancelled.wait(30)))
    thread.start()
    context.cancelled.set("timeout")
    thread.join(30)
    assert woken == [True]
    assert context.cancelled.reason == "timeout"


async def test_cancellation_reaches_a_coroutine_from_another_thread():
    context = make_context()
    waiting = asyncio.create_task(context.wait_cancelled())
    await asyncio.sleep(0)
    threading.Thread(target=context.cancelled.set, args=("lease lost",)).start()
    assert await waiting is True
    assert await context.wait_cancelled() is True
    with pytest.raises(StepCancelled, match="lease lost"):
        context.raise_if_cancelled()


async def test_waiting_ends_without_a_cancellation():
    context = make_context()
    assert await context.wait_cancelled(0) is False
    assert context.cancelled.wait(0) is False
    context.raise_if_cancelled()
    waiting = asyncio.create_task(context.wait_cancelled())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    context.cancelled.set()
    assert context.cancelled.is_set()


def test_the_first_reason_stays():
    context = make_context()
    context.cancelled.set("cancelled by ada")
    context.cancelled.set("timeout")
    assert context.cancelled.reason == "cancelled by ada"


def test_one_flag_for_all_threads_that_ask_at_once():
    context = make_context()
    barrier = threading.Barrier(8)
    flags = []

    def ask():
        barrier.wait(30)
        flags.append(context.cancelled)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(flags) == 8
    assert len({id(flag) for flag in flags}) == 1


def test_a_loop_that_is_gone_does_not_stop_the_others_from_being_woken():
    context = make_context()

    async def left_waiting():
        task = asyncio.ensure_future(context.wait_cancelled())
        await asyncio.sleep(0)
        return task

    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(left_waiting())
    loop.close()
    context.cancelled.set()
    assert context.cancelled.is_set()
    assert not task.done()
    task._log_destroy_pending = False  # it was left on purpose
