"""How a command ends that was asked for something impossible."""

from __future__ import annotations

import click


class Refusal(click.ClickException):
    """Ends a command with one sentence and exit status 2: it could not run."""

    exit_code = 2
