"""`tasker webhook …`: who is called when a task fails or becomes a dead letter, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker_tui.cli.task import LOCAL, ByOption, JsonOption, UrlOption

if TYPE_CHECKING:
    from engine.client.calls import Call
    from engine.model.wire.webhooks import Webhook, WebhookChange, WebhookDelivery

webhook_app = typer.Typer(
    help="Have somebody called when a task fails.", no_args_is_help=True, rich_markup_mode=None
)

WebhookArgument = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The webhook's id.")]
EventOption = Annotated[
    list[str] | None,
    typer.Option("--event", "-e", help="task.failed or dead_letter.created; may be repeated."),
]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why, for the log.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]
SecretOption = Annotated[
    str | None, typer.Option("--secret", help="whsec_ and 24 to 64 bytes as base64.", envvar="WEBHOOK_SECRET")
]

PATIENCE_SECONDS = 15.0
POLL_SECONDS = 0.1


@webhook_app.command("list")
def list_(url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """List the webhooks."""
    from engine.client import webhooks
    from tasker_tui.cli.console import console, print_json

    found = _send(url, webhooks.list_webhooks())
    if as_json:
        print_json(found)
    elif not found.webhooks:
        console().print("no webhooks; `tasker webhook add URL` registers one")
    else:
        _print_webhooks(found.webhooks)


@webhook_app.command()
def add(
    address: Annotated[str, typer.Argument(metavar="URL", help="What to call: https://…")],
    event: EventOption = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Only its tasks.")] = None,
    template: Annotated[str | None, typer.Option("--template", "-t", help="Only its tasks.")] = None,
    description: Annotated[str | None, typer.Option("--description", "-d")] = None,
    secret: SecretOption = None,
    reason: ReasonOption = "registered by hand",
    dry_run: DryRunOption = False,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Register an address. The secret that calls are signed with is shown this once."""
    from engine.client import webhooks

    fields = {"namespace": namespace, "template": template, "description": description, "secret": secret}
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    given |= {"url": address, "events": event or ["dead_letter.created"], "reason": reason, "actor": by}
    call = _checked(lambda: webhooks.add_webhook(**given, dry_run=dry_run))
    _show_change(_send(url, call), "registered", "was registered already", as_json=as_json)


@webhook_app.command()
def update(
    webhook: WebhookArgument,
    address: Annotated[str | None, typer.Option("--address", metavar="URL")] = None,
    event: EventOption = None,
    description: Annotated[str | None, typer.Option("--description", "-d")] = None,
    secret: SecretOption = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off.")] = None,
    reason: ReasonOption = "changed by hand",
    dry_run: DryRunOption = False,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Change a webhook, or switch it on or off."""
    from engine.client import webhooks

    fields: dict[str, Any] = {"url": address, "events": event, "description": description, "secret": secret}
    given = {name: value for name, value in (fields | {"enabled": enabled}).items() if value is not None}
    given |= {"reason": reason, "actor": by, "dry_run": dry_run}
    call = _checked(lambda: webhooks.change_webhook(webhook, **given))
    _show_change(_send(url, call), "changed", "was so already", as_json=as_json)


@webhook_app.command()
def remove(
    webhook: WebhookArgument,
    reason: ReasonOption = "removed by hand",
    dry_run: DryRunOption = False,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Remove a webhook and the log of its calls."""
    from engine.client import webhooks

    call = webhooks.remove_webhook(webhook, actor=by, reason=reason, dry_run=dry_run)
    _show_change(_send(url, call), "removed", "was removed already", as_json=as_json)


@webhook_app.command("test")
def ping(
    webhook: WebhookArgument, by: ByOption = "cli", url: UrlOption = LOCAL, as_json: JsonOption = False
) -> None:
    """Call a webhook with a ping, and show what it answered; fails if the first attempt does."""
    from engine.client import webhooks
    from tasker_tui.cli.console import print_json

    delivery = _send(url, webhooks.ping_webhook(webhook, actor=by)).delivery
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not delivery.log and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        delivery = _send(url, webhooks.get_delivery(webhook, str(delivery.delivery_uuid)))
    if as_json:
        print_json(delivery)
    else:
        _print_deliveries([delivery])
    if delivery.state != "delivered":
        raise typer.Exit(1)


@webhook_app.command()
def deliveries(
    webhook: WebhookArgument,
    state: Annotated[str | None, typer.Option("--state", "-s", help="pending, delivered or failed.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=500)] = 50,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List what a webhook was told, or is to be, the newest first."""
    from engine.client import webhooks
    from tasker_tui.cli.console import console, print_json

    found = _send(url, webhooks.list_deliveries(webhook, state=state, limit=limit))
    if as_json:
        print_json(found)
    elif not found.deliveries:
        console().print(f"it was told nothing yet; `tasker webhook test {webhook}` calls it", markup=False)
    else:
        _print_deliveries(found.deliveries)


@webhook_app.command()
def redeliver(
    webhook: WebhookArgument,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Make a delivery again."""
    from engine.client import webhooks
    from tasker_tui.cli.console import console, print_json

    done = _send(url, webhooks.redeliver(webhook, delivery, actor=by))
    if as_json:
        print_json(done)
    else:
        told = "is made again" if done.changed else "still waits to be made"
        console().print(f"{delivery}: {told}", markup=False)


def _send(url: str, call: Call[Any]) -> Any:
    from tasker_tui.cli.session import converse

    return converse(url, lambda client: client.send(call))


def _checked(make: Any) -> Any:
    """The call; what is wrong about its fields is the command's mistake."""
    from pydantic import ValidationError

    from tasker_tui.cli.errors import USAGE, CommandError

    try:
        return make()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        raise CommandError(f"{where}: {message}", "tasker webhook --help", USAGE) from None


def _show_change(change: WebhookChange, done: str, already: str, *, as_json: bool) -> None:
    from tasker_tui.cli.console import console, print_json

    if as_json:
        print_json(change)
        return
    would = "would be " if change.dry_run else ""
    told = f"{would}{done}" if change.changed else already
    console().print(f"webhook {change.webhook.webhook_uuid}: {told}", markup=False)
    if change.secret:
        console().print(f"secret {change.secret} (it is not shown again)", markup=False)


def _print_webhooks(found: Sequence[Webhook]) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console, plain

    table = Table(box=None, pad_edge=False)
    for column in ("WEBHOOK", "URL", "EVENTS", "ONLY", "STATE", "WAITING"):
        table.add_column(column)
    for one in found:
        only = "/".join(part or "*" for part in (one.namespace, one.template)) if _narrow(one) else "-"
        table.add_row(
            str(one.webhook_uuid), plain(one.url), ", ".join(one.events), plain(only),
            "on" if one.enabled else "off", str(one.pending_deliveries),
        )  # fmt: skip
    console().print(table)


def _narrow(webhook: Webhook) -> bool:
    return webhook.namespace is not None or webhook.template is not None


def _print_deliveries(found: Sequence[WebhookDelivery]) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console, plain

    table = Table(box=None, pad_edge=False)
    for column in ("DELIVERY", "EVENT", "TASK", "STATE", "ATTEMPTS", "LAST ANSWER"):
        table.add_column(column)
    for one in found:
        last = one.log[-1] if one.log else None
        said = "-" if last is None else last.error or f"{last.status} {(last.response or '')[:60]}".strip()
        table.add_row(
            str(one.delivery_uuid),
            one.event,
            str(one.task_uuid or "-"),
            one.state,
            str(one.attempts),
            plain(said),
        )
    console().print(table)
