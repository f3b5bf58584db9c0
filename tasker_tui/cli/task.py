"""`tasker task …`."""

from __future__ import annotations

import typer

task_app = typer.Typer(help="Create, show and repair tasks.", no_args_is_help=True, rich_markup_mode=None)
