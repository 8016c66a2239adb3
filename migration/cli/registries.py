"""The registries of accepted differences that a command reads, and its options for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from migration.compare.registry import Registry, read_registry

Command = TypeVar("Command", bound=Callable[..., Any])

#: Registry files that are read without being named: beside the code of the sides, up to two directories down.
REGISTRY_PATTERNS = tuple(
    f"{depth}{name}" for depth in ("", "*/", "*/*/") for name in ("accepted.toml", "accepted/*.toml")
)


def registry_options(command: Command) -> Command:
    """``rule_files`` and ``no_rules``, for :func:`chosen_registry`."""
    rules = click.option(
        "--rules",
        "rule_files",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A registry of accepted differences.  [default: accepted.toml and accepted/*.toml nearby]",
    )
    return rules(click.option("--no-rules", is_flag=True, help="Accept nothing.")(command))


def chosen_registry(rule_files: Sequence[Path], no_rules: bool) -> Registry:
    """The registry that the options mean. Raises :class:`~migration.compare.registry.RegistryError`."""
    return Registry() if no_rules else read_registry(rule_files or find_registries(Path.cwd()))


def find_registries(directory: Path) -> list[Path]:
    """The registry files in and under ``directory`` that are read when none is named."""
    found = {path for pattern in REGISTRY_PATTERNS for path in directory.glob(pattern)}
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(directory).parts))
