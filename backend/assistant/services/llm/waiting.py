"""Waiting for a model that is being loaded."""

import time
from collections.abc import Callable
from pathlib import Path

from backend.assistant.services.llm.protocol import Message
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.service import Llm

#: Seconds between two looks at the progress.
LOOK_EVERY = 0.05


def wait_until_loaded(llm: Llm, path: Path, progress: Callable[[float], None]) -> Message:
    """The model at `path`, as the supervisor tells of it, once it is at work; `progress` is told its part of 1.

    Raises LlmRefusedError where it does not load, or is let go of meanwhile.
    """
    deadline = time.monotonic() + llm.settings.load_limit + llm.settings.time_limit
    while time.monotonic() < deadline:
        status = llm.status()
        loading, model, failure = status["loading"], status["model"], status["failure"]
        if loading is not None and loading["path"] == str(path):
            progress(loading["progress"])
        elif status["state"] != "loading":
            if model is not None and model["path"] == str(path) and failure is None:
                progress(1.0)
                return dict(model)
            raise LlmRefusedError(500, failure["detail"] if failure else "The model was unloaded meanwhile")
        time.sleep(LOOK_EVERY)
    raise LlmRefusedError(504, "The model was not loaded in time")
