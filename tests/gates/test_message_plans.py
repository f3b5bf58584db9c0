"""Publishing and settling messages of a broker elsewhere find their rows by index, however many wait."""

from __future__ import annotations

from engine.store.messages import AT_ONCE, find_ready, settle_messages, take_unpublished
from tests.gates.plans import explained, rows_read, scans_of, told, walks_all
from tests.gates.running import connected, create, register_bench

WAITING = 3_000
TABLES = {"ready_steps", "tasks"}


async def test_what_is_published_is_found_by_index(gate_server):
    async with gate_server.new_database() as dsn:
        async with connected(dsn) as conn:
            revision = await register_bench(conn, "linear_async")
            await conn.execute("UPDATE tasker.namespaces SET queue_name = NULL")
            await create(conn, revision, WAITING)
            await conn.execute("ANALYZE")
        async with connected(dsn) as conn, explained(conn) as plans:
            first = await take_unpublished(conn, everything=True)
            second = await take_unpublished(conn, everything=True)
            steps = [one.step_uuid for one in (*first, *second)]
            assert len({*steps}) == 2 * AT_ONCE
            await settle_messages(conn, steps[:50], published=True)
            await settle_messages(conn, steps[50:100], published=False)
            assert len(await find_ready(conn, steps[:50])) == 50
        scans = scans_of(plans, TABLES)
        assert {node["Relation Name"].split("_2")[0] for node in scans} == TABLES
        assert told(node for node in scans if node["Node Type"] == "Seq Scan") == ""
        assert told(node for node in scans if walks_all(node)) == ""
        # The second look passes those of the first, which are sent and not settled yet.
        assert told(node for node in scans if rows_read(node) > 2 * AT_ONCE) == ""
