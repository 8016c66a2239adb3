"""What can't be run ends with one clear sentence and status 2; nothing is half done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import RECORDINGS, cutover
from tests.support.net import free_port

RECORDING = RECORDINGS / "coordinator-live.har"
MONOLITH = "legacy.spot:create_app()"
FINE = {"recording": RECORDING, "control": "recording", "candidate": MONOLITH}


def refused(*extra: object, **changed: object) -> str:
    """Run a replay with something changed from what works; answers the one sentence that it must end with."""
    used = FINE | changed
    done = cutover("replay", used["recording"], "--control", used["control"], "--candidate", used["candidate"], *extra)
    assert done.status == 2, done.output + done.errors
    assert "Traceback" not in done.errors
    message = [line for line in done.errors.splitlines() if line.startswith("Error: ")]
    assert len(message) == 1, done.errors
    return message[0]


def test_missing_recording(tmp_path: Path) -> None:
    assert "nothing.har can't be read" in refused(recording=tmp_path / "nothing.har")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<html>", "it is not JSON"),
        ("[]", "there is no list log.entries"),
        ('{"log": {"entries": []}}', "holds no exchange"),
        ('{"log": {"entries": [{"request": {}}]}}', "entry 0 is not a HAR entry ('startedDateTime' is missing)"),
    ],
)
def test_broken_recording(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "broken.har"
    path.write_text(text)
    assert complaint in refused(recording=path)


def test_dead_target() -> None:
    assert "can't be reached" in refused("--no-seeds", candidate=f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("nonsense", "is no target"),
        ("http://", "has no host"),
        ("no_such_module:app", "there is no module no_such_module"),
        ("legacy.spot:no_such_name", "has no no_such_name"),
        ("tests.support.cli:ROOT", "is no WSGI application"),
    ],
)
def test_bad_target(target: str, complaint: str) -> None:
    assert complaint in refused("--no-seeds", candidate=target)


def test_seeds_without_a_database() -> None:
    assert "name it with --control-db or --candidate-db" in refused(candidate="http://127.0.0.1:1")


def test_bad_database() -> None:
    assert "is not a database URL" in refused("--candidate-db", "nonsense")


def test_unknown_format() -> None:
    assert "formats are terminal, html, json, junit" in refused("--format", "pdf")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[rule]]", "rule 1 lacks change, expires, location, owner, reason, route"),
        ("[[rules]]", "entries are [[rule]] and [[place]]"),
        ("route =", "is not TOML"),
        ('[[place]]\nroute="*"\nlocation="body"\nreason="r"\nis="odd"', "is must be one of"),
        (
            '[[rule]]\nroute="*"\nlocation="*"\nchange="c"\nreason="r"\nowner="o"\nexpires="soon"',
            "expires must be YYYY-MM-DD or permanent",
        ),
    ],
)
def test_bad_rules(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    assert complaint in refused("--rules", path)


def test_missing_rows_file(tmp_path: Path) -> None:
    assert "can't be read" in refused("--rows", tmp_path / "nothing.json")


def test_a_seed_that_no_group_has(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps({"groups": {}}))
    assert "names the seed 'pools-t3'" in refused("--rows", rows)


def test_unknown_route() -> None:
    done = cutover("promote", "GET /no/such", "--ledger", "sqlite://")
    assert done.status == 2
    assert done.errors.startswith("Error: ")


@pytest.mark.parametrize("command", ["replay", "record", "routes", "promote", "rollback"])
def test_every_command_shows_an_example(command: str) -> None:
    assert f"cutover {command}" in cutover(command, "--help").output
