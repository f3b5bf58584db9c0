"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
TemplatesOption = Annotated[
    list[str] | None, typer.Option("--templates", metavar="DIR", help="Folder of templates; may be repeated.")
]
HandlersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--handlers", metavar="MODULE_OR_DIR", help="Module or folder of handlers; may be repeated."
    ),
]
