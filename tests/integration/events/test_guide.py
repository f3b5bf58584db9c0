"""The SQL of the guide on domain events."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from tests.support.doc_guides import Guide

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "domain-events.md"


async def test_the_guides_statements(database: str) -> None:
    conn = await asyncpg.connect(database)
    reading, keeping = [one.text.split(";\n") for one in Guide.read(GUIDE).fences if one.language == "sql"]
    await conn.execute("SELECT tasker.event_queue('Bakery')")
    await conn.execute("SELECT pgmq.send('bakery_domain_events', '{}') FROM generate_series(1, 3)")
    answers = [await conn.fetch(statement) for statement in reading if statement.strip()]
    assert [row["msg_id"] for row in answers[0]] == [1, 2, 3]
    assert [row[0] for answer in answers[1:] for row in answer] == [True, True]
    answers = [await conn.fetch(statement) for statement in keeping if statement.strip()]
    assert answers[2][0]["queue_length"] == 1
    assert answers[3][0][0] == 1
    await conn.close()
