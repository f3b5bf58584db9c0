"""Reading server-sent events, however they arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.api.stream.subscription import encode, encode_mark
from engine.client.events import EventParser, read_event
from engine.model.wire.events import ResetEvent

TEXTS = st.text(min_size=1)


@given(st.lists(TEXTS, max_size=5), st.integers(1, 7), st.booleans())
def test_events_are_read_as_they_were_sent_whatever_pieces_they_come_in(reasons, size, crlf):
    sent = b"".join(
        encode(ResetEvent(reason=reason), f"c{n}") + encode_mark(f"m{n}") for n, reason in enumerate(reasons)
    )
    if crlf:
        sent = sent.replace(b"\n", b"\r\n")
    parser, read, ids = EventParser(), [], []
    for start in range(0, len(sent), size):
        for raw in parser.feed(sent[start : start + size]):
            read.append(read_event(raw))
            ids.append(raw.event_id)
    assert read == [ResetEvent(reason=reason) for reason in reasons]
    assert ids == [f"c{n}" for n in range(len(reasons))]
    assert parser.last_event_id == (f"m{len(reasons) - 1}" if reasons else None)


def test_half_an_event_is_forgotten_and_will_be_sent_again():
    parser = EventParser("6")
    assert list(parser.feed(b"event: reset\nid: 7\ndata: {")) == []
    parser.forget()
    assert parser.last_event_id == "6"
    (raw,) = parser.feed(b'event: reset\nid: 8\ndata: {"reason":"x"}\n\n')
    assert read_event(raw) == ResetEvent(reason="x")
    assert parser.last_event_id == "8"


def test_kinds_that_are_not_known_are_passed_over():
    (raw,) = EventParser().feed(b"event: news\ndata: {}\n\n")
    assert read_event(raw) is None
