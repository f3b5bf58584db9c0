"""What the bench reads: HTTP heads, and calls in pg_stat_statements."""

import pytest

from tasker_tui.bench.errors import BenchError
from tasker_tui.bench.functions import called_function
from tasker_tui.bench.http import Answer, Connection, content_length, expect


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx: y\r\n\r\n", 12),
        (b"HTTP/1.1 200 OK\r\nContent-Length:7\r\n\r\n", 7),
        (b"HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n", 0),
    ],
)
def test_the_length_of_an_answer(head, length):
    assert content_length(head) == length


def test_a_refusal_is_told_in_the_words_of_the_server():
    body = b'{"error": {"code": "NOT_FOUND", "message": "no template", "hint": "register it"}}'
    with pytest.raises(BenchError, match="404: no template") as caught:
        expect(Answer(404, body), 201)
    assert caught.value.hint == "register it"
    with pytest.raises(BenchError, match="502: <html>"):
        expect(Answer(502, b"<html>"), 201)


@pytest.mark.parametrize("url", ["https://x", "localhost:8080", "http://"])
def test_addresses_that_the_client_cannot_use(url):
    with pytest.raises(BenchError, match="is not an http:// address"):
        Connection(url)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("SELECT * FROM tasker.claim_steps($1, $2)", "claim_steps"),
        ("SELECT tasker.sweep_lanes()", "sweep_lanes"),
        ("SELECT item FROM tasker.create_tasks($1)", "create_tasks"),
        ("SELECT tasker.now()", None),
        ("UPDATE tasker.workers SET x = tasker.heartbeat()", None),
        ("SELECT count(*) FROM tasker.tasks", None),
    ],
)
def test_which_function_a_statement_calls(query, name):
    assert called_function(query) == name
