"""Groups of commands that are built when they are needed: Typer builds every option of all that it knows."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from tasker_tui.cli.target import offer_profiles


def lazy_group(module: str, app: str, help_text: str, *, alone: bool = False) -> typer.Typer:
    """A group whose commands are those of the Typer application `app` of a module that is imported then.

    With `alone` its callback does something without any of them.
    """

    class Group(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            self._load()
            return super().list_commands(ctx)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            self._load()
            return super().get_command(ctx, cmd_name)

        def _load(self) -> None:
            if not self.commands:
                group: Any = typer.main.get_command(getattr(import_module(module), app))
                self.commands = group.commands
                offer_profiles(self)

    return typer.Typer(
        cls=Group,
        help=help_text,
        no_args_is_help=not alone,
        invoke_without_command=alone,
        rich_markup_mode=None,
    )
