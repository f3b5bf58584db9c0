"""Plans of the statements inside functions, as auto_explain tells them to the session that calls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from engine.store.pool import Connection

Node = dict[str, Any]

SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Bitmap Index Scan", "Tid Scan"}


@asynccontextmanager
async def explained(conn: Connection) -> AsyncIterator[list[Node]]:
    """The root nodes of all plans that run in the `with` block, those inside functions too."""
    plans: list[Node] = []

    def keep(_conn: object, message: Any) -> None:
        _, found, plan = message.message.partition("plan:\n")
        if found:
            plans.append(json.loads(plan)["Plan"])

    await conn.execute(
        """
        LOAD 'auto_explain';
        SET auto_explain.log_min_duration = 0;
        SET auto_explain.log_nested_statements = on;
        SET auto_explain.log_analyze = on;
        SET auto_explain.log_timing = off;
        SET auto_explain.log_format = json;
        SET auto_explain.log_level = notice;
        """
    )
    conn.add_log_listener(keep)
    try:
        yield plans
    finally:
        conn.remove_log_listener(keep)
        await conn.execute("SET auto_explain.log_min_duration = -1")


def nodes(plan: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans_of(plans: list[Node], tables: set[str]) -> list[Node]:
    """All scans of some tables, or of partitions of theirs (`name_…`)."""
    return [node for plan in plans for node in nodes(plan) if _scans(node, tables)]


def _scans(node: Node, tables: set[str]) -> bool:
    relation = node.get("Relation Name", "")
    return node["Node Type"] in SCANS and any(
        relation == table or relation.startswith(f"{table}_") for table in tables
    )


def walks_all(node: Node) -> bool:
    """Whether a scan looks at rows that no index condition chose."""
    if node["Node Type"] == "Bitmap Heap Scan":
        return all(walks_all(child) for child in node["Plans"])
    return "Index Cond" not in node


def told(nodes: Iterable[Node]) -> str:
    """Scans in a line each, for whoever has to find them in a function; empty for none."""
    return "\n".join(
        f"{node['Node Type']} of {node['Relation Name']} by {node.get('Index Name')}: "
        f"{rows_read(node)} rows in {node['Actual Loops']} loops, "
        f"condition {node.get('Index Cond')}, filter {node.get('Filter')}"
        for node in nodes
    )


def rows_read(node: Node) -> int:
    """How many rows a scan found in all its loops, those that a filter dropped included."""
    dropped = node.get("Rows Removed by Filter") or 0
    return int((node["Actual Rows"] + dropped) * node["Actual Loops"])


def touched_buffers(plan: Node) -> int:
    """Pages that a statement looked at, whether they were in memory or not."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def buffers_of(conn: Connection, call: str, *arguments: object) -> int:
    """Run `SELECT call` and count the pages that it and everything inside it touched."""
    text = await conn.fetchval(
        f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT {call}", *arguments
    )
    return touched_buffers(json.loads(text)[0]["Plan"])
