"""The screens that show the whole system, by keyboard."""

from __future__ import annotations

from engine.model.states import StepState
from engine.model.wire.events import ResetEvent
from tests.tui.fake_templates import grid_of, template_of
from tests.tui.scenes import day, failure_groups, order_task, queues
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle


def _busy() -> FakeTasker:
    client = FakeTasker(FakeClock(), day())
    client.queues, client.failures = queues(), failure_groups(order_task())
    return client


async def _press(pilot, keys: str) -> str:
    for key in keys.split():
        await pilot.press(key)
        await settle(pilot)
    return screen_text(pilot)


def _marked(shown: str) -> str:
    return next(line for line in shown.splitlines() if "▌" in line)


async def test_the_pulse_says_what_needs_one_and_leads_there():
    async with dashboard(_busy(), (120, 40)) as pilot:
        shown = await _press(pilot, "0")
        assert "no worker has orders.ship" in _marked(shown)
        assert "12/200 slots" in shown
        assert "healthy" in shown
        assert "Queues" in await _press(pilot, "enter")
        assert "Pulse" in await _press(pilot, "escape")
        assert "412 steps failed" in _marked(await _press(pilot, "j"))
        assert "TimeoutError: HTTP" in await _press(pilot, "enter")
        shown = await _press(pilot, "escape G")
        assert "SERVER" in _marked(shown)
        assert "says all there is" in await _press(pilot, "enter")
        assert "Tasks  state:pending" in await _press(pilot, "k enter")


async def test_the_pulse_of_a_system_at_rest_has_nothing_to_tell():
    async with dashboard(FakeTasker(FakeClock()), (100, 30)) as pilot:
        shown = await _press(pilot, "0")
        assert "✓ nothing" in _marked(shown)
        assert "no template is registered yet" in shown


async def test_the_pulse_is_read_again_and_keeps_what_it_shows_when_the_server_goes():
    client = _busy()
    async with dashboard(client, (120, 40)) as pilot:
        await _press(pilot, "0")
        client.failures = []
        pilot.app.screen.on_tick()
        client.announce(order_task())
        await settle(pilot)
        pilot.app.screen.on_tick()
        await settle(pilot)
        shown = screen_text(pilot)
        assert "steps failed:" not in shown
        assert "orders.ship" in shown
        client.drop()
        for _ in range(10):
            pilot.app.screen.on_tick()
        await settle(pilot)
        shown = screen_text(pilot)
        assert "offline" in shown
        assert "orders.ship" in shown


async def test_the_pulse_is_drawn_in_ascii():
    async with dashboard(_busy(), (120, 40), ascii_only=True) as pilot:
        shown = await _press(pilot, "0")
    assert shown.isascii()
    assert "####" in shown


async def test_events_are_told_as_they_happen_and_lead_to_their_steps():
    task, other = order_task(), order_task(2)
    client = FakeTasker(FakeClock(), [task, other])
    async with dashboard(client, (120, 30)) as pilot:
        assert "Nothing has happened" in await _press(pilot, "E")
        client.announce(task)
        client.transition(task, "pack_c", StepState.COMPLETE)
        client.transition(other, "pack_d", StepState.ERROR)
        await settle(pilot)
        shown = screen_text(pilot)
        assert "pack_d" in _marked(shown)
        assert "example/order_fulfillment" in shown
        assert "2 seen" in shown
        assert "There is" not in await _press(pilot, "j")
        shown = await _press(pilot, "enter")
        assert "› pack_c" in shown.splitlines()[-1]
        assert "2 seen" in await _press(pilot, "escape")


async def test_events_are_narrowed_while_one_types():
    task = order_task()
    client = FakeTasker(FakeClock(), [task])
    async with dashboard(client, (120, 30)) as pilot:
        await _press(pilot, "E")
        client.transition(task, "pack_c", StepState.COMPLETE)
        client.transition(task, "pack_d", StepState.ERROR)
        await settle(pilot)
        shown = await _press(pilot, "slash s t a t e colon e r r o r")
        assert "pack_d" in shown
        assert "pack_c" not in shown
        assert "did you mean error?" in await _press(pilot, "r")
        assert "Events  state:error" in await _press(pilot, "backspace enter")
        client.transition(task, "pack_c", StepState.IN_PROGRESS)
        await settle(pilot)
        assert "pack_c" not in screen_text(pilot)
        assert "pack_c" in await _press(pilot, "escape")
        assert "Tasks" in await _press(pilot, "escape")


async def test_events_stand_still_on_demand_and_gaps_are_told():
    task = order_task()
    client = FakeTasker(FakeClock(), [task])
    async with dashboard(client, (120, 30)) as pilot:
        await _press(pilot, "E F")
        client.transition(task, "pack_c", StepState.COMPLETE)
        await settle(pilot)
        shown = screen_text(pilot)
        assert "paused, 1 new" in shown
        assert "pack_c" not in shown
        assert "pack_c" in await _press(pilot, "F")
        client.emit(ResetEvent(reason="the client reads more slowly than changes happen"), "transitions")
        await settle(pilot)
        assert "events are missing here: the client" in _marked(screen_text(pilot))
        assert "no screen has more" in await _press(pilot, "enter")


async def test_workers_tell_what_they_hold_and_the_dead_come_first():
    task = order_task()
    client = FakeTasker(FakeClock(), [task])
    silent = client.workers[1].model_copy(update={"name": "gone", "state": "lost", "stuck": 1})
    client.workers[1] = silent
    async with dashboard(client, (120, 40)) as pilot:
        assert "▸ 1 Queues   2 Workers" in await _press(pilot, "Q")
        shown = await _press(pilot, "2")
        assert "1 Queues   ▸ 2 Workers" in shown
        assert "✗ lost" in _marked(shown)
        assert "holds no step" in shown
        shown = await _press(pilot, "j")
        assert "worker-0" in _marked(shown)
        assert "holds 1 step" in shown
        assert "pack_c" in shown
        assert "pack_c" in _marked(await _press(pilot, "enter"))
        assert "› pack_c" in (await _press(pilot, "enter")).splitlines()[-1]
        assert "▸ 2 Workers" in await _press(pilot, "escape escape")
        assert "This worker holds no step" in await _press(pilot, "g enter")
        assert "▸ 1 Queues" in await _press(pilot, "escape 1")


async def test_without_a_worker_the_list_says_how_to_start_one():
    client = FakeTasker(FakeClock())
    client.workers = []
    async with dashboard(client, (100, 30)) as pilot:
        assert "tasker worker --templates" in await _press(pilot, "Q 2")


async def test_a_template_shows_its_graph_and_how_each_step_does_and_starts_a_task():
    client = FakeTasker(FakeClock(), [order_task(), order_task(2)])
    client.templates = [template_of(order_task())]
    client.grid = grid_of(order_task(), order_task(2))
    async with dashboard(client, (140, 44)) as pilot:
        shown = await _press(pilot, "t")
        assert "100.0 %" in _marked(shown)
        assert "2 tasks in the last 24 hours" in shown
        shown = await _press(pilot, "enter")
        assert "figures of the newest 2 runs" in shown
        row = next(line for line in shown.splitlines() if "orders.ship" in line)
        assert "✗ none has it" in row
        charged = next(line for line in shown.splitlines() if "example.orders.pay" in line)
        assert "2/2" in charged
        assert "1.0s" in charged
        assert "2.0s" in charged
        assert "validate" in _marked(shown)
        assert "validate" not in _marked(await _press(pilot, "tab l"))
        assert "Start order_fulfillment" in await _press(pilot, "s")
        await _press(pilot, "escape")
        assert "Runs of order_fulfillment" in await _press(pilot, "v")


async def test_without_a_template_the_list_says_how_to_register_one():
    async with dashboard(FakeTasker(FakeClock()), (100, 30)) as pilot:
        assert "tasker worker --templates FOLDER" in await _press(pilot, "t")
