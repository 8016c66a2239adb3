"""`flask spot ...`: what is done to the domain by hand."""

import click
from flask import Flask
from flask.cli import AppGroup

from backend.core.database import run_and_commit
from backend.spot.models import db
from backend.spot.services.client_tokens import hashes_are_kept
from backend.spot.services.price_hours import rolls_up
from backend.spot.services.token_hashing import forget_tokens, hash_tokens
from backend.spot.services.upkeep.price_rollup import start_over

spot = AppGroup("spot", help="Look after the spot domain.")
tokens = AppGroup("tokens", help="Look after the tokens of clients.")
prices = AppGroup("prices", help="Look after the prices of pools.")
spot.add_command(tokens)
spot.add_command(prices)

WARNING = (
    "From then on no token can be shown, and the old side lets no agent in. This cannot be undone. Forget all tokens?"
)


def install_commands(app: Flask) -> None:
    """Offer the commands with `app`."""
    app.cli.add_command(spot)


@tokens.command("hash")
@click.option("--forget-clear", is_flag=True, help="Then forget the tokens themselves: the old side must be gone.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def hash_all(forget_clear: bool, yes: bool) -> None:
    """Store the hash of every token that lacks one, or whose hash is not up to date.

    \b
    Example:
      flask --app backend spot tokens hash
    """
    if not hashes_are_kept():
        raise click.ClickException("TOKEN_HASHES is off; turn it on first.")
    if forget_clear and not yes:
        click.confirm(WARNING, abort=True)
    session = db.session()
    click.echo(f"Hashed: {run_and_commit(session, lambda: hash_tokens(session))}.")
    if forget_clear:
        click.echo(f"Forgotten: {run_and_commit(session, lambda: forget_tokens(session))}.")


@prices.command("start-over")
def add_up_anew() -> None:
    """Let the job price-rollup add all prices up anew: for after they were changed or deleted by hand.

    Until it has, histories are averaged from the prices themselves.

    \b
    Example:
      flask --app backend spot prices start-over
    """
    session = db.session()
    if not rolls_up(session):
        raise click.ClickException("SQLite has no hours to start over with: its histories read all prices.")
    run_and_commit(session, lambda: start_over(session))
    click.echo("No hour counts any more; price-rollup adds all prices up anew.")
