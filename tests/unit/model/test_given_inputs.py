"""What a handler is given: the task's context, and over it what an operator edited of the step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.given_inputs import given_inputs, patched_inputs
from engine.model.merge_patch import merge_patch

CONTEXT = {"order": 7, "address": {"city": "Oslo", "zip": "0150"}, "cursor": "mine"}
SHARE = {"cursor": {"batch_id": "001", "start_cursor": 0, "end_cursor": 9}, "is_no_op": False}


@pytest.mark.parametrize(
    ("own", "patch", "kept"),
    [
        ({}, {"order": 8}, {"order": 8}),
        ({}, {"order": 7}, {}),
        ({"order": 8}, {"order": 7}, {}),
        ({"order": 8}, {"order": None}, {"order": None}),
        ({"order": None}, {"order": 7}, {}),
        ({}, {"order": 7.0}, {"order": 7.0}),
        ({"note": "x"}, {"note": None, "gone": None}, {}),
        ({}, {"address": {"zip": None}}, {"address": {"city": "Oslo"}}),
        ({"address": {"city": "Bergen"}}, {"address": {"zip": "5003"}},
         {"address": {"city": "Bergen", "zip": "5003"}}),
    ],
)  # fmt: skip
def test_a_patch_changes_what_is_given_and_keeps_what_differs(own, patch, kept):
    assert patched_inputs(CONTEXT, own, patch) == kept
    expected = merge_patch(given_inputs(CONTEXT, own), patch)
    assert given_inputs(CONTEXT, kept) == expected


def test_a_batchs_share_hides_nothing_of_the_context_and_is_patched_as_it_was():
    assert given_inputs(CONTEXT, SHARE) == CONTEXT
    shorter = patched_inputs(CONTEXT, SHARE, {"cursor": {"end_cursor": 5}, "order": 8})
    assert shorter == SHARE | {"cursor": SHARE["cursor"] | {"end_cursor": 5}, "order": 8}
    assert given_inputs(CONTEXT, shorter) == CONTEXT | {"order": 8}
    assert patched_inputs(CONTEXT, SHARE, {"cursor": None}) == {"is_no_op": False}
    assert patched_inputs({}, SHARE, {"cursor": {"batch_id": None}})["cursor"] == {
        "start_cursor": 0,
        "end_cursor": 9,
    }


values = st.dictionaries(
    st.sampled_from("abc"), st.none() | st.booleans() | st.dictionaries(st.sampled_from("xy"), st.integers())
)


@given(values, st.lists(values, max_size=3))
def test_patches_one_after_another_are_patches_of_what_is_given(context, patches):
    own, expected = {}, context
    for patch in patches:
        own, expected = patched_inputs(context, own, patch), merge_patch(expected, patch)
        assert given_inputs(context, own) == expected
