"""Does a model fit into the memory that is left?"""

from pathlib import Path

import psutil

from backend.assistant.services.llm.model_files import ModelFile, size_in_words
from backend.assistant.services.llm.refusals import LlmRefusedError

#: What the runtime and its buffers take beside the weights and the memory of tokens, in bytes.
OVERHEAD = 192 * 1024 * 1024
CGROUP = Path("/sys/fs/cgroup")


def needed(model: ModelFile, context_length: int) -> int:
    """Bytes that `model` takes with a context of that many tokens; an estimate on the safe side."""
    per_token = model.shape.bytes_per_token if model.shape else 0
    return model.size + per_token * context_length + OVERHEAD


def available(cgroup: Path = CGROUP) -> int:
    """Bytes that can still be taken: the machine's, or the limit of the control group where that leaves less."""
    machine = int(psutil.virtual_memory().available)
    left = _left_in_group(cgroup)
    return machine if left is None else min(machine, left)


def refuse_unless_it_fits(model: ModelFile, context_length: int, *, beside_another: bool) -> None:
    """Raise LlmRefusedError (507) where `model` does not fit; `beside_another` says that one is loaded meanwhile."""
    need, left = needed(model, context_length), available()
    if need <= left:
        return
    advice = (
        "unload the current model first, or ask for a shorter context" if beside_another else "ask for less context"
    )
    raise LlmRefusedError(
        507,
        f"Not enough memory: {model.name} needs about {size_in_words(need)} with a context of {context_length} tokens, "
        f"{size_in_words(left)} are available; {advice} or take a smaller model",
    )


def _left_in_group(group: Path) -> int | None:
    """What is left of a limit of version 2 or 1 of control groups; file pages that are not in use can be had back."""
    for limit_file, used_file, stat_file, inactive in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        try:
            limit = (group / limit_file).read_text().strip()
            used = int((group / used_file).read_text())
            stat = dict(line.split() for line in (group / stat_file).read_text().splitlines())
        except (OSError, ValueError):
            continue
        if limit.isdecimal():
            return max(0, int(limit) - used + int(stat.get(inactive, 0)))
    return None
