"""Registering what packages, folders and files hold (reference python-sdk, `discover_handlers`)."""

import os
import sys
import textwrap

import pytest

from tests.unit.workers.support import make_context
from workers import HandlerDefinition, HandlerRegistry, StepHandler, step_handler
from workers.invocation import resolve


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def answer(name, value):
    return f"""
        from workers import step_handler

        @step_handler("{name}")
        def handler():
            return {{"value": {value!r}}}
    """


ORDERS = """
    from workers import StepHandler, step_handler

    class BaseOrder(StepHandler):
        def lookup(self, number):
            return number

    class ChargeHandler(BaseOrder):
        handler_name = "charge"
        def call(self, context):
            return {"charged": self.lookup(7)}

    class Unnamed(BaseOrder):
        async def call(self, context):
            return {}

    @step_handler("ship")
    async def ship():
        return {"shipped": True}
"""


@pytest.fixture
def registry():
    made = HandlerRegistry()
    yield made
    for source in list(made._sources):
        made.unload(source)


def called(registry, name):
    return resolve(registry, HandlerDefinition(name)).call(make_context())


def test_a_folder(tmp_path, registry):
    write(tmp_path, {"orders.py": ORDERS, "deep/er/more.py": answer("deep", 1)})
    assert registry.discover_handlers(str(tmp_path)) == 4
    assert registry.import_errors == []
    assert registry.list_handlers() == ["Unnamed", "charge", "deep", "ship"]
    assert registry.handler_count() == 4
    assert set(registry.resolver_chain.registered_callables()) == {
        *registry.list_handlers(),
        *("orders.ChargeHandler", "orders.Unnamed", "orders.ship", "deep.er.more.handler"),
    }
    assert called(registry, "charge") == called(registry, "orders.ChargeHandler") == {"charged": 7}
    assert registry.is_registered("orders.ChargeHandler")
    assert not registry.is_registered("orders.BaseOrder")
    assert registry.get_handler_class("charge").__name__ == "ChargeHandler"


def test_a_single_file(tmp_path, registry):
    write(tmp_path, {"one.py": answer("one", 1), "two.py": answer("two", 2)})
    assert registry.discover_handlers(str(tmp_path / "one.py")) == 1
    assert registry.list_handlers() == ["one"]


def test_a_folder_that_is_a_package_with_relative_imports(tmp_path, registry):
    files = {
        "__init__.py": answer("in_init", 1),
        "prices.py": "VAT = 19\n",
        "shop/__init__.py": "",
        "shop/orders.py": """
            from workers import step_handler
            from ..prices import VAT

            @step_handler("tax")
            def tax():
                return {"vat": VAT}
        """,
    }
    assert registry.discover_handlers(str(write(tmp_path, files))) == 2
    assert called(registry, "tax") == {"vat": 19}


def test_two_folders_with_modules_of_the_same_name(tmp_path, registry):
    for number, folder in enumerate(("a/handlers", "b/handlers")):
        write(tmp_path / folder, {"jobs.py": answer(f"job_{number}", number)})
        assert registry.discover_handlers(str(tmp_path / folder)) == 1
    assert called(registry, "job_0") == {"value": 0}
    assert called(registry, "job_1") == {"value": 1}


def test_an_edit_is_seen_when_it_is_discovered_again(tmp_path, registry):
    path = write(tmp_path, {"jobs.py": answer("job", 1)}) / "jobs.py"
    registry.discover_handlers(str(tmp_path))
    assert called(registry, "job") == {"value": 1}
    before = path.stat()
    write(tmp_path, {"jobs.py": answer("job", 2)})  # as long as before, and at the same time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert registry.discover_handlers(str(tmp_path)) == 1
    assert called(registry, "job") == {"value": 2}
    write(tmp_path, {"jobs.py": answer("renamed", 3)})
    registry.discover_handlers(str(tmp_path))
    assert registry.list_handlers() == ["renamed"]
    assert registry.resolve("job") is None


def test_an_edit_of_what_a_handler_imports_is_seen_too(tmp_path, registry):
    uses = """
        from workers import step_handler
        from .prices import VAT

        @step_handler("tax")
        def tax():
            return {"vat": VAT}
    """
    write(tmp_path, {"jobs.py": uses, "prices.py": "VAT = 16\n"})
    registry.discover_handlers(str(tmp_path))
    write(tmp_path, {"prices.py": "VAT = 19\n"})
    registry.discover_handlers(str(tmp_path))
    assert called(registry, "tax") == {"vat": 19}


def test_a_package_by_its_dotted_name(tmp_path, registry, monkeypatch):
    files = {
        "shop_handlers/__init__.py": "",
        "shop_handlers/orders.py": ORDERS,
        "shop_handlers/sub/__init__.py": "",
        "shop_handlers/sub/jobs.py": answer("job", 1),
        "shop_handlers/__main__.py": "raise RuntimeError('not to be run')",
    }
    write(tmp_path, files)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert registry.discover_handlers("shop_handlers") == 4
    assert registry.import_errors == []
    assert registry.is_registered("shop_handlers.orders.ChargeHandler")
    assert called(registry, "shop_handlers.sub.jobs.handler") == {"value": 1}
    assert registry.discover_handlers("shop_handlers.sub") == 0  # they are the first source's
    write(tmp_path, {"shop_handlers/sub/jobs.py": answer("job", 1000)})
    assert registry.discover_handlers("shop_handlers") == 4
    assert called(registry, "job") == {"value": 1}
    assert registry.unload("shop_handlers") == 4
    assert registry.list_handlers() == []
    assert not any(name.startswith("shop_handlers") for name in sys.modules)
    registry.unload("shop_handlers.sub")
    assert registry.discover_handlers("shop_handlers") == 4
    assert called(registry, "job") == {"value": 1000}


def test_a_module_that_fails_is_told_with_file_and_line_and_stops_nobody(tmp_path, registry):
    files = {
        "a_syntax.py": "x = 1\ndef broken(:\n",
        "b_raises.py": "import math\n\nmath.sqrt(-1)\n",
        "c_missing.py": "\nimport no_such_library_here\n",
        "d_sibling.py": "from prices import VAT\n",
        "e_exits.py": "raise SystemExit(2)\n",
        "f_declares.py": """
            from workers import step_handler

            @step_handler("x")
            def handler(cart):
                return {}
        """,
        "g_through_library.py": "import json\njson.loads('{')\n",
        "good.py": answer("good", 1),
        "prices.py": "VAT = 19\n",
    }
    write(tmp_path, files)
    assert registry.discover_handlers(str(tmp_path)) == 1
    found = {os.path.basename(error.file): error for error in registry.import_errors}
    assert {name: error.line for name, error in found.items()} == {
        "a_syntax.py": 2,
        "b_raises.py": 3,
        "c_missing.py": 2,
        "d_sibling.py": 1,
        "e_exits.py": 1,
        "f_declares.py": 4,
        "g_through_library.py": 2,
    }
    assert str(found["b_raises.py"]) == f"{tmp_path / 'b_raises.py'}:3: ValueError: math domain error"
    assert "from .prices import ..." in found["d_sibling.py"].reason
    assert "no_such_library_here" in found["c_missing.py"].reason
    assert "nothing fills the argument 'cart'" in found["f_declares.py"].reason
    assert {error.source for error in found.values()} == {str(tmp_path)}
    write(tmp_path, dict.fromkeys(files, ""))
    registry.discover_handlers(str(tmp_path))
    assert registry.import_errors == []


@pytest.mark.parametrize(
    "source", ["no_such_package_here", "no_such_package_here.handlers", "./no/such/dir", "x.py"]
)
def test_a_source_that_is_not_there(registry, source):
    assert registry.discover_handlers(source) == 0
    (error,) = registry.import_errors
    assert error.source == source
    assert "no such folder or file" in error.reason or "check the name and PYTHONPATH" in error.reason


def test_a_name_that_is_taken_stays_with_the_first(tmp_path, registry):
    write(tmp_path, {"a.py": answer("job", 1), "b.py": answer("job", 2)})
    assert registry.discover_handlers(str(tmp_path)) == 1
    assert called(registry, "job") == {"value": 1}
    (error,) = registry.import_errors
    assert error.file == str(tmp_path / "b.py")
    assert error.line == 4
    assert "'job' is taken by" in error.reason
    assert f"{tmp_path / 'a.py'}:4" in error.reason


def test_a_class_path_that_two_folders_share_is_told(tmp_path, registry):
    for folder in ("a", "b"):
        write(tmp_path / folder, {"jobs.py": answer(f"job_{folder}", folder)})
        registry.discover_handlers(str(tmp_path / folder))
    assert registry.list_handlers() == ["job_a", "job_b"]
    assert called(registry, "jobs.handler") == {"value": "a"}
    (error,) = registry.import_errors
    assert error.source == str(tmp_path / "b")
    assert "the class path 'jobs.handler' is taken by" in error.reason


def test_what_is_not_looked_into(tmp_path, registry):
    write(
        tmp_path,
        {
            "good.py": answer("good", 1),
            "test_good.py": answer("a", 1),
            "conftest.py": answer("b", 1),
            ".hidden/c.py": answer("c", 1),
            "env/lib/d.py": answer("d", 1),
            "env/pyvenv.cfg": "",
            "node_modules/e.py": answer("e", 1),
            "notes.txt": "",
        },
    )
    assert registry.discover_handlers(str(tmp_path)) == 1


def test_only_what_a_module_defines_itself_is_registered(tmp_path, registry):
    write(
        tmp_path,
        {
            "a.py": ORDERS,
            "b.py": "from .a import ChargeHandler, ship\nfrom workers import StepHandler\n",
        },
    )
    assert registry.discover_handlers(str(tmp_path)) == 3
    assert registry.import_errors == []
    assert not registry.is_registered("b.ChargeHandler")


def test_a_base_class_narrows_what_is_registered(tmp_path, registry):
    class Wanted(StepHandler):
        pass

    sys.modules["wanted_base"] = type(sys)("wanted_base")
    sys.modules["wanted_base"].Wanted = Wanted
    try:
        text = """
            from wanted_base import Wanted
            class Mine(Wanted):
                handler_name = "mine"
                def call(self, context):
                    return {}
        """
        write(tmp_path, {"a.py": ORDERS, "b.py": text})
        assert registry.discover_handlers(str(tmp_path), base_class=Wanted) == 1
        assert registry.list_handlers() == ["mine"]
    finally:
        del sys.modules["wanted_base"]


def test_registering_by_hand(caplog):
    registry = HandlerRegistry()

    class First(StepHandler):
        def call(self, context):
            return {}

    @step_handler("second")
    def second():
        return {"second": True}

    registry.register("name", First)
    registry.register("name", First)
    assert caplog.text == ""
    registry.register("name", second)
    assert "First" in caplog.text
    assert registry.resolve("name").call(make_context()) == {"second": True}
    assert registry.resolve({"callable": "name", "method": "call"}).name == "second"
    assert registry.unregister("name")
    assert not registry.unregister("name")
    registry.register("other", First)
    registry.clear()
    assert (registry.handler_count(), registry.resolve("other")) == (0, None)


def test_the_registry_of_the_process(tmp_path, monkeypatch):
    write(
        tmp_path, {"handlers/jobs.py": answer("job", 1), "templates/a.yaml": TEMPLATE, "templates/b.yml": "["}
    )
    monkeypatch.setenv("PYTHON_HANDLER_PATH", str(tmp_path / "handlers"))
    monkeypatch.setenv("TASKER_TEMPLATE_PATH", str(tmp_path / "templates"))
    HandlerRegistry.reset_instance()
    try:
        registry = HandlerRegistry.instance()
        assert registry is HandlerRegistry.instance()
        assert registry.list_handlers() == ["job"]
        info = registry.template_discovery_info()
        assert info["template_path"] == str(tmp_path / "templates")
        assert [os.path.basename(file) for file in info["template_files"]] == ["a.yaml", "b.yml"]
        assert info["handler_callables"] == ["job", "lost"]
        assert info["unresolved"] == ["lost"]
        registry.unload(str(tmp_path / "handlers"))
        HandlerRegistry.reset_instance()
        assert HandlerRegistry.instance(skip_bootstrap=True).list_handlers() == []
    finally:
        HandlerRegistry.reset_instance()


TEMPLATE = """
name: t
steps:
  - name: a
    handler: {callable: job}
  - name: b
    handler: {callable: lost}
  - name: c
"""
