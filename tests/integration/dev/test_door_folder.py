"""The stack's door for somebody who is not root."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from typing import Any

from tasker_tui.dev.control import Control

NOBODY = 65534


def _open(answers: Any) -> None:
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    os.environ.pop("XDG_RUNTIME_DIR", None)

    async def opened() -> bool:
        control = Control(None)  # type: ignore[arg-type]
        try:
            return await control.open(os.getpid())
        finally:
            control.close()

    answers.put(asyncio.run(opened()))


def test_it_opens_for_an_account_without_privileges():
    fork = multiprocessing.get_context("fork")
    answers = fork.SimpleQueue()
    process = fork.Process(target=_open, args=(answers,))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert answers.get() is True
