"""Which broker carries the messages of the tests' stacks.

`TASKER_TEST_BROKER=rabbitmq uv run pytest tests/e2e` runs them on RabbitMQ, `split` on a PGMQ in a database
of its own beside the tasks'.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import asyncpg

from tests.support.rabbit import SHARED, on_rabbit

BROKER = "TASKER_TEST_BROKER"


def on_queue_database(url: str) -> dict[str, str]:
    """The variables of processes whose queues are in this database."""
    return {"TASKER_MESSAGING_BACKEND": "pgmq", "PGMQ_DATABASE_URL": url}


async def new_queue_database(dsn: str) -> str:
    """Make an empty database beside one of tasks, for its queues, in place of one that is there; its DSN."""
    parts = urlsplit(dsn)
    name = f"{parts.path[1:]}_queues"
    conn = await asyncpg.connect(parts._replace(path="/postgres").geturl())
    try:
        await conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await conn.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    finally:
        await conn.close()
    return parts._replace(path=f"/{name}").geturl()


async def broker_variables(dsn: str) -> dict[str, str]:
    """The variables of a new stack's processes on a database: a broker that is theirs alone."""
    name = os.environ.get(BROKER, "pgmq")
    assert name in ("pgmq", "rabbitmq", "split"), f"{BROKER} is {name}: set it to pgmq, rabbitmq or split"
    if name == "rabbitmq":
        return on_rabbit(await (await SHARED.get()).new_host())
    return on_queue_database(await new_queue_database(dsn)) if name == "split" else {}
