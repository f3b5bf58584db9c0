"""Short texts that are kept in a file, a line each: command lines, saved filters, the theme.

What is kept is a comfort: a file that cannot be read or written keeps nothing and disturbs nobody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path


def read_lines(file: Path) -> list[str]:
    """The lines that were kept, none where there are none."""
    try:
        return [line for line in file.read_text("utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError):
        return []


def write_lines(file: Path, lines: Sequence[str]) -> bool:
    """Keep these lines in place of those before, readable to the user alone; False if that failed."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = file.with_name(f"{file.name}.new")
        fresh.touch(mode=0o600)
        fresh.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        fresh.replace(file)
        return True
    return False


class SavedFilters:
    """Filters by their names. `file` None keeps them for this run."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known: dict[str, str] = {}

    def all(self) -> dict[str, str]:
        """The filters as they are in the file now, by name."""
        if self._file:
            lines = (line.partition(" ") for line in read_lines(self._file))
            self._known = {name: text for name, _, text in lines if text}
        return dict(sorted(self._known.items()))

    def keep(self, name: str, text: str | None) -> bool:
        """Save a filter, with None forget it; False if the file cannot be written."""
        self._known = {known: kept for known, kept in self.all().items() if known != name}
        if text is not None:
            self._known[name] = text
        lines = [f"{known} {kept}" for known, kept in self._known.items()]
        return write_lines(self._file, lines) if self._file else True


class RememberedTheme:
    """The colours that were chosen last. `file` None keeps nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def name(self) -> str | None:
        """The theme, None where none was chosen."""
        lines = read_lines(self._file) if self._file else []
        return lines[0] if lines else None

    def keep(self, name: str) -> None:
        """Remember a choice."""
        if self._file:
            write_lines(self._file, [name])


class History:
    """The command lines, the oldest first. One that is given again moves to the end."""

    KEPT = 500

    def __init__(self, file: Path | None) -> None:
        """`file` None keeps them for this run."""
        self._file = file
        self._lines = read_lines(file)[-self.KEPT :] if file else []

    def add(self, line: str) -> None:
        """Remember a line; those that another dashboard has kept meanwhile stay."""
        kept = read_lines(self._file) if self._file else []
        kept = kept or self._lines
        self._lines = [*(before for before in kept if before != line), line][-self.KEPT :]
        if self._file:
            write_lines(self._file, self._lines)

    def beginning(self, start: str) -> list[str]:
        """Those that begin so, the newest first."""
        return [line for line in reversed(self._lines) if line.startswith(start) and line != start]
