"""What no command has to wait for at its start."""

from __future__ import annotations

import gc
import os
import sys
from types import ModuleType


def leave_out_the_httpx_program() -> None:
    """httpx reads the program `httpx` with itself, and click, pygments and much of rich for it: a twentieth
    of the time in which the dashboard starts."""
    program = ModuleType("httpx._main")
    program.main = _no_program  # type: ignore[attr-defined]
    sys.modules.setdefault(program.__name__, program)


def _no_program() -> None:
    raise NotImplementedError("the program `httpx` is not part of tasker")


def leave_out_collections() -> None:
    """Nearly all that a dashboard imports and makes until it has started stays; it collects from then on."""
    gc.disable()


def leave_out_the_plugins_of_pydantic() -> None:
    """To find them, pydantic reads what every installed package says of itself; the dashboard uses none."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
