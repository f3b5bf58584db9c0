"""The history that the bench makes up could have come from real runs."""

import pytest

from tasker_tui.bench.history import revision_of, seed_finished_tasks
from tests.gates.running import connected, register_bench


@pytest.mark.parametrize("template", ["linear_async", "tree_async"])
async def test_seeded_tasks_keep_the_invariants(database, template):
    async with connected(database) as conn:
        revision = await register_bench(conn, template)
        told: list[int] = []
        await seed_finished_tasks(conn, revision, 120, told.append, at_once=50)
        assert told == [50, 100, 120]
        assert await conn.fetchval("SELECT count(*) FROM tasker.tasks WHERE final_state = 'complete'") == 120
    # The fixture asks the database for broken invariants.


async def test_the_revision_of_a_template_that_nobody_registered(database):
    async with connected(database) as conn:
        with pytest.raises(LookupError, match="bench/linear_async"):
            await revision_of(conn, "linear_async")
