"""`cutover config`: which settings are in force, and where each of them comes from."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from backend import DOMAINS, TABLES, read_everything
from backend.core.places import Places
from backend.core.setting_reader import mask_urls
from backend.core.settings import Settings


@dataclass(frozen=True)
class Row:
    """A setting, for people: secrets in `value` are masked; `source` is a variable, a place in the file or default."""

    section: str
    setting: str
    value: str
    source: str


class Refused(click.ClickException):
    """Ends the command with one sentence: a start would be refused for it too."""

    exit_code = 2


@click.command("config")
@click.option(
    "--domain", type=click.Choice(DOMAINS), help="Show this domain only. Without it, all domains that are served here."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def config(context: click.Context, domain: str | None, as_json: bool) -> None:
    """Show which settings are in force and where each comes from: a variable, a key in the file, or the default.

    Secrets, and passwords in addresses, are masked. Ends with status 2 and a sentence where a server could not start.

    \b
    Examples:
      cutover config
      CUTOVER_CONFIG=/etc/cutover.toml cutover config --domain spot
    """
    try:
        rows = list(_rows(context.find_root().obj, domain))
    except ValueError as error:
        raise Refused(str(error)) from error
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
        return
    width = max(len(row.setting) for row in rows)
    wide = min(48, max(len(row.value) for row in rows))
    for section in dict.fromkeys(row.section for row in rows):
        click.echo(f"[{section}]")
        for row in rows:
            if row.section == section:
                click.echo(f"  {row.setting:{width}}  {row.value or '-':{wide}}  {row.source}")


def _rows(tool: Any, domain: str | None) -> Iterator[Row]:
    """`tool` is what the tool has found out about its own settings, if it was the tool that called."""
    environment = tool.environment if tool is not None else os.environ
    if domain is None and tool is not None:
        for origin in tool.origins():
            yield Row("cutover", origin.variable, mask_urls(origin.text), origin.source)
    for served in (domain,) if domain else _served(environment):
        settings = Settings.from_environment(served)
        if settings.read.file is not None:
            settings.read.file.refuse_unknown_tables(TABLES)
        readings = read_everything(settings).readings
        settings.read.refuse_unknown_keys()
        for reading in readings:
            yield Row(served, reading.name, reading.shown, reading.source)


def _served(environment: Any) -> tuple[str, ...]:
    text = environment.get("CUTOVER_DOMAINS", "").strip()
    if text:
        return Places.read(text, DOMAINS).domains
    return (environment.get("CUTOVER_DOMAIN") or DOMAINS[0],)
