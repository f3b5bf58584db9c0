"""The program itself, in a real terminal, on a real stack."""

from __future__ import annotations

import asyncio

from tests.integration.dashboard.conftest import Shop
from tests.tui.test_terminal import Terminal


async def test_four_keys_from_a_cold_start_to_a_retried_step(shop: Shop, tmp_path):
    shop.break_down("gateway")
    uuid = await shop.start("purchase", order=8841)
    await shop.until_status([uuid], "blocked_by_failures")
    shop.repair("gateway")
    terminal = await asyncio.to_thread(Terminal, 120, 30, shop.url, XDG_STATE_HOME=str(tmp_path))

    async def until_shown(*texts: str) -> None:
        await asyncio.to_thread(
            terminal.until, lambda lines: all(any(text in line for line in lines) for text in texts)
        )

    await until_shown("live", "blocked")
    terminal.program.send("!")
    await until_shown("Tasks  state:")
    terminal.program.send("r")
    await until_shown("same as   tasker task retry")
    terminal.program.send("\r")
    await shop.until_status([uuid], "complete")
    terminal.program.send("q")
    assert await asyncio.to_thread(terminal.end) == 0
    assert f"tasker task retry {uuid}" in (tmp_path / "tasker" / "commands.log").read_text()
