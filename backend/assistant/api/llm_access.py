"""The language model of an application."""

from typing import cast

from flask import Flask, current_app

from backend.assistant.services.llm.metrics import ModelMetrics
from backend.assistant.services.llm.service import UNAVAILABLE, Llm
from backend.assistant.settings.llm import LlmSettings
from backend.core.metrics import METRICS
from backend.core.readiness import READINESS, NotReadyError
from backend.core.settings import Settings

EXTENSION = "llm"
CHECK = "llama_supervisor"


def install_llm(app: Flask) -> None:
    """Give `app` its language model, metrics of it, and a check of it. Nothing is started; raises SettingsError."""
    settings: Settings = app.extensions["settings"]
    llm = Llm(LlmSettings.read(settings.read))
    app.extensions[EXTENSION] = llm
    app.extensions[METRICS].register(ModelMetrics(llm))
    app.extensions[READINESS].add(CHECK, lambda: check(llm))


def language_model() -> Llm:
    """The language model of the application at work."""
    return cast(Llm, current_app.extensions[EXTENSION])


def check(llm: Llm) -> None:
    """Raise NotReadyError while the supervisor does not answer, or a model that was lost is not back yet.

    A model is not required, nor is the runtime: without them the tools still work.
    """
    state = llm.status()["state"]
    if state == UNAVAILABLE:
        raise NotReadyError("The model's supervisor does not answer.")
    if state == "crashed":
        raise NotReadyError("The model ended unexpectedly and is being loaded again.")
