"""The SQL of Tasker's database, found in a checkout and in an installed wheel alike.

`schema/NNNN_name.sql` is applied once, in the order of its number; `functions/name.sql` holds one function
and is applied again whenever its content changes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SCHEMA_NAME = re.compile(r"(\d{4})_[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file: `name` without its suffix, its text, and the checksum that tells whether it changed."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def number(self) -> int:
        """The number that a schema file begins with."""
        return int(self.name[:4])


@cache
def schema_files() -> tuple[SqlFile, ...]:
    """The numbered files, 1, 2, 3, … without a gap; raises ValueError when a name breaks that order."""
    found = _sql_files("schema")
    for expected, file in enumerate(found, start=1):
        if not SCHEMA_NAME.fullmatch(file.name) or file.number != expected:
            raise ValueError(f"migrations/schema/{file.name}.sql should be number {expected:04d}_…")
    return found


@cache
def function_files() -> tuple[SqlFile, ...]:
    """The functions, by name."""
    return _sql_files("functions")


def _sql_files(folder: str) -> tuple[SqlFile, ...]:
    found = (file for file in files(__name__).joinpath(folder).iterdir() if file.name.endswith(".sql"))
    read = (SqlFile(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in found)
    return tuple(sorted(read, key=lambda file: file.name))
