"""`tasker task skip` and `tasker task complete`: end a step by hand, so that its task goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker_tui.cli.task import LOCAL, ByOption, DryRunOption, JsonOption, TaskArgument, UrlOption, task_app

if TYPE_CHECKING:
    from engine.client import TaskerClient
    from engine.client.calls import Action
    from engine.model.wire.details import StepDetail

StepArgument = Annotated[str, typer.Argument(metavar="STEP", help="Its name or id.")]
ResultOption = Annotated[
    str | None,
    typer.Option("--result", metavar="JSON", help="What its children get: an object, @FILE, or - for stdin."),
]


@task_app.command()
def skip(
    task: TaskArgument,
    step: StepArgument,
    result: ResultOption = None,
    dry_run: DryRunOption = False,
    reason: Annotated[str, typer.Option("--reason", "-r")] = "skipped by hand",
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Count a step as resolved without running it; its children run."""
    from engine.model.wire.requests import Skip

    given = None if result is None else _object(result)
    action = Skip(action_type="skip", result=given, reason=reason, skipped_by=by, dry_run=dry_run)
    _end(url, task, step, action, as_json)


@task_app.command()
def complete(
    task: TaskArgument,
    step: StepArgument,
    result: ResultOption = None,
    dry_run: DryRunOption = False,
    reason: Annotated[str, typer.Option("--reason", "-r")] = "completed by hand",
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Complete a step with a result that its worker could not give; its children run."""
    from engine.model.wire.requests import CompleteManually, ManualCompletionData

    data = ManualCompletionData(result={} if result is None else _object(result))
    action = CompleteManually(
        action_type="complete_manually", completion_data=data, reason=reason, completed_by=by, dry_run=dry_run
    )
    _end(url, task, step, action, as_json)


def _object(given: str) -> Any:
    from tasker_tui.cli.inputs import read_object

    return read_object("--result", given)


def _end(url: str, task: str, wanted: str, action: Action, as_json: bool) -> None:
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse
    from tasker_tui.cli.task_commands import named_steps

    uuid = read_id(task)

    async def run(client: TaskerClient) -> StepDetail:
        (step,) = named_steps(await client.list_steps(uuid), [wanted])
        return await client.act_on_step(uuid, step.step_uuid, action)

    step = converse(url, run)
    if as_json:
        print_json(step)
    else:
        verb = "would be" if action.dry_run else "is"
        console().print(f"{step.name} {verb} {step.current_state}", markup=False)
