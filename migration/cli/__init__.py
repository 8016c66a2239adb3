"""The command line, ``cutover``."""

from __future__ import annotations

import click

from migration.cli.compare_databases import compare_databases
from migration.cli.jobs import jobs
from migration.cli.promote import promote, rollback
from migration.cli.record import record
from migration.cli.replay import replay
from migration.cli.routes import routes


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="cutover", prog_name="cutover")
def main() -> None:
    """Move a running backend out of a monolith, one route at a time, and prove that nothing changed for its callers.

    \b
    Example, the way of one route:
      cutover record --upstream http://127.0.0.1:5000 --listen 5001 --out traffic.har
      cutover replay traffic.har --control http://127.0.0.1:5000 --candidate wsgi:application --report parity-report
      cutover promote 'GET /api/agents/<agent_id>/config' --why "no difference in a week of traffic"
      cutover rollback 'GET /api/agents/<agent_id>/config' --why "wrong answer for unknown agents"
    """


for command in (record, replay, compare_databases, routes, promote, rollback, jobs):
    main.add_command(command)
