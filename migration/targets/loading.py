"""Loading a WSGI application by its import path."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Names that mean "call me to get the application" even when no parentheses are written.
_FACTORIES = frozenset({"create_app", "make_app"})


class TargetError(Exception):
    """A target that can't be loaded; the text is one sentence for the user."""


def load_wsgi(target: str) -> WsgiApp:
    """Load ``package.module:app``, ``package.module:create_app()`` or ``package.module:create_app('spot')``.

    Arguments must be literals. A bare ``create_app`` or ``make_app`` is called without arguments. The current
    directory is importable. Raises :class:`TargetError`.
    """
    module_name, colon, expression = target.partition(":")
    if not (module_name and colon and expression):
        raise TargetError(
            f"{target!r} is not an import path: write it as package.module:app or package.module:factory()."
        )
    name, arguments, options, called = _parse(target, expression)
    value = _attribute(_import(target, module_name), target, module_name, name)
    if called or name.rpartition(".")[2] in _FACTORIES:
        value = _call(target, value, arguments, options)
    if not callable(value):
        raise TargetError(
            f"{target!r} is no WSGI application: {name} is a {type(value).__name__}, which can't be called."
        )
    application: WsgiApp = value
    return application


def _parse(target: str, expression: str) -> tuple[str, list[Any], dict[str, Any], bool]:
    try:
        node = ast.parse(expression, mode="eval").body
        if isinstance(node, ast.Call):
            arguments = [ast.literal_eval(argument) for argument in node.args]
            options = {str(option.arg): ast.literal_eval(option.value) for option in node.keywords}
            return _dotted(node.func), arguments, options, True
        return _dotted(node), [], {}, False
    except (SyntaxError, ValueError, TypeError) as error:
        raise TargetError(
            f"{target!r} is not understood: after the colon comes a name, or a call with literal arguments."
        ) from error


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    raise ValueError("not a name")


def _import(target: str, module_name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        hint = "" if missing == module_name else f" (it was needed by {module_name})"
        raise TargetError(f"{target!r} can't be loaded: there is no module {missing}{hint}.") from error
    except Exception as error:
        raise TargetError(f"{target!r} can't be loaded: importing it failed with {_words(error)}.") from error


def _attribute(module: Any, target: str, module_name: str, name: str) -> Any:
    value = module
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            raise TargetError(f"{target!r} can't be loaded: {module_name} has no {name}.") from error
    return value


def _call(target: str, factory: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    try:
        return factory(*arguments, **options)
    except Exception as error:
        raise TargetError(f"{target!r} can't be made: calling it failed with {_words(error)}.") from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}" if str(error) else type(error).__name__
