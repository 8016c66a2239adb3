"""``cutover config``, the file that CUTOVER_CONFIG names, and commands that other packages add."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from migration.cli import main
from migration.ledger import Ledger
from tests.support.cli import Finished, cutover

FILE = """
log_level = "WARNING"

[cutover]
read_timeout = 90
ledger_url = "mysql://ledger:hidden-word@db/ledger"

[spot]
database_url = "postgresql://spot:hidden-word@db/spot"
admin_token = "hidden-word-of-operators"
agent_heartbeat_timeout = 60
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cutover.toml"
    path.write_text(FILE)
    return path


def rows(done: Finished) -> dict[tuple[str, str], tuple[str, str]]:
    assert done.status == 0, done.errors
    return {(row["section"], row["setting"]): (row["value"], row["source"]) for row in json.loads(done.output)}


class TestWhatIsInForce:
    def test_each_value_has_its_source(self, file: Path) -> None:
        given = {"CUTOVER_CONFIG": str(file), "SPOT_DATABASE_POOL_SIZE": "7", "CUTOVER_POOL_SIZE": "9"}
        shown = rows(cutover("config", "--json", **given))
        assert {section for section, _ in shown} == {"cutover", "spot"}
        assert shown["cutover", "CUTOVER_READ_TIMEOUT"] == ("90", f"read_timeout in [cutover] of {file}")
        assert shown["cutover", "CUTOVER_POOL_SIZE"] == ("9", "CUTOVER_POOL_SIZE")
        assert shown["cutover", "CUTOVER_CLIENT_TIMEOUT"] == ("60.0", "default")
        assert shown["spot", "LOG_LEVEL"] == ("WARNING", f"log_level in {file}")
        assert shown["spot", "AGENT_HEARTBEAT_TIMEOUT"] == ("60", f"agent_heartbeat_timeout in [spot] of {file}")
        assert shown["spot", "DATABASE_POOL_SIZE"] == ("7", "SPOT_DATABASE_POOL_SIZE")
        assert shown["spot", "DATABASE_POOL_TIMEOUT"] == ("30", "default")

    def test_secrets_are_masked(self, file: Path) -> None:
        done = cutover("config", CUTOVER_CONFIG=str(file))
        assert "hidden-word" not in done.output + done.errors
        assert "postgresql://spot:********@db/spot" in done.output
        assert "mysql://ledger:********@db/ledger" in done.output
        assert f"admin_token in [spot] of {file}" in done.output

    def test_a_domain_can_be_asked_for(self, file: Path) -> None:
        shown = rows(cutover("config", "--domain", "assistant", "--json", CUTOVER_CONFIG=str(file)))
        assert {section for section, _ in shown} == {"assistant"}
        assert shown["assistant", "LOG_LEVEL"] == ("WARNING", f"log_level in {file}")
        assert shown["assistant", "DATABASE_URL"] == ("sqlite:///var/assistant.sqlite3", "default")
        places = "spot,assistant=/assistant"
        assert {section for section, _ in rows(cutover("config", "--json", CUTOVER_DOMAINS=places))} == {
            "cutover", "spot", "assistant",
        }  # fmt: skip

    def test_what_follows_from_other_settings_is_shown_and_no_file_is_made(self, tmp_path: Path) -> None:
        given = {"DATA_DIR": str(tmp_path / "data"), "LOG_DIR": str(tmp_path / "logs")}
        shown = rows(cutover("config", "--domain", "assistant", "--json", **given))
        assert shown["assistant", "MUSIC_ROOTS"] == (str(tmp_path / "data" / "music"), "default")
        assert shown["assistant", "LOG_DIR"] == (str(tmp_path / "logs"), "LOG_DIR")
        assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[spot]\nlog_levle = 'INFO'", "log_levle in [spot] of {} is not known; did you mean log_level?"),
        ("[spot]\nmodel_dirr = 'x'", "model_dirr in [spot] of {} is not known; did you mean model_dir?"),
        ("[spot]\ndecision_timeout = 0", "decision_timeout in [spot] of {} must be a number of seconds from 0.05"),
        ("[sopt]\nx = 1", "The table [sopt] of {} is not known; did you mean spot?"),
        ("[cutover]\nreed_timeout = 1", "reed_timeout in [cutover] of {} is not known; did you mean read_timeout?"),
        ("cutover = 1", "cutover in {} must be a table."),
        ("[cutover]\npool_size = {{}}", "pool_size in [cutover] of {} must be a text, a number"),
        ("a = [", "CUTOVER_CONFIG names {}, which is not TOML: "),
    ],
)  # fmt: skip
def test_what_would_stop_a_start_is_told_in_a_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "cutover.toml"
    file.write_text(text.replace("{{}}", "{}"))
    done = CliRunner().invoke(main, ["config"], env={"CUTOVER_CONFIG": str(file)})
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {complaint.format(file)}")
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_variable_is_told_too() -> None:
    done = cutover("config", SPOT_LOG_LEVEL="loud")
    assert (done.status, done.errors) == (
        2, "Error: SPOT_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR.\n",
    )  # fmt: skip


def test_the_tool_takes_its_settings_from_the_file(tmp_path: Path) -> None:
    """The environment wins over the file, and an option over both."""
    ledgers = {}
    for name in ("file", "variable", "option"):
        ledgers[name] = f"sqlite:///{tmp_path / name}.sqlite3"
        Ledger(ledgers[name]).seed("toy", [("GET", f"/from/{name}")])
    file = tmp_path / "cutover.toml"
    file.write_text(f'[cutover]\nledger_url = "{ledgers["file"]}"\ndomain = "toy"\n')
    assert "/from/file" in cutover("routes", CUTOVER_CONFIG=str(file)).output
    given = {"CUTOVER_CONFIG": str(file), "CUTOVER_LEDGER_URL": ledgers["variable"]}
    assert "/from/variable" in cutover("routes", **given).output
    assert "/from/option" in cutover("routes", "--ledger", ledgers["option"], **given).output


class TestAddedCommands:
    @pytest.fixture
    def packages(self, tmp_path: Path) -> str:
        """A directory with a package whose commands can partly be loaded."""
        (tmp_path / "toy_commands.py").write_text(
            "import click\n@click.command()\ndef greet():\n    '''Greet.'''\n    click.echo('hello')\nnothing = 1\n"
        )
        info = tmp_path / "toy-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1\n")
        (info / "entry_points.txt").write_text(
            "[cutover.commands]\ngreet = toy_commands:greet\nbroken = no_such_module:x\n"
            "odd = toy_commands:nothing\nroutes = toy_commands:greet\n"
        )
        return str(tmp_path)

    def test_they_are_offered_beside_the_tools_own(self, packages: str) -> None:
        done = cutover("greet", PYTHONPATH=packages)
        assert (done.status, done.output) == (0, "hello\n")
        assert cutover("routes", "--help", PYTHONPATH=packages).output.startswith("Usage: cutover routes [OPTIONS]")

    def test_one_that_cannot_be_loaded_says_why_and_harms_no_other(self, packages: str) -> None:
        listed = cutover("--help", PYTHONPATH=packages)
        assert listed.status == 0
        assert "(can't be loaded)" in listed.output
        assert "  greet " in listed.output
        done = cutover("broken", "--any", "thing", PYTHONPATH=packages)
        assert (done.status, done.errors) == (
            2,
            "Error: The command broken of the package toy can't be loaded: ModuleNotFoundError: "
            "No module named 'no_such_module'. Install what it needs.\n",
        )
        assert "toy_commands:nothing is no command of click, but a int" in cutover("odd", PYTHONPATH=packages).errors

    def test_they_are_not_imported_for_other_commands(self, packages: str, tmp_path: Path) -> None:
        (tmp_path / "toy_commands.py").write_text("print('imported')\n")
        assert "imported" not in cutover("routes", "--help", PYTHONPATH=packages).output
