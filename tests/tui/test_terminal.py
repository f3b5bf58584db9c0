"""The program in a real terminal: it starts, follows the size, ends, and leaves the terminal as it was."""

from __future__ import annotations

import os
import sys
import time

import pexpect
import pytest
from pyte import ByteStream, Screen

NOBODY = "http://127.0.0.1:9"
PATIENCE = 60.0


def surroundings() -> dict[str, str]:
    """The environment without a size: a given one counts for more than the terminal's own."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}


class Terminal:
    """The program `tasker tui` and what it has drawn."""

    def __init__(self, columns: int, lines: int, url: str = NOBODY, **environment: str) -> None:
        self.screen = Screen(columns, lines)
        self.raw = b""
        self._stream = ByteStream(self.screen)
        self.program = pexpect.spawn(
            sys.executable,
            ["-m", "tasker_tui.cli", "tui", "--url", url],
            dimensions=(lines, columns),
            env=surroundings()
            | {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
            | environment,
            timeout=PATIENCE,
        )

    def until(self, shown) -> None:
        """Read until the screen's text fits, or fail."""
        give_up = time.monotonic() + PATIENCE
        while not shown(self.screen.display):
            assert time.monotonic() < give_up, "\n".join(self.screen.display)
            try:
                piece = self.program.read_nonblocking(65536, timeout=0.5)
            except pexpect.TIMEOUT:
                continue
            self.raw += piece
            self._stream.feed(piece)

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        self.program.setwinsize(lines, columns)

    def end(self) -> int:
        """Read the rest; the exit code."""
        self.raw += self.program.read()
        self.program.close()
        return self.program.exitstatus


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl+c"])
def test_it_starts_follows_the_size_and_leaves_the_terminal_as_it_was(key):
    terminal = Terminal(80, 24)
    terminal.until(lambda lines: "offline" in lines[0])
    terminal.until(lambda lines: any("The server cannot be reached" in line for line in lines))
    terminal.resize(100, 30)
    terminal.until(lambda lines: "help" in lines[29] and lines[28].rstrip().endswith("╯"))
    terminal.program.send(key)
    assert terminal.end() == 0
    for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
        assert restored in terminal.raw
    assert b"Traceback" not in terminal.raw


def test_without_colour_no_colour_is_sent():
    terminal = Terminal(80, 24, NO_COLOR="1")
    terminal.until(lambda lines: any("The server cannot be reached" in line for line in lines))
    terminal.program.send("q")
    assert terminal.end() == 0
    for introducer in (b"\x1b[38;", b"\x1b[48;", b";38;", b";48;"):
        assert introducer not in terminal.raw


def test_ascii_only_sends_ascii_only():
    terminal = Terminal(80, 24, TASKER_ASCII="1")
    terminal.until(lambda lines: any("The server cannot be reached" in line for line in lines))
    terminal.program.send("q")
    assert terminal.end() == 0
    assert terminal.raw.isascii()


def test_a_locator_that_leads_nowhere_is_an_error_of_use():
    program = pexpect.spawn(
        sys.executable, ["-m", "tasker_tui.cli", "tui", "queue", "--url", NOBODY], timeout=PATIENCE
    )
    said = program.read().decode()
    program.close()
    assert "leads nowhere; a locator is tasks" in said
    assert "Traceback" not in said
    assert program.exitstatus != 0
