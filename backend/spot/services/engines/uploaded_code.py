"""Importing the Python files of an upload, each upload as a package of its own."""

import ast
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from itertools import count
from pathlib import Path

_numbers = count(1)


def defines_class(source: bytes, class_name: str) -> bool:
    """Whether Python code has the class, or an alias of it, at its top level. Nothing of it is run.

    Raises SyntaxError, with a line number where one is known, for what is no Python.
    """
    try:
        tree = ast.parse(source)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "too deeply nested") from error
    return any(class_name in _names(statement) for statement in tree.body)


def find_module(files: Iterable[Path], class_name: str) -> Path | None:
    """The first of the Python files among `files` that defines the class."""
    code = (file for file in files if file.suffix.lower() == ".py")
    return next((file for file in code if defines_class(file.read_bytes(), class_name)), None)


def import_class(file: Path, class_name: str) -> tuple[type, str]:
    """Run a file and give its class, with the name of the package that its directory was imported as.

    The package has a new name every time, so that no code of an earlier upload is used; its files find each other by
    relative imports. Raises whatever the code raises, and forgets the package then.
    """
    package = f"uploaded_engine_{next(_numbers)}"
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(file.parent)]
    sys.modules[package] = module_from_spec(spec)
    name = f"{package}.{file.stem}"
    try:
        module = module_from_spec(ModuleSpec(name, loader := SourceFileLoader(name, str(file)), origin=str(file)))
        sys.modules[name] = module
        loader.exec_module(module)
        return getattr(module, class_name), package
    except BaseException:
        forget(package)
        raise


def forget(package: str) -> None:
    """Drop a package and its modules; code that is still running goes on."""
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


def _names(statement: ast.stmt) -> set[str]:
    """What a statement gives a name to."""
    match statement:
        case ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.ImportFrom(names=names) | ast.Import(names=names):
            return {alias.asname or alias.name for alias in names}
        case _:
            return set()
