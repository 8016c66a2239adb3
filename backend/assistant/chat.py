"""``python -m backend.assistant.chat``: chatting with the language model in the terminal."""

import os
import sys
from collections.abc import Iterator

import click

from backend.assistant.commands.models import load_with_progress
from backend.assistant.services.llm import chat as service
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.service import Llm
from backend.assistant.settings.llm import LlmSettings
from backend.core.settings import Settings, SettingsError


@click.command()
@click.option("--model", help="The model to chat with; the one at work, or else the first there is.")
@click.option("--mode", type=click.Choice(("normal", "deep", "creative")), default="normal", show_default=True)
@click.option("--max-tokens", type=click.IntRange(1), default=256, show_default=True, help="Longest answer, in tokens.")
def main(model: str | None, mode: str, max_tokens: int) -> None:
    """Chat with the language model: a line in, an answer out, word by word; an empty line ends it.

    \b
    Examples:
      python -m backend.assistant.chat
      echo 'What makes the tides?' | python -m backend.assistant.chat --mode deep
    """
    try:
        llm = Llm(LlmSettings.read(Settings.from_environment("assistant", os.environ).read))
        name = _load(llm, model)
    except (LlmRefusedError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Chatting with {name}. An empty line ends it.")
    history: list[dict[str, str]] = []
    for said in _lines():
        order = {
            "message": said,
            "conversation_history": history,
            "thinking_mode": mode,
            "max_tokens": max_tokens,
            "temperature": None,
        }
        answer = _answered(llm, order)
        history += [{"role": "user", "content": said}, {"role": "assistant", "content": answer}]


def _load(llm: Llm, wanted: str | None) -> str:
    """The name of the model to chat with, which is at work then."""
    at_work = llm.status()["model"]
    if at_work is not None and wanted in (None, at_work["name"]):
        return str(at_work["name"])
    found = llm.models()
    if wanted is None and not found:
        raise LlmRefusedError(404, "There is no model yet; take one over with: cutover models pull FILE")
    return str(load_with_progress(llm, wanted or found[0].name)["name"])


def _lines() -> Iterator[str]:
    """What is typed, until an empty line or the end."""
    while True:
        if sys.stdin.isatty():
            click.echo("\n> ", nl=False)
        line = sys.stdin.readline().strip()
        if not line:
            return
        yield line


def _answered(llm: Llm, order: dict[str, object]) -> str:
    """Show the answer as it comes; Ctrl-C ends it. All of it."""
    pieces: list[str] = []
    try:
        with service.begin(llm, order, stream=True) as generation:
            for event in generation.events():
                if event is not None and event["event"] == "token":
                    pieces.append(event["text"])
                    click.echo(event["text"], nl=False)
                elif event is not None and event["event"] == "done":
                    rate = event["completion_tokens"] / max(event["seconds"], 1e-6)
                    click.secho(f"\n({event['completion_tokens']} tokens, {rate:.0f} a second)", dim=True)
    except LlmRefusedError as refusal:
        click.secho(f"\n{refusal.detail}", fg="red", err=True)
    except KeyboardInterrupt:
        click.echo(" ...")
    return "".join(pieces)


if __name__ == "__main__":
    main()
