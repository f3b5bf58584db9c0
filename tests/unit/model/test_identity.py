import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.identity import IdentityKeyRequired, identity_key
from engine.model.payload import dump_json, load_json

keys = st.text("abé", max_size=3)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
contexts = st.dictionaries(keys, values, max_size=5)


def reversed_keys(value):
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(contexts)
def test_the_order_of_keys_does_not_count(context):
    key = identity_key("strict", context)
    assert identity_key("strict", reversed_keys(context)) == key
    assert identity_key("strict", load_json(dump_json(context))) == key
    assert len(key or b"") == 32


def spelling(value):
    """Equal for equal JSON whatever the order of keys."""
    if isinstance(value, dict):
        return [(key, spelling(value[key])) for key in sorted(value)]
    return [spelling(item) for item in value] if isinstance(value, list) else repr(value)


@given(contexts, contexts)
def test_different_contexts_have_different_keys(one, other):
    same = spelling(one) == spelling(other)
    assert (identity_key("strict", one) == identity_key("strict", other)) == same


def test_numbers_are_told_apart_as_json_spells_them():
    spelt = ["1", "1.0", "true", '"1"', "2", "10e-1"]
    assert len({identity_key("strict", {"n": load_json(text)}) for text in spelt}) == 5  # 10e-1 is 1.0


@pytest.mark.parametrize("strategy", ["strict", "caller_provided", "always_unique"])
def test_an_idempotency_key_overrides_every_strategy(strategy):
    key = identity_key(strategy, {"a": 1}, "k")
    assert key is not None
    assert identity_key(strategy, {"a": 2}, "k") == key
    assert identity_key(strategy, {"a": 1}, "other") != key


def test_a_key_is_never_a_context():
    assert identity_key("strict", {}, "{}") != identity_key("strict", {})


def test_always_unique_has_no_key():
    assert identity_key("always_unique", {"a": 1}) is None


def test_caller_provided_needs_a_key():
    with pytest.raises(IdentityKeyRequired, match="idempotency_key"):
        identity_key("caller_provided", {"a": 1})
