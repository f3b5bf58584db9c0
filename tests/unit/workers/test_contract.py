"""Names, parameters and defaults of the handler API against those of the reference (`sdk_contract.txt`)."""

import dataclasses
import enum
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import workers

CONTRACT = Path(__file__).with_name("sdk_contract.txt").read_text("utf-8").splitlines()


def entries() -> Iterator[tuple[str, str]]:
    """Each line with the class that it stands under: ("StepHandler", "method call(context)")."""
    owner = ""
    for line in CONTRACT:
        if line.startswith("  "):
            yield owner, line.strip()
        else:
            kind, _, rest = line.partition(" ")
            owner = rest.partition("(")[0] if kind == "class" else ""
            yield owner, line


def parameters_of(function: object) -> str:
    described = []
    for parameter in inspect.signature(function).parameters.values():
        mark = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = parameter.default
        if default is parameter.empty:
            shown = ""
        elif isinstance(default, enum.Enum):
            shown = f"={type(default).__name__}.{default.name}"
        else:
            shown = f"={default!r}"
        keyword = parameter.kind is parameter.KEYWORD_ONLY and "*" not in described
        described += ["*"] if keyword and not any(item.startswith("*") for item in described) else []
        described.append(f"{mark}{parameter.name}{shown}")
    return ", ".join(item for item in described if item not in ("self", "cls"))


def test_the_contract_is_read_as_a_whole():
    kinds = [entry.split()[0] for _, entry in entries()]
    assert len(kinds) == len(CONTRACT)
    assert {kind: kinds.count(kind) for kind in ("class", "function")} == {"class": 52, "function": 10}


@pytest.mark.parametrize(("owner", "entry"), list(entries()))
def test_name_parameters_and_defaults(owner, entry):
    kind, _, rest = entry.removeprefix("classmethod ").partition(" ")
    name, _, arguments = rest.partition("(")
    if kind == "class":
        bases = [base for base in arguments.rstrip(")").split(", ") if base not in ("", "BaseResolver")]
        found = getattr(workers, name)
        assert [base for base in bases if base not in {item.__name__ for item in found.__mro__}] == []
    elif kind == "function":
        assert parameters_of(getattr(workers, name)) == arguments.removesuffix(")")
    elif kind == "method":
        check_method(getattr(workers, owner), name, arguments.removesuffix(")"), entry)
    elif kind == "property":
        assert_has(getattr(workers, owner), rest)
    else:
        check_attribute(getattr(workers, owner), rest)


def check_method(owner: type, name: str, arguments: str, entry: str) -> None:
    declared = inspect.getattr_static(owner, name)
    if entry.startswith("classmethod "):
        assert isinstance(declared, classmethod)
    if name == "__init__" and owner.__init__ is object.__init__:
        assert arguments == ""
    else:
        assert parameters_of(getattr(owner, name)) == arguments


def assert_has(owner: type, name: str) -> None:
    assert hasattr(owner, name) or name in {field.name for field in dataclasses.fields(owner)}


def check_attribute(owner: type, rest: str) -> None:
    name, _, default = rest.partition(" = ")
    if not dataclasses.is_dataclass(owner):
        value = getattr(owner, name)
        if default:
            assert repr(getattr(value, "value", value)) == default
        return
    field = next(item for item in dataclasses.fields(owner) if item.name == name)
    made = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    if default:
        assert repr(made) == default
    else:
        assert made is dataclasses.MISSING


def test_the_names_for_type_checkers_are_those_that_can_be_imported():
    source = Path(workers.__file__).read_text("utf-8")
    typed = re.findall(r"^    from (\S+) import (\w+) as (\w+)$", source, re.M)
    assert {name: module for module, name, _ in typed} == workers._MODULES
    assert all(name == alias for _, name, alias in typed)
    for name in workers.__all__:
        assert getattr(workers, name) is not None


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'StepHandlr'"):
        workers.StepHandlr  # noqa: B018


def test_a_handler_pulls_in_nothing_heavy():
    program = """
import sys
from workers import PermanentError, StepHandler, StepHandlerResult, depends_on, inputs, step_handler

@step_handler("h")
@depends_on(cart="validate")
@inputs("method")
def handle(cart, method):
    return {}

class H(StepHandler):
    handler_name = "g"

from workers import Batchable, DecisionMixin, HandlerRegistry, APIMixin
from workers.invocation import HandlerDefinition, resolve
registry = HandlerRegistry()
registry.register("h", handle)
resolve(registry, HandlerDefinition("h"))
heavy = {"asyncpg", "aio_pika", "fastapi", "textual", "httpx", "pydantic", "yaml", "asyncio", "engine"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
