"""Budgets (reference tui 9), in processor time: the best of several runs, for the machine is shared.

Run by `.ci/long`: a time is no test of every change.
"""

from __future__ import annotations

import random
import time

from rich.style import Style
from textual.app import App

from tasker_tui.bench.drawing import best_ms, chain, fan, layered
from tasker_tui.dag.layout import lay_out
from tasker_tui.dag.view import DagView
from tasker_tui.states import STEP_MARKS
from tasker_tui.widgets.virtual_table import Column, VirtualTable


def test_five_hundred_steps_are_laid_out_within_sixty_ms():
    for width in (10, 25, 50):
        graph = layered(500, width)
        assert best_ms(lambda graph=graph: lay_out.__wrapped__(graph)) <= 60


def test_a_wide_fan_and_a_long_chain_of_five_hundred_too():
    for graph in (fan(500), chain(500)):
        assert best_ms(lambda graph=graph: lay_out.__wrapped__(graph)) <= 60


class Shown(App[None]):
    def __init__(self, widget) -> None:
        super().__init__()
        self.widget = widget
        self.animation_level = "none"

    def compose(self):
        yield self.widget

    def on_mount(self) -> None:
        self.widget.styles.height = "1fr"


async def test_five_hundred_steps_are_recoloured_within_sixteen_ms():
    graph = layered(500, 25)
    marks = list(STEP_MARKS.values())
    chance = random.Random(3)
    view = DagView(False, str)
    async with Shown(view).run_test(size=(160, 48)) as pilot:
        view.show(lay_out(graph), None, [marks[0]] * 500)
        await pilot.pause()

        def recolour() -> None:
            view.recolour([chance.choice(marks) for _ in range(500)])
            for y in range(48):
                view.render_line(y)

        recolour()
        assert best_ms(recolour) <= 16


class Numbers:
    """A million rows, made when they are asked for."""

    total = 1_000_000

    def row_at(self, index: int) -> int | None:
        return index if 0 <= index < self.total else None

    def index_of(self, key: str) -> int | None:
        return int(key)

    def key_of(self, row: int) -> str:
        return str(row)


def columns(width: int):
    def cell(row: int, width: int, palette) -> list[tuple[str, Style]]:
        return [(f"value {row}", palette.text)]

    return [Column("NAME", 0, cell), *[Column(f"C{i}", 12, cell) for i in range(7)]]


async def test_a_million_rows_scroll_within_the_budget():
    table = VirtualTable(Numbers(), columns)
    async with Shown(table).run_test(size=(160, 48)) as pilot:
        table.focus()
        await pilot.pause()
        begin = time.process_time()
        for _ in range(30):
            await pilot.press("pagedown")
        a_page = (time.process_time() - begin) / 30 * 1000
        assert table.cursor_row == 30 * table.page
        await pilot.press("G")
        await pilot.pause()
        assert table.cursor_row == 999_999
        assert a_page <= 60


async def test_changed_rows_alone_are_painted_again():
    table = VirtualTable(Numbers(), columns)
    async with Shown(table).run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        painted: list[int] = []
        render = table.render_line
        table.render_line = lambda y: painted.append(y) or render(y)
        table.rows_changed({"3", "5", "900000"})
        await pilot.pause()
        assert sorted(set(painted)) == [4, 6]
