"""What is kept of what handlers print and log."""

from __future__ import annotations

import asyncio
import logging
import sys

import asyncpg
import pytest

from tests.unit.workers.support import STEP, TASK
from workers.runtime.capture import KEPT_BYTES, MAX_LINE, LogBuffer, Origin, StepLogHandler, current_log
from workers.runtime.log_writer import LogWriter


def buffer() -> LogBuffer:
    return LogBuffer(Origin(TASK, STEP, 1, 1), lambda _: None)


def printed(*texts: str) -> list[str]:
    output = buffer()
    for text in texts:
        output.print(text)
    output.ended = True
    return [line.message for line in output.take()]


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        (["one\ntwo\n"], ["one", "two"]),
        (["o", "ne", "\n", "two"], ["one", "two"]),
        (["\n\n"], ["", ""]),
        (["windows\r\nlines\r", "\n"], ["windows", "lines"]),
        (["10 %\r", "20 %\r", "done\n", "next\n"], ["done", "next"]),
        (["\r10 %", "\r20 %"], ["20 %"]),
        (["10 %\r20 %\r"], ["20 %"]),
        (["20 %\r", "", "\r", "30 %\r"], ["30 %"]),
        (["x" * (2 * MAX_LINE), "\r", "short\n"], ["short"]),
        (["x" * (2 * MAX_LINE), "more\n"], ["x" * MAX_LINE]),
    ],
)
def test_lines(texts: list[str], lines: list[str]) -> None:
    assert printed(*texts) == lines


def test_a_line_without_an_end_is_not_kept_whole() -> None:
    output = buffer()
    for _ in range(100):
        output.print("x" * MAX_LINE)
    assert sys.getsizeof(output._partial) < KEPT_BYTES


def test_a_record_that_cannot_be_formatted_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    token = current_log.set(buffer())
    StepLogHandler().handle(logging.LogRecord("mine", logging.INFO, __file__, 1, "%d pieces", ("no",), None))
    current_log.reset(token)
    assert "Message: '%d pieces'" in capsys.readouterr().err


async def test_the_names_of_loggers_are_fit_for_the_database(database: str) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
        writer, output = LogWriter(pool), buffer()
        output.add("INFO", "half \ud800 and \0", "said")
        writer.ended(output)
        await writer.flush()
        assert await pool.fetchval("SELECT logger FROM tasker.step_logs") == "half \\ud800 and \\0"


async def test_lines_that_cannot_be_stored_do_not_end_the_writer(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
        writer = LogWriter(pool)
        odd, plain = buffer(), buffer()
        odd.add("\ud800", None, "its level can't be written")
        writer.ended(odd)
        await writer.flush()
        assert "1 log lines of steps are lost" in caplog.text
        plain.add("INFO", None, "said")
        writer.ended(plain)
        await writer.flush()
        assert await pool.fetchval("SELECT count(*) FROM tasker.step_logs") == 1


async def test_lines_that_were_being_written_when_the_writer_ended_are_written_with_the_last(
    database: str,
) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
        writer, output = LogWriter(pool), buffer()
        async with pool.acquire():
            output.add("INFO", None, "said before the end")
            writer.ended(output)
            writing = asyncio.create_task(writer.flush())
            await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
        await writer.flush()
        assert await pool.fetchval("SELECT message FROM tasker.step_logs") == "said before the end"


async def test_a_line_that_is_printed_as_the_writer_begins_comes_with_its_next_round(database: str) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
        writer = LogWriter(pool)
        output = LogBuffer(Origin(TASK, STEP, 1, 1), writer.changed)
        output.add("INFO", None, "said while it runs")
        await writer.flush()  # the loop has not heard of the line yet
        await asyncio.sleep(0)
        await writer.flush()
        assert await pool.fetchval("SELECT message FROM tasker.step_logs") == "said while it runs"
