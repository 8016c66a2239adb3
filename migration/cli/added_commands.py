"""Commands of other packages: those that they register as entry points of the group ``cutover.commands``.

The tool imports none of them before somebody asks for it: ``cutover replay`` works whatever else is installed.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

from migration.cli.refusal import Refusal

GROUP = "cutover.commands"


class CommandsWithAdded(click.Group):
    """The tool's own commands and the added ones; an own one can't be replaced."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return sorted({*super().list_commands(ctx), *_added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; of an added one that can't be loaded, one that says so."""
        own = super().get_command(ctx, cmd_name)
        point = _added().get(cmd_name)
        return own if own is not None or point is None else _loaded(point)


def _added() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _loaded(point: EntryPoint) -> click.Command:
    try:
        found = point.load()
    except Exception as error:  # whatever a foreign package does when it is imported
        return _broken(point, f"{type(error).__name__}: {error}")
    if not isinstance(found, click.Command):
        return _broken(point, f"{point.value} is no command of click, but a {type(found).__name__}")
    return found


def _broken(point: EntryPoint, reason: str) -> click.Command:
    package = f" of the package {point.dist.name}" if point.dist is not None else ""

    def refuse(_arguments: tuple[str, ...]) -> None:
        raise Refusal(
            f"The command {point.name}{package} can't be loaded: {reason.rstrip('.')}. Install what it needs."
        )

    arguments = click.Argument(["_arguments"], nargs=-1, type=click.UNPROCESSED)
    return click.Command(
        point.name,
        callback=refuse,
        params=[arguments],
        help=f"Can't be loaded: {reason}",
        short_help="(can't be loaded)",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
