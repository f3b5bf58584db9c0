"""Importing handlers: from packages, and from folders and files that are on no import path.

What comes from a path is imported below the synthetic package `tasker_handlers`, each folder under a name of
its own, so that two folders may hold modules of the same name. Such modules can import one another relatively
(`from .prices import vat`). They never come from a bytecode cache, so that an edit is seen however soon it is
imported again.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from workers.errors import HandlerImportError
from workers.places import file_and_line

NAMESPACE = "tasker_handlers"


@dataclass(slots=True)
class Discovered:
    """What a source holds: its modules with the name each has inside the source, and what failed."""

    modules: list[tuple[str, ModuleType]] = field(default_factory=list)
    errors: list[HandlerImportError] = field(default_factory=list)


def is_path(source: str) -> bool:
    """Say whether a source is a folder or a file, not a dotted name."""
    return os.sep in source or "/" in source or source.endswith(".py") or source in (".", "..")


def import_source(source: str) -> Discovered:
    """Import a package or module by its dotted name, or a folder or `.py` file by its path."""
    importlib.invalidate_caches()
    if is_path(source):
        return _import_path(source)
    if importlib.util.find_spec(source.split(".")[0]) is None and Path(source).is_dir():
        return _import_path(source)
    return _import_dotted(source)


def unload_source(source: str) -> int:
    """Drop a source's modules, so that the next import reads them anew; return how many there were."""
    root = source
    if is_path(source) or (source not in sys.modules and Path(source).is_dir()):
        path = Path(source).resolve()
        root = _folder_name(path.parent if path.suffix == ".py" else path)
    mine = [name for name in sys.modules if name == root or name.startswith(f"{root}.")]
    for name in mine:
        del sys.modules[name]
    return len(mine)


def _import_dotted(source: str) -> Discovered:
    found = Discovered()
    root = _import_into(found, source, source)
    if root is not None and hasattr(root, "__path__"):
        for item in _walk(root.__path__, f"{source}."):
            _import_into(found, source, item)
    return found


def _import_path(source: str) -> Discovered:
    found = Discovered()
    path = Path(source).expanduser().resolve()
    if not path.exists():
        reason = "no such folder or file; give a folder, a .py file, or a package's dotted name"
        found.errors.append(HandlerImportError(source, reason, file=str(path)))
        return found
    unload_source(source)
    folder = path if path.is_dir() else path.parent
    root = _open_folder(folder)
    if path.is_file():
        _import_into(found, source, f"{root}.{path.stem}", path.stem)
        return found
    if (folder / "__init__.py").exists():
        _import_into(found, source, root, folder.name)
    for relative in _files_below(folder):
        _import_into(found, source, f"{root}.{relative}", relative)
    return found


def _import_into(found: Discovered, source: str, name: str, shown: str | None = None) -> ModuleType | None:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        found.errors.append(_import_error(source, name, error))
        return None
    found.modules.append((shown or name, module))
    return module


def _import_error(source: str, name: str, error: BaseException) -> HandlerImportError:
    file, line = file_and_line(error, ".".join(name.split(".")[: 2 if name.startswith(NAMESPACE) else 1]))
    reason = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    if file == "?":  # nothing of the module ran: it was not found
        return HandlerImportError(source, f"{reason}; check the name and PYTHONPATH", file=source)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and name.startswith(f"{NAMESPACE}.") and (Path(file).parent / f"{missing}.py").exists():
        reason += f"; it is a file of the same folder, so write: from .{missing} import ..."
    return HandlerImportError(source, reason, file=file, line=line)


def _walk(path: Sequence[str], prefix: str) -> Iterator[str]:
    """Name the modules below a package without importing one; whoever is told imports it next."""
    for item in pkgutil.iter_modules(list(path), prefix):
        if item.name.rpartition(".")[2] == "__main__":
            continue
        yield item.name
        if item.ispkg and item.name in sys.modules:
            yield from _walk(sys.modules[item.name].__path__, f"{item.name}.")


def _files_below(folder: Path) -> Iterator[str]:
    """Name the modules of a folder, tests and hidden folders and virtual environments left out."""
    for directory, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_wanted_folder(Path(directory) / name))
        inside = Path(directory).relative_to(folder).parts
        if inside and "__init__.py" in files:
            yield ".".join(inside)
        yield from (".".join((*inside, name[:-3])) for name in sorted(files) if _is_wanted_file(name))


def _is_wanted_folder(path: Path) -> bool:
    hidden = path.name.startswith((".", "__")) or path.name == "node_modules" or "." in path.name
    return not hidden and not (path / "pyvenv.cfg").exists()


def _is_wanted_file(name: str) -> bool:
    test = name.startswith(("test_", "conftest.")) or name.endswith("_test.py")
    return name.endswith(".py") and not name.startswith((".", "__")) and not test


def _folder_name(folder: Path) -> str:
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    return f"{NAMESPACE}.{re.sub(r'[^a-zA-Z0-9]+', '_', folder.name).strip('_') or 'root'}_{digest}"


def _open_folder(folder: Path) -> str:
    """Make a folder importable as a package; return the package's name."""
    if NAMESPACE not in sys.modules:
        namespace = ModuleType(NAMESPACE)
        namespace.__path__ = []
        sys.modules[NAMESPACE] = namespace
        sys.meta_path.insert(0, _FolderFinder())
    name = _folder_name(folder)
    _FolderFinder.folders[name] = folder
    return name


class _FolderFinder:
    """Finds the modules below `tasker_handlers`."""

    folders: dict[str, Path] = {}  # noqa: RUF012  one for the process, as sys.meta_path is

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{NAMESPACE}."):
            return None
        folder = cls.folders.get(fullname)
        if folder is not None:
            return _package_spec(fullname, folder)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _FreshLoader(fullname, spec.loader.path)
        return spec


class _FreshLoader(SourceFileLoader):
    """Compiles the source each time: a cache entry is as fine as a second, an editor is quicker."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _package_spec(name: str, folder: Path) -> ModuleSpec:
    init = folder / "__init__.py"
    if init.exists():
        loader = _FreshLoader(name, str(init))
        spec = importlib.util.spec_from_file_location(
            name, init, loader=loader, submodule_search_locations=[str(folder)]
        )
        assert spec is not None  # it is None only without a loader
        return spec
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec
