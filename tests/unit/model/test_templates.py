from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.model.templates import (
    TemplateInvalid,
    TemplateProblem,
    content_hash,
    explain,
    for_environment,
    load_template,
    template_from_dict,
)
from tests.unit.model.samples import graphs, has_cycle, step, template, template_data

EVERYTHING = """
name: order_fulfilment
namespace_name: shop
version: 2.1.0-rc.1
description: Everything that a template can say
metadata: {author: Ada, tags: [orders], documentation_url: "https://example.org", created_at: 2026-01-31}
task_handler: {callable: shop.Task, method: run, resolver: custom, initialization: {a: 1}}
system_dependencies: {primary: db, secondary: [mail]}
domain_events:
  - {name: order.created, description: A new order, schema: {type: object}}
input_schema: {type: object, required: [order_id], properties: {order_id: {type: integer}}}
identity_strategy: caller_provided
identity_ttl_seconds: 3600
lifecycle:
  max_duration_minutes: 60
  max_waiting_for_dependencies_minutes: 5
  max_waiting_for_retry_minutes: 6
  max_steps_in_process_minutes: 7
  staleness_action: error
  auto_fail_on_timeout: true
  auto_dlq_on_timeout: false
steps:
  - name: validate
    description: Look at it
    handler: {callable: shop.Validate, initialization: {limits: {low: 1, high: 10}, tags: [a]}}
    system_dependency: db
    timeout_seconds: none
    result_schema: {type: object}
  - name: route
    type: decision
    handler: {callable: shop.Route, method: decide, resolver: custom}
    dependencies: [validate]
    retry: {retryable: false, max_attempts: 1, backoff: fibonacci, backoff_base_ms: 200, max_backoff_ms: 9000}
    publishes_events:
      - name: order.routed
        schema: {type: object}
        condition: always
        delivery_mode: fast
        publisher: shop.Publisher
  - name: cut
    step_type: batchable
    handler: {callable: shop.Cut}
    dependencies: [route]
  - name: work
    type: batch_worker
    handler: {callable: shop.Work}
    dependencies: [cut]
    batch_config:
      {worker_template: work, batch_size: 5, parallelism: 2, cursor_field: no, failure_strategy: isolate}
  - name: collect
    type: deferred_convergence
    handler: {callable: shop.Collect}
    dependencies: [work]
environments:
  test:
    task_handler: {initialization: {a: 2}}
    steps:
      - {name: ALL, timeout_seconds: 5}
      - {name: validate, handler: {initialization: {limits: {high: 3}}}, retry: {max_attempts: 1}}
"""


def problems(text: str) -> list[TemplateProblem]:
    with pytest.raises(TemplateInvalid) as caught:
        load_template(text, "order.yaml")
    return caught.value.problems


def problems_of(*steps: dict, **fields: object) -> list[tuple[str, str, str | None]]:
    with pytest.raises(TemplateInvalid) as caught:
        template(*steps, **fields)
    return [(problem.path, problem.message, problem.hint) for problem in caught.value.problems]


@pytest.mark.scenario(145)
def test_every_field_is_read():
    loaded = load_template(EVERYTHING)
    assert loaded.metadata is not None
    assert loaded.metadata.created_at == "2026-01-31"
    assert loaded.lifecycle.staleness_action == "error"
    assert (loaded.identity_strategy, loaded.identity_ttl_seconds) == ("caller_provided", 3600)
    validate, route, cut, work, collect = loaded.steps
    assert validate.timeout_seconds is None
    assert validate.handler.initialization == {"limits": {"low": 1, "high": 10}, "tags": ["a"]}
    assert (route.handler.method, route.handler.resolver) == ("decide", "custom")
    assert (route.retry.backoff, route.retry.retryable) == ("fibonacci", False)
    assert route.publishes_events[0].condition == "always"
    assert cut.type == "batchable"
    assert work.batch_config is not None
    assert work.batch_config.cursor_field == "no"
    assert collect.dependencies == ["work"]


def test_what_is_left_out_has_the_defaults_of_the_reference():
    loaded = template(step("a"))
    assert (loaded.identity_strategy, loaded.identity_ttl_seconds) == ("strict", None)
    assert loaded.system_dependencies.primary == "default"
    life = loaded.lifecycle
    assert (life.max_waiting_for_dependencies_minutes, life.max_waiting_for_retry_minutes) == (60, 30)
    assert (life.max_steps_in_process_minutes, life.staleness_action) == (30, "dlq")
    only = loaded.steps[0]
    assert (only.type, only.handler.method, only.handler.initialization) == ("standard", "call", {})
    assert (only.retry.retryable, only.retry.max_attempts, only.retry.backoff) == (True, 3, "exponential")
    assert (only.retry.backoff_base_ms, only.retry.max_backoff_ms, only.timeout_seconds) == (1000, 30000, 30)


@pytest.mark.scenario(145)
def test_the_stored_configuration_is_the_same_template():
    loaded = load_template(EVERYTHING)
    again = template_from_dict(loaded.configuration())
    assert again == loaded
    assert content_hash(again) == content_hash(loaded)


@pytest.mark.scenario(145)
def test_the_hash_is_of_the_meaning():
    plain = content_hash(template(step("a")))
    written_out = step("a", type="standard", timeout_seconds=30, retry={"max_attempts": 3})
    assert content_hash(template(written_out, identity_strategy="strict")) == plain
    assert content_hash(template(step("a", timeout_seconds=31))) != plain
    assert content_hash(template(step("a", timeout_seconds="none"))) != plain
    assert content_hash(template(step("a"), description="other")) != plain


def test_all_problems_are_told_at_once_with_their_lines():
    text = """\
name: order
namespace_name: my-shop
version: 1.0
steps:
  - name: load
    handler: {calable: x}
    dependencies: [stroe]
  - name: store
    handler: {callable: x}
    timeout_seconds: 0
    retries: 3
"""
    assert [explain(problem) for problem in problems(text)] == [
        "order.yaml:2: namespace_name: 'my-shop' is not a namespace; use at most 29 letters, digits and "
        "underscores, the first no digit",
        "order.yaml:3: version: input should be a valid string; put it in quotes",
        "order.yaml:6: steps[0].handler.callable: is required",
        "order.yaml:6: steps[0].handler.calable: unknown field 'calable'; did you mean 'callable'?",
        "order.yaml:7: steps[0].dependencies[0]: unknown step 'stroe'; did you mean 'store'?",
        "order.yaml:10: steps[1].timeout_seconds: input should be greater than or equal to 1",
        "order.yaml:11: steps[1].retries: unknown field 'retries'; did you mean 'retry'?",
    ]


@pytest.mark.parametrize(
    ("steps", "path", "words", "hint"),
    [
        ([step("a"), step("a")], "steps[1].name", "defined twice, first as steps[0]", "name of its own"),
        ([step("a", "b")], "steps[0].dependencies[0]", "unknown step 'b'", "the steps are a"),
        ([step("a"), step("b", "a", "a")], "steps[1].dependencies[1]", "listed twice", "once"),
        ([step("a", type="decision")], "steps[0]", "no dependencies", "decides"),
        ([step("a"), step("b", "a", type="batch_worker")], "steps[1]", "no batch_config", "batch_config"),
        ([step("a", type="decison")], "steps[0].type", "should be", "'decision'"),
        ([step("a", timeout_seconds=None)], "steps[0].timeout_seconds", "empty", "`none`"),
        ([step("a", timeout_seconds=1.5)], "steps[0].timeout_seconds", "integer", None),
        ([step("a", retry={"max_attempts": 101})], "steps[0].retry.max_attempts", "less than or equal", None),
        ([step("a", retry={"retryable": "yes"})], "steps[0].retry.retryable", "boolean", "true or false"),
        ([step("a\n")], "steps[0].name", "is not a name", "control characters"),
        ([step("a", handler={})], "steps[0].handler.callable", "is required", None),
        ([step("a", result_schema={"type": "strin"})], "steps[0].result_schema.type", "Schema", "'string'"),
        (
            [step("a", result_schema={"properties": {"x": {"pattern": "("}}})],
            "steps[0].result_schema.properties.x.pattern", "regex", None,
        ),
        ([step("a", result_schema={"$ref": "#/$defs/x"})], "steps[0].result_schema", "does not exist", None),
        ([step("a", result_schema={"$ref": "http://x/"})], "steps[0].result_schema", "own parts", "#/$defs/"),
        (
            [step("a", publishes_events=[{"name": "Order Made", "schema": {}}])],
            "steps[0].publishes_events[0].name", "event name", "order.created",
        ),
        (
            [step("a", publishes_events=[{"name": "a.b"}])],
            "steps[0].publishes_events[0].schema", "required", None,
        ),
        (
            [step("a", handler={"callable": "x", "initialization": {"k": "\0"}})],
            "steps[0].handler.initialization.k", "NUL", "remove",
        ),
        ([], "steps", "at least one step", "add one"),
    ],
)  # fmt: skip
@pytest.mark.scenario(146)
def test_a_wrong_step_is_refused_with_its_place_and_what_to_do(steps, path, words, hint):
    [(found, message, found_hint)] = problems_of(*steps)
    assert found == path
    assert words in message
    assert (found_hint is None) if hint is None else (hint in (found_hint or ""))


@pytest.mark.parametrize(
    ("fields", "path", "hint"),
    [
        ({"namespace_name": "n" * 30}, "namespace_name", "29 letters"),
        ({"namespace_name": "1n"}, "namespace_name", "no digit"),
        ({"version": "1.0"}, "version", "as 1.0.0"),
        ({"version": "01.0.0"}, "version", "as 1.0.0"),
        ({"input_schema": {"type": 5}}, "input_schema.type", "the types are"),
        ({"domain_events": [{"name": "order"}]}, "domain_events[0].name", "dots"),
        (
            {"environments": {"test": {"steps": [{"name": "ALl"}]}}},
            "environments.test.steps[0].name",
            "'ALL'",
        ),
        ({"environments": {"t": {"step": []}}}, "environments.t.step", "'steps'"),
        ({"identity_strategy": "strickt"}, "identity_strategy", "'strict'"),
        ({"lifecycle": {"staleness_action": "dql"}}, "lifecycle.staleness_action", "'dlq'"),
        ({"lifecycles": {}}, "lifecycles", "'lifecycle'"),
    ],
)
@pytest.mark.scenario(146)
def test_a_wrong_template_field_is_refused_with_its_place_and_what_to_do(fields, path, hint):
    [(found, _, found_hint)] = problems_of(step("a"), **fields)
    assert found == path
    assert hint in (found_hint or "")


def test_what_is_not_a_mapping_is_no_template():
    assert problems("- a\n")[0].message == "a template is a mapping"
    assert problems("just text")[0].message == "a template is a mapping"


CYCLE = "the steps wait for each other: "


@pytest.mark.scenario(144)
def test_a_direct_cycle_is_refused_with_its_path():
    [(path, message, hint)] = problems_of(step("a", "b"), step("b", "a"))
    assert path == "steps[0].dependencies"
    assert message == CYCLE + "a → b → a"
    assert hint == "remove one of these dependencies"


@pytest.mark.scenario(144)
def test_an_indirect_cycle_is_refused_with_its_path():
    [(_, message, _)] = problems_of(step("start"), step("a", "start", "c"), step("b", "a"), step("c", "b"))
    assert message == CYCLE + "a → b → c → a"


@pytest.mark.scenario(144)
def test_a_step_that_depends_on_itself_is_refused():
    [(path, message, _)] = problems_of(step("a", "a"))
    assert (path, message) == ("steps[0].dependencies[0]", "step 'a' depends on itself")


@pytest.mark.scenario(144)
def test_a_line_and_a_diamond_are_accepted():
    assert template(step("a"), step("b", "a"), step("c", "b"))
    assert template(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))


def test_cycles_apart_are_all_told():
    found = problems_of(step("a", "b"), step("b", "a"), step("c", "d"), step("d", "c"))
    assert [message for _, message, _ in found] == [CYCLE + "a → b → a", CYCLE + "c → d → c"]


@pytest.mark.scenario(144)
@given(graphs())
def test_exactly_the_cyclic_graphs_are_refused_and_every_told_cycle_exists(graph):
    data = template_data(*(step(name, *parents) for name, parents in graph.items()))
    try:
        template_from_dict(data)
        assert not has_cycle(graph)
    except TemplateInvalid as error:
        assert has_cycle(graph)
        for problem in error.problems:
            path = problem.message.removeprefix(CYCLE).split(" → ")
            assert path[0] == path[-1]
            assert all(before in graph[after] for before, after in pairwise(path))


@pytest.mark.scenario(147)
def test_an_environment_changes_initialization_timeout_and_retry():
    changed = for_environment(load_template(EVERYTHING), "test")
    validate, route = changed.steps[:2]
    assert validate.handler.initialization == {"limits": {"low": 1, "high": 3}, "tags": ["a"]}
    assert (validate.retry.max_attempts, validate.retry.backoff) == (1, "exponential")
    assert [one.timeout_seconds for one in changed.steps] == [5] * 5
    assert route.retry.max_backoff_ms == 9000
    assert changed.task_handler is not None
    assert changed.task_handler.initialization == {"a": 2}


@pytest.mark.scenario(147)
def test_retry_is_replaced_as_a_whole():
    own = {"max_attempts": 9, "backoff": "linear"}
    override = {"test": {"steps": [{"name": "a", "retry": {"max_attempts": 2}}]}}
    retry = for_environment(template(step("a", retry=own), environments=override), "test").steps[0].retry
    assert (retry.max_attempts, retry.backoff) == (2, "exponential")


@pytest.mark.scenario(147)
def test_an_override_that_names_a_step_beats_the_one_for_all():
    steps = [{"name": "a", "timeout_seconds": "none"}, {"name": "ALL", "timeout_seconds": 5}]
    changed = for_environment(template(step("a"), step("b"), environments={"test": {"steps": steps}}), "test")
    assert [one.timeout_seconds for one in changed.steps] == [None, 5]


@pytest.mark.scenario(147)
def test_another_environment_changes_nothing_and_the_template_itself_stays():
    loaded = load_template(EVERYTHING)
    before = content_hash(loaded)
    assert for_environment(loaded, "production") is loaded
    for_environment(loaded, "test")
    assert content_hash(loaded) == before


@given(st.text(max_size=80))
@example("[" * 100_000)
@example("{a: " * 5_000)
@example('{"a": "\ud800"}')
@example("? [a]\n: 1")
@example("%YAML 9.9\n---\na: 1")
def test_any_text_is_a_template_or_a_list_of_problems(text):
    assert problems(text)


@given(st.data())
def test_a_damaged_template_is_read_or_refused_with_lines(data):
    start = data.draw(st.integers(0, len(EVERYTHING)))
    end = data.draw(st.integers(start, min(len(EVERYTHING), start + 20)))
    patch = data.draw(st.text(st.sampled_from("[]{}:,&*!|>'\"\n -#?<xy0\0\x85"), max_size=6))
    try:
        load_template(EVERYTHING[:start] + patch + EVERYTHING[end:], "x.yaml")
    except TemplateInvalid as error:
        assert error.problems  # noqa: PT017
        assert all(problem.line is not None for problem in error.problems)  # noqa: PT017


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    "steps", "steps.0", "steps.0.name", "steps.1.handler", "steps.1.dependencies", "steps.1.dependencies.0",
    "steps.2.type", "steps.1.retry", "steps.0.timeout_seconds", "steps.1.publishes_events",
    "steps.1.publishes_events.0.schema", "steps.3.batch_config", "input_schema", "input_schema.properties",
    "environments", "environments.test", "environments.test.steps",
    "environments.test.steps.1.handler.initialization", "lifecycle", "version", "domain_events.0",
    "metadata.tags",
]  # fmt: skip


@given(st.sampled_from(PLACES), json_values)
def test_any_value_in_any_place_is_read_or_refused(place, value):
    data = load_template(EVERYTHING).configuration()
    *around, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    here = data
    for part in around:
        here = here[part]
    here[last] = value
    try:
        read = template_from_dict(data)
    except TemplateInvalid as error:
        assert all(problem.message for problem in error.problems)  # noqa: PT017
        return
    assert template_from_dict(read.configuration()) == read
