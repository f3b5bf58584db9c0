"""The filter grammar: what is typed is understood or refused with a hint, and can be written back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import TASK_TERMINAL, TaskState
from engine.model.whys import WHY_FILTERS
from tasker_tui.filters import FilterError, TaskFilter, completion, expand, format_filter, parse_filter

WORDS = st.from_regex(r"[a-zA-Z0-9_.\-]{1,12}", fullmatch=True)
PHRASES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
MOMENTS = st.one_of(
    st.integers(1, 10**6).map(lambda s: timedelta(seconds=s)),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
STATES = st.sets(st.sampled_from(TaskState)).map(lambda s: tuple(sorted(s, key=list(TaskState).index)))
FILTERS = st.builds(
    TaskFilter,
    states=STATES,
    why=st.sets(st.sampled_from(WHY_FILTERS), max_size=3).map(
        lambda s: tuple(w for w in WHY_FILTERS if w in s)
    ),
    sig=st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    namespace=st.none() | PHRASES,
    template=st.none() | WORDS,
    tag=st.none() | PHRASES,
    initiator=st.none() | WORDS,
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
    text=st.just("") | PHRASES | st.sampled_from(["!x", "a ~b", "/x/", "@c d"]),
)


@given(FILTERS)
def test_a_written_filter_reads_back_equal(task_filter):
    assert parse_filter(format_filter(task_filter)) == task_filter


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_an_error_in_words(text):
    try:
        understood: object = parse_filter(text)
    except FilterError as error:
        understood = str(error)
    assert isinstance(understood, TaskFilter) or understood


def test_keys_and_free_text_mix():
    found = parse_filter('state:error,waiting ns:billing broken since:2h tag:"end of month" parcel')
    assert found == TaskFilter(
        states=(TaskState.WAITING_FOR_DEPENDENCIES, TaskState.WAITING_FOR_RETRY, TaskState.ERROR),
        namespace="billing",
        tag="end of month",
        since=timedelta(hours=2),
        text="broken parcel",
    )


def test_states_are_left_out_by_asking_for_the_others():
    others = parse_filter("!state:finished parcel")
    assert set(others.states) == set(TaskState) - TASK_TERMINAL
    assert others.text == "parcel"
    assert parse_filter(format_filter(others)) == others
    assert format_filter(parse_filter("!state:complete")) == "!state:complete"


@pytest.mark.parametrize("group", ["failing", "active", "waiting", "open", "finished"])
def test_a_group_of_states_is_written_by_its_name(group):
    assert format_filter(parse_filter(f"state:{group}")) == f"state:{group}"
    assert format_filter(parse_filter("state:error")) == "state:error"


def test_a_saved_filter_stands_where_its_name_does():
    saved = {"night": "tag:nightly since:8h", "failed": "state:failing"}
    assert expand("@failed @night ana@example", saved) == "state:failing tag:nightly since:8h ana@example"
    with pytest.raises(FilterError, match="there is no saved filter @nihgt — did you mean night"):
        expand("@nihgt", saved)
    with pytest.raises(FilterError, match=":save NAME saves one"):
        expand("@night", {})


def test_a_signature_may_hold_whatever_an_error_says():
    signature = 'PaymentError: the "bank said: @night !no'
    found = parse_filter(f"state:open {format_filter(TaskFilter(sig=signature))} parcel")
    assert (found.sig, found.text) == (signature, "parcel")
    assert found.states == tuple(state for state in TaskState if state not in TASK_TERMINAL)
    written = format_filter(found)
    assert expand(written, {}) == written
    assert format_filter(found) == ('state:open sig:"PaymentError: the ""bank said: @night !no" parcel')


def test_failing_means_blocked_and_error():
    assert parse_filter("state:failing").states == (TaskState.BLOCKED_BY_FAILURES, TaskState.ERROR)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stat:error", "did you mean state:?"),
        ("colour:red", "known are state:, why:, sig:, namespace:"),
        ("state:eror", "did you mean error?"),
        ("state:", "needs a value, such as state:failing"),
        ("!parcel", "the server cannot search by !parcel: it finds parts of names"),
        ("~prcl", "leaves out states (!state:complete)"),
        ("/par.*l/", '"/par.*l/" is searched as it is'),
        ("!state:", "leaves out none; !state:complete does"),
        ("!state:eror", "did you mean error?"),
        ("since:yesterday", "write since:2h, since:3d or since:2026-01-31"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(text, message):
    with pytest.raises(FilterError) as refused:
        parse_filter(text)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("st", "state:"),
        ("!", "!state:"),
        ("!state:comp", "!state:complete"),
        ("since:2h @ni", "since:2h @night"),
        ("state:fai", "state:failing"),
        ("since:2h state:error,wai", "since:2h state:error,waiting"),
        ("template:ord", "template:order_fulfillment"),
        ("state:failing", None),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_last_word_is_completed(typed, completed):
    assert (
        completion(typed, {"@": ["night"], "template": ["linear_workflow", "order_fulfillment"]}) == completed
    )
