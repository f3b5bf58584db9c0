"""How long calls of Tasker's SQL functions take, as pg_stat_statements counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tasker_tui.bench.target import Target

EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"
RESET = "SELECT pg_stat_statements_reset()"
CALL = re.compile(r"\btasker\.([a-z_0-9]+)\(")
_READ = """
SELECT query, calls, total_exec_time, rows
FROM pg_stat_statements
WHERE query ~ 'tasker\\.[a-z_0-9]+\\(' AND toplevel
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class FunctionTime:
    """One SQL function as processes call it: mean execution time of a call, and rows that a call answers."""

    name: str
    calls: int
    mean_ms: float
    rows_per_call: float


async def forget_times(target: Target) -> None:
    """Begin to count anew, for the whole server."""
    async with target.database() as conn:
        await conn.execute(EXTENSION)
        await conn.execute(RESET)


async def function_times(target: Target) -> list[FunctionTime]:
    """All functions called since, the one that took the most time first."""
    async with target.database() as conn:
        rows = await conn.fetch(_READ)
    found = [(called, row) for row in rows if (called := called_function(row["query"]))]
    return [
        FunctionTime(name, row["calls"], row["total_exec_time"] / row["calls"], row["rows"] / row["calls"])
        for name, row in sorted(found, key=lambda one: -one[1]["total_exec_time"])
    ]


def called_function(query: str) -> str | None:
    """The function that a statement calls: the only one of the schema that it names. None for others."""
    names = set(CALL.findall(query)) - {"now", "uuid7", "uuid7_floor"}
    return names.pop() if len(names) == 1 and query.lstrip().upper().startswith("SELECT") else None
