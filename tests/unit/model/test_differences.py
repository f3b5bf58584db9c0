"""Where two JSON values differ: every difference, with a path that leads there."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.differences import compare

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def followed(value, path):
    """The value at a path."""
    for member, index, key in re.findall(r'([A-Za-z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]', path):
        value = value[int(index)] if index else value[json.loads(key) if key else member]
    return value


@given(VALUES, VALUES)
def test_paths_lead_to_what_differs(a, b):
    for one in compare(a, b, 100).differences:
        if one.kind != "added":
            assert followed(a, one.path) == one.a
        if one.kind != "removed":
            assert followed(b, one.path) == one.b


@given(VALUES, VALUES)
def test_there_is_a_difference_where_json_differs(a, b):
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    found = compare(a, b, 1)
    assert (found.differences == [] and found.more == 0) == same
    assert compare(b, a, 1).more == found.more


@pytest.mark.parametrize(("a", "b"), [(True, 1), (0, False), ([True], [1])])
def test_true_is_not_one(a, b):
    assert len(compare(a, b, 5).differences) == 1
