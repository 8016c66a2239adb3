"""What the commands about the ledger share: its options, and how its refusals reach the user."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from migration.cli.refusal import Refusal
from migration.ledger import LedgerError
from migration.ledger.schema import DEFAULT_LEDGER_URL
from migration.targets.loading import TargetError

Command = TypeVar("Command", bound=Callable[..., Any])

domain_option = click.option(
    "--domain",
    envvar="CUTOVER_DOMAIN",
    default="spot",
    show_default=True,
    show_envvar=True,
    help="The domain that is meant.",
)
ledger_option = click.option(
    "--ledger",
    "ledger_url",
    envvar="CUTOVER_LEDGER_URL",
    default=DEFAULT_LEDGER_URL,
    show_default=True,
    show_envvar=True,
    metavar="URL",
    help="The ledger's database: SQLite, MySQL/MariaDB or PostgreSQL.",
)


def change_options(command: Command) -> Command:
    """The options of a command that changes owners of routes."""
    return _with_reason(click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")(command))


def job_change_options(command: Command) -> Command:
    """The options of a command that changes owners of jobs."""
    return _with_reason(click.argument("names", nargs=-1, required=True, metavar="NAME...")(command))


def _with_reason(command: Command) -> Command:
    options = (
        click.option("--why", default="no reason given", help="The reason, kept in the history."),
        click.option("--who", default=login_name, help="Who decides this. The default is your login name."),
        domain_option,
        ledger_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def login_name() -> str:
    """The name of the user who runs the command, ``unknown`` where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


@contextmanager
def refusals_as_usage_errors() -> Iterator[None]:
    """End the command with one sentence and exit status 2 where the ledger or a target refuses."""
    try:
        yield
    except (LedgerError, TargetError) as error:
        raise Refusal(str(error)) from error
