"""How the assistant thinks: what it is told to be, and how freely it chooses its words."""

import math
from dataclasses import dataclass

MOST_HISTORY = 10
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Mode:
    """`warmth` multiplies the temperature of the settings where a request names none."""

    sentence: str
    warmth: float


NORMAL = Mode("You are a helpful personal assistant. Answer clearly and to the point.", 1.0)
MODES = {
    "deep": Mode(
        "You are a careful personal assistant. Think the matter through step by step, weigh what speaks for it and "
        "against it, and then answer thoroughly.",
        0.7,
    ),
    "creative": Mode(
        "You are an imaginative personal assistant. Answer with fresh ideas, vivid pictures and a voice of your own.",
        1.4,
    ),
}


def mode_named(name: str) -> Mode:
    """The mode of that name; any other name is the normal one."""
    return MODES.get(name, NORMAL)


def conversation(mode: Mode, history: list[dict[str, str]], message: str) -> list[dict[str, str]]:
    """The messages of a chat: what the assistant is, the last MOST_HISTORY messages in their roles, and the new one."""
    earlier = [
        {"role": said["role"] if said["role"] in ROLES else "user", "content": said["content"]}
        for said in history[-MOST_HISTORY:]
    ]
    return [{"role": "system", "content": mode.sentence}, *earlier, {"role": "user", "content": message}]


def temperature(asked: float | None, mode: Mode, usual: float) -> float:
    """The temperature to answer at; nothing below 0 is colder than it."""
    if asked is None or not math.isfinite(asked):
        return usual * mode.warmth
    return max(0.0, asked)
