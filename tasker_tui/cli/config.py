"""`tasker config`: where the user's own file is, what it says, and what is wrong with it."""

from __future__ import annotations

import typer

from tasker_tui.cli.console import console, plain
from tasker_tui.cli.errors import FAILED, say_error


def show_config() -> None:
    """Show your own file of profiles, keys and colours, or what is wrong with it."""
    from rich.table import Table

    from tasker_tui.appearance import check_colors, read_themes
    from tasker_tui.keymap import read_keys
    from tasker_tui.user_config import load_user_config

    config = load_user_config()
    out = console()
    out.print(plain(f"{config.file}{'' if config.document else '  (there is none yet)'}"))
    if config.profiles:
        table = Table(box=None, header_style="bold")
        for name in ("profile", "url", "key", "changes"):
            table.add_column(name)
        for profile in config.profiles.values():
            secret = profile.key or profile.token
            table.add_row(
                plain(f"{profile.name}{' *' if profile.name == config.default_profile else ''}"),
                plain(profile.url),
                plain(f"{secret.kind} {'' if secret.kind == 'plain' else secret.value}" if secret else "-"),
                "no" if profile.read_only else "yes",
            )
        out.print(table)
    readers = (read_keys, read_themes, check_colors)
    problems = [problem for reader in readers for problem in config.read(reader, None)[1]]
    for problem in problems:
        say_error(problem)
    if problems:
        raise typer.Exit(FAILED)
