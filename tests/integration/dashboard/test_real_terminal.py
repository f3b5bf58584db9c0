"""The program itself, in a real terminal, on a real stack."""

from __future__ import annotations

import asyncio
import json

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


PAGER = """#!/bin/sh
cp "$1" "$PAGED"
echo "this is $(basename "$1")"
read -r line
"""


async def test_a_pager_gets_the_whole_input_and_gives_the_terminal_back(shop: Shop, tmp_path):
    uuid = await shop.start("purchase", order=8841, note="one\n\x1b[2Jtwo", items=list(range(1_000)))
    program, paged = tmp_path / "pager", tmp_path / "paged"
    program.write_text(PAGER)
    program.chmod(0o755)
    environment = {"XDG_STATE_HOME": str(tmp_path), "PAGER": str(program), "PAGED": str(paged)}
    terminal = await asyncio.to_thread(Terminal, 120, 30, shop.url, **environment)

    async def until_shown(text: str) -> None:
        await asyncio.to_thread(terminal.until, lambda lines: any(text in line for line in lines))

    await until_shown("purchase")
    terminal.program.send(f":task {uuid}\r")
    await until_shown(f"purchase {uuid[-8:]}")
    terminal.program.send("o")
    await until_shown(f"this is purchase-{uuid[-8:]}-context")
    context = json.loads(paged.read_text())
    assert (context["order"], len(context["items"])) == (8841, 1_000)
    assert "\x1b" not in paged.read_text()
    terminal.program.send("\r")
    await until_shown("5 context")
    terminal.program.send("q")
    assert await asyncio.to_thread(terminal.end) == 0
