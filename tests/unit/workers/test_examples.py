"""The bundled workflows, run in memory: templates validate, handlers exist and compute rightly."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from engine.model.inputs import InputValidator
from engine.model.templates import load_template
from tests.unit.workers.support import make_context
from workers import HandlerDefinition, HandlerRegistry
from workers.examples import TEMPLATES
from workers.invocation import failure_from_exception, resolve, to_result

NAMES = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))


def template_of(name):
    path = TEMPLATES / f"{name}.yaml"
    return load_template(path.read_text("utf-8"), str(path))


@pytest.fixture(scope="module")
def registry():
    made = HandlerRegistry()
    assert made.discover_handlers("workers.examples.handlers") > 0
    assert made.import_errors == []
    return made


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


async def attempt(registry, step, **context):
    handler = resolve(registry, HandlerDefinition.from_dict(step.handler.model_dump()))
    made = make_context(
        step_name=step.name,
        step_config=step.handler.initialization,
        max_retries=step.retry.max_attempts,
        **context,
    )
    if handler.dependencies is not None:
        known = made.dependency_results
        made.dependency_results = {name: known[name] for name in known.keys() & handler.dependencies}
    try:
        returned = handler.call(made)
        result = to_result(await returned if handler.is_async else returned)
    except Exception as error:
        return failure_from_exception(error, handler_version=handler.version)
    if result.result is not None:  # as it comes back from the database
        result.result = json.loads(json.dumps(result.result))
    return result


async def run_workflow(registry, name, **inputs):
    """Run a template's steps in order, each once; what stands below a failure is left out."""
    task, done, outcomes = uuid4(), {}, {}
    steps = list(template_of(name).steps)
    while ready := [
        step for step in steps if step.name not in outcomes and set(step.dependencies) <= done.keys()
    ]:
        for step in ready:
            known = {parent: {"result": result} for parent, result in done.items()}
            outcome = await attempt(
                registry, step, task_uuid=task, input_data=inputs, dependency_results=known
            )
            outcomes[step.name] = outcome
            if outcome.is_success:
                done[step.name] = outcome.result
    return outcomes


def numbers(outcomes):
    return {name: outcome.result["result"] for name, outcome in outcomes.items()}


@pytest.mark.parametrize("name", NAMES)
def test_templates_validate_and_an_empty_context_is_enough(name, registry):
    template = template_of(name)
    assert (template.name, template.namespace_name, template.version) == (name, "example", "1.0.0")
    assert template.identity_strategy == "always_unique"
    assert template.description
    assert all(step.description for step in template.steps)
    for field in template.input_schema["properties"].values():
        assert field.keys() >= {"title", "description", "default"}
    checked = InputValidator(template.input_schema)
    fields = template.input_schema["properties"]
    for context in ({}, {key: field["default"] for key, field in fields.items()}):
        assert checked.errors(context) == []
    for step in template.steps:
        resolve(registry, HandlerDefinition.from_dict(step.handler.model_dump()))


def test_all_workflows_are_there():
    assert NAMES == [
        "approval_workflow",
        "checkpoint_workflow",
        "csv_batch_workflow",
        "diamond_workflow",
        "dominant_batch_workflow",
        "etl_pipeline",
        "exhausted_workflow",
        "flaky_workflow",
        "linear_workflow",
        "mixed_dag_workflow",
        "mixed_failure_workflow",
        "order_events",
        "order_fulfillment",
        "permanent_failure_workflow",
        "timeout_workflow",
        "tree_workflow",
    ]


@pytest.mark.parametrize(("inputs", "n"), [({}, 6), ({"even_number": 10}, 10)])
async def test_linear(registry, inputs, n):
    found = numbers(await run_workflow(registry, "linear_workflow", **inputs))
    assert list(found.values()) == [n**2, n**4, n**8, n**16]


@pytest.mark.parametrize(("inputs", "n"), [({}, 6), ({"even_number": 4}, 4)])
async def test_diamond(registry, inputs, n):
    found = numbers(await run_workflow(registry, "diamond_workflow", **inputs))
    assert found == {
        "diamond_start": n**2,
        "diamond_branch_b": n**4,
        "diamond_branch_c": n**4,
        "diamond_end": n**16,
    }


async def test_tree(registry):
    found = numbers(await run_workflow(registry, "tree_workflow"))
    assert (len(found), found["tree_final"]) == (8, 6**32)


async def test_mixed_dag(registry):
    found = numbers(await run_workflow(registry, "mixed_dag_workflow"))
    assert (len(found), found["dag_finalize"]) == (7, 6**64)


async def test_an_order_is_fulfilled_and_ids_stay_the_same_on_a_second_attempt(registry):
    outcomes = await run_workflow(registry, "order_fulfillment")
    results = {name: outcome.result for name, outcome in outcomes.items()}
    assert results["validate_order"]["total"] == "55.70"
    reservations = results["reserve_inventory"]["reservation_ids"]
    assert set(reservations) == {"TEA-01", "CUP-02"}
    assert all(value.startswith("RES-") for value in reservations.values())
    assert results["process_payment"]["payment_id"].startswith("PAY-")
    assert results["ship_order"]["tracking_id"].startswith("TRK-")
    assert results["ship_order"]["payment_id"] == results["process_payment"]["payment_id"]
    step = next(item for item in template_of("order_fulfillment").steps if item.name == "reserve_inventory")
    known = {"validate_order": {"result": results["validate_order"]}}
    first = await attempt(registry, step, dependency_results=known)
    assert first.result == (await attempt(registry, step, dependency_results=known)).result


@pytest.mark.parametrize(
    ("items", "step", "error_type", "retryable"),
    [
        ([{"sku": "TEA-01", "unit_price": -1}], "validate_order", "validation_error", False),
        ([{"sku": "XXX", "unit_price": 1}], "reserve_inventory", "validation_error", False),
        ([{"sku": "POT-03", "unit_price": 1, "quantity": 9}], "reserve_inventory", "retryable_error", True),
        (
            [{"sku": "POT-03", "unit_price": 4000, "quantity": 2}],
            "process_payment",
            "business_logic_error",
            False,
        ),
    ],
)
async def test_orders_that_cannot_be_fulfilled(registry, items, step, error_type, retryable):
    outcomes = await run_workflow(registry, "order_fulfillment", items=items)
    name, failed = list(outcomes.items())[-1]
    assert (name, failed.error_type, failed.retryable) == (step, error_type, retryable)


async def test_an_order_with_events(registry):
    outcomes = await run_workflow(registry, "order_events", sku="POT-03", quantity=5)
    assert outcomes["validate_order"].result["total"] == "195.00"
    assert outcomes["update_inventory"].result["left"] == 0
    outcomes = await run_workflow(registry, "order_events", sku="CUP-02", quantity=13)
    assert [outcome.is_success for outcome in outcomes.values()] == [True, True, False]
    assert outcomes["update_inventory"].error_code == "SOLD_OUT"


async def test_the_pipeline_reads_and_writes_files(registry, tmp_path):
    outcomes = await run_workflow(registry, "etl_pipeline")
    assert all(outcome.is_success for outcome in outcomes.values())
    results = {name: outcome.result for name, outcome in outcomes.items()}
    assert len(results) == 8
    assert (
        results["extract_sales"]["rows"]
        == results["transform_sales"]["rows"] + results["transform_sales"]["dropped"]
    )
    summary = results["aggregate_metrics"]
    assert sum(summary["revenue_cents_by_region"].values()) == summary["revenue_cents"] > 0
    assert sum(summary["revenue_cents_by_article"].values()) == summary["revenue_cents"]
    assert "Unknown" not in summary["revenue_cents_by_region"]
    report = Path(results["generate_insights"]["file"])
    assert report.is_relative_to(tmp_path)
    assert json.loads(report.read_text())["headline"] == results["generate_insights"]["headline"]  # noqa: ASYNC240
    assert len(list(report.parent.iterdir())) == 8


def step_of(template, name):
    return next(step for step in template_of(template).steps if step.name == name)


async def test_flaky_fails_twice_and_then_succeeds(registry):
    step = step_of("flaky_workflow", "call_service")
    outcomes = [await attempt(registry, step, retry_count=made) for made in range(3)]
    assert [(outcome.is_success, outcome.retryable) for outcome in outcomes[:2]] == [(False, True)] * 2
    assert outcomes[2].result == {"answered": True, "attempts": 3}
    assert step.retry.max_attempts > 3
    eager = await attempt(registry, step, input_data={"fail_times": 0})
    assert eager.is_success


@pytest.mark.parametrize(
    ("template", "step", "retryable"),
    [
        ("permanent_failure_workflow", "charge_account", False),
        ("exhausted_workflow", "call_dead_service", True),
        ("mixed_failure_workflow", "permanent_step", False),
        ("mixed_failure_workflow", "retryable_step", True),
    ],
)
async def test_failures(registry, template, step, retryable):
    failed = await attempt(registry, step_of(template, step))
    assert (failed.is_success, failed.retryable) == (False, retryable)
    assert failed.error_code


async def test_the_sleeper_stops_when_it_is_told_to(registry):
    step = step_of("timeout_workflow", "sleep_too_long")
    assert step.timeout_seconds == 1
    in_time = await attempt(registry, step, input_data={"seconds": 0})
    assert in_time.result == {"slept": True}
    handler = resolve(registry, HandlerDefinition.from_dict(step.handler.model_dump()))
    context = make_context()
    context.cancelled.set("timed out")
    with pytest.raises(Exception, match="the step was taken away: timed out"):
        await handler.call(context)
