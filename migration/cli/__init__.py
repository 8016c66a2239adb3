"""The command line, ``cutover``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from migration.cli.added_commands import CommandsWithAdded
from migration.cli.compare_databases import compare_databases
from migration.cli.jobs import jobs
from migration.cli.promote import promote, rollback
from migration.cli.record import record
from migration.cli.refusal import Refusal
from migration.cli.replay import replay
from migration.cli.routes import routes
from migration.config_file import configuration
from migration.proxy.settings import SettingsError


@click.group(cls=CommandsWithAdded, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="cutover", prog_name="cutover")
@click.pass_context
def main(context: click.Context) -> None:
    """Move a running backend out of a monolith, one route at a time, and prove that nothing changed for its callers.

    \b
    Example, the way of one route:
      cutover record --upstream http://127.0.0.1:5000 --listen 5001 --out traffic.har
      cutover replay traffic.har --control http://127.0.0.1:5000 --candidate wsgi:application --report parity-report
      cutover promote 'GET /api/agents/<agent_id>/config' --why "no difference in a week of traffic"
      cutover rollback 'GET /api/agents/<agent_id>/config' --why "wrong answer for unknown agents"

    What CUTOVER_CONFIG says in its table [cutover] counts where neither an option nor the environment says anything.
    """
    try:
        context.obj = configuration(os.environ)
    except SettingsError as error:
        raise Refusal(str(error)) from error
    given = {variable: context.obj.environment[variable] for variable in context.obj.places}
    context.default_map = _defaults(main, given)


def _defaults(group: click.Group, given: Mapping[str, str]) -> dict[str, Any]:
    """What ``given`` says of the options that can be set by variables, for each command of ``group``."""
    defaults: dict[str, Any] = {}
    for name, command in group.commands.items():
        own: dict[str, Any] = {
            str(option.name): given[option.envvar]
            for option in command.params
            if isinstance(option.envvar, str) and option.envvar in given
        }
        defaults[name] = own | (_defaults(command, given) if isinstance(command, click.Group) else {})
    return defaults


for command in (record, replay, compare_databases, routes, promote, rollback, jobs):
    main.add_command(command)
