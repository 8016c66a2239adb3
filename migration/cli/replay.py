"""``cutover replay``: send recordings to both sides and report what differs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from migration.cli.evidence import evidence_keeper, evidence_options
from migration.cli.ledger_options import refusals_as_usage_errors
from migration.cli.refusal import Refusal
from migration.cli.registries import chosen_registry, registry_options
from migration.compare.registry import RegistryError
from migration.ledger import LedgerError
from migration.recording.errors import RecordingError
from migration.recording.exchange import Recording
from migration.recording.har import read_recording
from migration.replay.events import Event
from migration.replay.options import Options
from migration.replay.run import Run
from migration.replay.transport import NoAnswerError
from migration.report.formats import FORMATS, exit_status, write_report
from migration.report.model import Report
from migration.report.progress import TerminalProgress
from migration.report.summary import ReportBuilder
from migration.report.terminal import print_report
from migration.targets.database import SideDatabaseError
from migration.targets.loading import TargetError
from migration.targets.side import RECORDING, Side, open_side
from migration.targets.version import version_of

TERMINAL = "terminal"
DEFAULT_DIRECTORY = Path("parity-report")

_Path = click.Path(path_type=Path)


def _formats(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    wanted = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    unknown = [name for name in wanted if name not in (TERMINAL, *FORMATS)]
    if unknown or not wanted:
        raise click.BadParameter(f"{value!r}: formats are {', '.join((TERMINAL, *FORMATS))}, divided by commas.")
    return wanted


@click.command("replay")
@click.argument("recordings", nargs=-1, required=True, metavar="RECORDING...", type=_Path)
@click.option("--control", required=True, metavar="TARGET", help=f"The side that is right: a TARGET, or {RECORDING!r}.")
@click.option("--candidate", required=True, metavar="TARGET", help="The side that is to prove itself.")
@click.option("--control-db", metavar="URL", help="Control's database.")
@click.option("--candidate-db", metavar="URL", help="Candidate's database.")
@click.option("--report", "directory", metavar="DIR", type=_Path, help="Where report files go.")
@click.option(
    "--format",
    "formats",
    callback=_formats,
    metavar="LIST",
    help=f"Any of {', '.join((TERMINAL, *FORMATS))}, divided by commas.  [default: terminal; all with --report]",
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Sessions side by side.")
@click.option(
    "--noise-runs",
    type=click.IntRange(0, 10),
    default=1,
    show_default=True,
    help="How often a live control is first compared with itself.",
)
@registry_options
@click.option(
    "--rows", metavar="FILE", type=_Path, help="The rows that sidecars name.  [default: seed-rows.json nearby]"
)
@click.option("--no-seeds", is_flag=True, help="Put no rows into any database.")
@click.option("--no-state", is_flag=True, help="Don't compare the databases of both sides after each recording.")
@click.option("--reset", is_flag=True, help="Delete ALL rows of the named databases before each recording.")
@click.option(
    "--speed", type=click.FloatRange(0), default=0.0, help="Multiple of the recorded pace.  [default: no waits]"
)
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds to wait for an answer."
)
@click.option(
    "--time-tolerance",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="Seconds by which times may lie differently from their requests.",
)
@evidence_options
def replay(
    recordings: tuple[Path, ...],
    control: str,
    candidate: str,
    control_db: str | None,
    candidate_db: str | None,
    directory: Path | None,
    formats: tuple[str, ...] | None,
    workers: int,
    noise_runs: int,
    rule_files: tuple[Path, ...],
    no_rules: bool,
    rows: Path | None,
    no_seeds: bool,
    no_state: bool,
    reset: bool,
    speed: float,
    timeout: float,
    time_tolerance: float,
    evidence: bool,
    ledger_url: str | None,
    domain: str,
    control_version: str | None,
    candidate_version: str | None,
) -> None:
    """Send recorded traffic to both sides and report what differs.

    A TARGET is a URL (http://host:port), the import path of a WSGI application (package.module:app, or
    package.module:create_app()) that is started for the run, or, for control, the word "recording": then the recorded
    answers are right. Exit status: 0 parity, 1 differences, 2 could not run.

    Where control is live and both databases are known (a side is one of this project's own, or --control-db and
    --candidate-db name them), the databases are compared too, table by table, after each recording.

    Accepted differences are read from accepted.toml and accepted/*.toml here and up to two directories below, or from
    --rules.

    \b
    Examples:
      cutover replay traffic.har --control http://127.0.0.1:5000 --candidate http://127.0.0.1:8000
      cutover replay tests/recordings/spot/agent-real.har --control recording --candidate legacy.spot:create_app
      cutover replay *.har --control shop:app --candidate newshop:create_app() --report parity-report
      cutover replay *.har --control http://127.0.0.1:5000 --candidate backend:create_app --evidence
    """
    wanted = formats or ((TERMINAL, *FORMATS) if directory else (TERMINAL,))
    files = [name for name in wanted if name != TERMINAL]
    try:
        options = Options(
            registry=chosen_registry(rule_files, no_rules),
            noise_runs=noise_runs,
            workers=workers,
            timeout=timeout,
            time_tolerance=time_tolerance,
            speed=speed,
            clear=reset,
            use_seeds=not no_seeds,
            compare_state=not no_state,
        )
        keeper = evidence_keeper(evidence, ledger_url, domain)
        read = [read_recording(path, rows) for path in recordings]
        listeners = [keeper.handle] if keeper else []
        quiet = TERMINAL not in wanted
        report = _run(read, (control, control_db), (candidate, candidate_db), options, listeners, quiet=quiet)
        paths = write_report(report, directory or DEFAULT_DIRECTORY, files) if files else []
    except (RecordingError, RegistryError, TargetError, SideDatabaseError, NoAnswerError, LedgerError) as error:
        raise Refusal(str(error)) from error
    except OSError as error:
        raise Refusal(f"The report can't be written: {error}.") from error
    if TERMINAL in wanted:
        print_report(Console(), report, paths)
    if keeper is not None:
        versions = [
            given or version_of(target, Path.cwd())
            for given, target in ((control_version, control), (candidate_version, candidate))
        ]
        with refusals_as_usage_errors():
            click.echo(keeper.keep(report, *versions), err=True)
    sys.exit(exit_status(report))


def _run(
    recordings: Sequence[Recording],
    control: tuple[str, str | None],
    candidate: tuple[str, str | None],
    options: Options,
    listeners: Sequence[Callable[[Event], None]],
    *,
    quiet: bool,
) -> Report:
    builder = ReportBuilder()
    with ExitStack() as stack:
        control_side: Side | None = None
        if control[0] != RECORDING:
            control_side = stack.enter_context(open_side(*control, options.clear))
        candidate_side = stack.enter_context(open_side(*candidate, options.clear))
        progress = stack.enter_context(TerminalProgress(Console(stderr=True, quiet=quiet)))
        for event in Run(recordings, control_side, candidate_side, options).events():
            for listen in (builder.handle, progress.handle, *listeners):
                listen(event)
    return builder.report
