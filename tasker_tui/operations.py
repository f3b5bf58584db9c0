"""What operators do to tasks, the same from every screen: ask, call, and say what came of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.notifications import SeverityLevel
from textual.screen import Screen

from engine.client import pauses
from engine.model.states import StepState
from engine.model.wire.details import StepDetail
from engine.model.wire.pauses import Pause
from engine.model.wire.requests import CompleteManually, ManualCompletionData, ResetForRetry, Skip
from engine.model.wire.reruns import ForkAnswer, RetryAnswer
from engine.model.wire.tasks import TaskResponse, TemplateDetail, TemplateListResponse, TemplateSummary
from tasker_tui.actions import BY_ID, Focus
from tasker_tui.actions.command_lines import with_options
from tasker_tui.modals.cancel import CancelDialog, CancelRunningDialog
from tasker_tui.modals.pause import PauseDialog
from tasker_tui.modals.pick import PickDialog
from tasker_tui.modals.retry import RetryDialog, RetryTarget
from tasker_tui.pause_targets import PauseTarget
from tasker_tui.services import Services
from tasker_tui.text import near, printable, short_id
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.view_models import StepRow, TaskRow

if TYPE_CHECKING:
    from tasker_tui.modals.by_hand import ByHandAnswer, ByHandTarget


class Operations:
    """Runs on one screen. `changed` is called with the server's answer to an action on a step."""

    def __init__(
        self, screen: Screen[None], services: Services, changed: Callable[[StepDetail], None]
    ) -> None:
        self._screen, self._services, self._changed = screen, services, changed

    def retry(self, task: TaskRow, steps: Sequence[StepRow], all_steps: Sequence[StepRow]) -> None:
        """Ask whether to retry failed steps, and do it."""
        command = _command("task.retry", task, steps[0] if len(steps) == 1 else None)
        waiting = waiting_for(steps, all_steps)
        names = tuple(step.name for step in all_steps if step.uuid in waiting)
        target = RetryTarget(task, tuple(steps), names, command, self._services.clock.now())
        self._screen.app.push_screen(RetryDialog(target), partial(self._retry_confirmed, target))

    def retry_all_of(self, task: TaskRow) -> None:
        """Look the task's failed steps up, then ask whether to retry them."""
        self._look(self._find_failed(task))

    def cancel(self, task: TaskRow) -> None:
        """Ask whether to cancel the task, and do it."""
        command = _command("task.cancel", task)

        def answered(reason: str | None) -> None:
            if reason is not None:
                self._work(self._cancel(task, reason, with_options(command, reason=reason)))

        dialog = CancelRunningDialog if task.running else CancelDialog
        self._screen.app.push_screen(dialog(task, command), answered)

    def rerun(
        self,
        task: TaskRow,
        step: StepRow,
        context: dict[str, Any],
        forked: Callable[[str], object],
        again: Callable[[], object],
    ) -> None:
        """Ask what is to run again, and do it; `context` is the task's.

        A fork is handed to `forked`; else `again` is called.
        """
        from tasker_tui.modals.rerun import RerunDialog, outcome  # its parts would slow the start

        failed = step.state in (StepState.ERROR, StepState.WAITING_FOR_RETRY)

        def answered(answer: RetryAnswer | ForkAnswer | None) -> None:
            if answer is None:
                return
            self._say(outcome(answer))
            if isinstance(answer, ForkAnswer):
                forked(str(answer.task_uuid))
            else:
                again()

        dialog = RerunDialog(self._services, task, step, context, "step" if failed else "downstream")
        self._screen.app.push_screen(dialog, answered)

    def end_by_hand(
        self, task: TaskRow, step: StepRow, all_steps: Sequence[StepRow], *, complete: bool
    ) -> None:
        """Ask for a result and end the step: as complete, else as resolved."""
        from tasker_tui.modals.by_hand import ByHandDialog, ByHandTarget  # its parts would slow the start

        command = _command("task.complete" if complete else "task.resolve", task, step)
        target = ByHandTarget(task, step, complete, len(waiting_for([step], all_steps)), command)

        def answered(answer: ByHandAnswer | None) -> None:
            if answer is not None:
                self._work(self._end_by_hand(target, answer))

        self._screen.app.push_screen(ByHandDialog(target), answered)

    def pause(self, target: PauseTarget, done: Callable[[], object] = lambda: None) -> None:
        """Look whether it is paused, then ask whether to pause it or to let it go on, and call `done`."""
        self._look(self._look_at_pause(target, done))

    def start(self, preferred: str | None, opened: Callable[[TaskResponse], object]) -> None:
        """Choose a template, fill its form in, start the task, and hand it to `opened`."""
        self._look(self._choose_template(preferred, opened))

    def start_of(self, name: str, opened: Callable[[TaskResponse], object]) -> None:
        """Fill in the form of a template: `NAME`, `NAMESPACE/NAME` or `NAMESPACE/NAME/VERSION`."""
        self._look(self._find_template(name, opened))

    def start_like(self, task: TaskRow, opened: Callable[[TaskResponse], object]) -> None:
        """Fill the form of the task's template in with the task's inputs, and start another one."""
        self._look(self._load_inputs(task, opened))

    def _retry_confirmed(self, target: RetryTarget, reason: str | None) -> None:
        if reason is not None:
            self._work(self._retry(target, reason))

    async def _find_failed(self, task: TaskRow) -> None:
        steps = [StepRow.from_answer(step) for step in await self._services.client.list_steps(task.uuid)]
        failed = [step for step in steps if step.state is StepState.ERROR]
        if failed:
            self._ask(self.retry, task, failed, steps)
        else:
            self._say(f"{short_id(task.uuid)} has no failed step any more", "warning")

    async def _retry(self, target: RetryTarget, reason: str) -> None:
        user, services = self._services.user, self._services
        action = ResetForRetry(
            action_type="reset_for_retry", reason=reason or "retried from the dashboard", reset_by=user
        )
        names = [step.name for step in target.steps]
        for done, step in enumerate(target.steps):
            command = with_options(_command("task.retry", target.task, step), reason=reason)
            call = services.client.act_on_step(target.task.uuid, step.uuid, action)
            try:
                answer = await services.commands.run(command, call)
            except CALL_FAILURES as error:
                before = f" ({', '.join(names[:done])} will run again)" if done else ""
                self._say(f"{step.name} was not retried: {explain(error)}{before}", "error")
                return
            self._tell(answer)
        self._say_done(f"{' and '.join(names)} will run again", with_options(target.command, reason=reason))

    async def _end_by_hand(self, target: ByHandTarget, answer: ByHandAnswer) -> None:
        reason, user = answer.reason or "ended by hand from the dashboard", self._services.user
        action: CompleteManually | Skip
        if target.complete:
            data = ManualCompletionData(result=answer.result)
            action = CompleteManually(
                action_type="complete_manually", completion_data=data, reason=reason, completed_by=user
            )
        else:
            action = Skip(action_type="skip", result=answer.result, reason=reason, skipped_by=user)
        given = None if answer.result is None else json.dumps(answer.result, ensure_ascii=False)
        command = with_options(target.command, result=given, reason=answer.reason)
        call = self._services.client.act_on_step(target.task.uuid, target.step.uuid, action)
        self._tell(await self._services.commands.run(command, call))
        word = "complete" if target.complete else "resolved"
        self._say_done(f"{target.step.name} is {word}; its task goes on", command)

    async def _look_at_pause(self, target: PauseTarget, done: Callable[[], object]) -> None:
        known = await self._services.client.send(pauses.list_pauses())
        own = next((pause for pause in known.pauses if target.is_paused_by(pause)), None)
        self._ask(self._ask_about_pause, target, own, done)

    def _ask_about_pause(self, target: PauseTarget, paused: Pause | None, done: Callable[[], object]) -> None:
        command = f"tasker {'resume' if paused else 'pause'} {target.what}"

        def answered(reason: str | None) -> None:
            if reason is not None:
                self._work(self._pause(target, paused is not None, reason, command, done))

        self._screen.app.push_screen(PauseDialog(target, paused, command), answered)

    async def _pause(
        self, target: PauseTarget, resume: bool, reason: str, command: str, done: Callable[[], object]
    ) -> None:
        change, user = pauses.resume if resume else pauses.pause, self._services.user
        call = change(target.address, reason=reason or "by hand from the dashboard", actor=user)
        command = with_options(command, reason=reason)
        await self._services.commands.run(command, self._services.client.send(call))
        self._say_done(f"{target.title} {'goes on' if resume else 'is paused'}", command)
        if self._screen.is_attached:
            self._screen.call_next(done)

    async def _cancel(self, task: TaskRow, reason: str, command: str) -> None:
        services = self._services
        call = services.client.cancel_task(task.uuid, reason or None, cancelled_by=services.user)
        await services.commands.run(command, call)
        self._say_done(f"{short_id(task.uuid)} is cancelled", command)

    async def _choose_template(self, preferred: str | None, opened: Callable[[TaskResponse], object]) -> None:
        known = await self._services.client.list_templates()
        self._ask(self._ask_for_template, known, preferred, opened)

    async def _find_template(self, name: str, opened: Callable[[TaskResponse], object]) -> None:
        known = await self._services.client.list_templates()
        found = [template for template in known.templates if name in _names_of(template)]
        if len(found) == 1:
            await self._load_form(found[0], opened)
        elif found:
            several = known.model_copy(update={"templates": found})
            self._ask(self._ask_for_template, several, None, opened)
        else:
            names = sorted({template.name for template in known.templates})
            hint = near(name, names) if names else "none is registered"
            self._say(f"there is no template {name} — {hint}", "warning")

    def _ask_for_template(
        self, known: TemplateListResponse, preferred: str | None, opened: Callable[[TaskResponse], object]
    ) -> None:
        def chosen(template: TemplateSummary | None) -> None:
            if template is not None:
                self._look(self._load_form(template, opened))

        self._screen.app.push_screen(PickDialog(known.templates, preferred), chosen)

    async def _load_form(self, template: TemplateSummary, opened: Callable[[TaskResponse], object]) -> None:
        detail = await self._services.client.get_template(template.namespace, template.name, template.version)
        self._ask(self._ask_for_inputs, detail, None, opened)

    async def _load_inputs(self, task: TaskRow, opened: Callable[[TaskResponse], object]) -> None:
        client = self._services.client
        like = await client.get_task(task.uuid)
        detail = await client.get_template(like.namespace, like.name, like.version)
        self._ask(self._ask_for_inputs, detail, like, opened)

    def _ask_for_inputs(
        self, detail: TemplateDetail, like: TaskResponse | None, opened: Callable[[TaskResponse], object]
    ) -> None:
        from tasker_tui.modals.start import StartDialog  # its parts would slow the start

        def chosen(task: TaskResponse | None) -> None:
            if task is not None:
                opened(task)

        dialog = StartDialog(self._services, detail, like)
        self._screen.app.push_screen(dialog, chosen)

    def _look(self, call: Awaitable[None]) -> None:
        """Look something up and ask then; what was asked for before is dropped."""
        self._screen.run_worker(self._guarded(call), group="look", exclusive=True)

    def _ask(self, ask: Callable[..., object], *arguments: object) -> None:
        """Ask, unless the operator has gone elsewhere before the answer came."""
        self._screen.call_next(lambda: self._screen.app.screen is self._screen and ask(*arguments))

    def _work(self, call: Awaitable[None]) -> None:
        """Of the app, not of the screen: what was confirmed goes on when the operator goes elsewhere."""
        self._screen.app.run_worker(self._guarded(call), group="operations")

    async def _guarded(self, call: Awaitable[None]) -> None:
        try:
            await call
        except CALL_FAILURES as error:
            self._say(explain(error), "error")

    def _say_done(self, what: str, command: str) -> None:
        self._say(f"{what}\n{printable(self._services.commands.here(command))}")

    def _say(self, text: str, severity: SeverityLevel = "information") -> None:
        self._screen.app.notify(text, severity=severity, markup=False)

    def _tell(self, step: StepDetail) -> None:
        if self._screen.is_attached:
            self._screen.call_next(self._changed, step)


def _command(action_id: str, task: TaskRow, step: StepRow | None = None) -> str:
    return BY_ID[action_id].cli_equivalent(Focus(task=task, step=step)) or ""


def _names_of(template: TemplateSummary) -> set[str]:
    full = f"{template.namespace}/{template.name}"
    return {template.name, full, f"{full}/{template.version}"}


def waiting_for(steps: Sequence[StepRow], all_steps: Sequence[StepRow]) -> set[str]:
    """The uuids of all steps that depend on the given ones, directly or not."""
    found: set[str] = set()
    front = {step.uuid for step in steps}
    while front:
        front = {step.uuid for step in all_steps if front & set(step.parents)} - found
        found |= front
    return found - {step.uuid for step in steps}
