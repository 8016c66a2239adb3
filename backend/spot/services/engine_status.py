"""Which decision engine is at work."""

from dataclasses import dataclass

from flask import Flask

from backend.spot.services.decision_engine import ENGINE_TYPE, ENGINE_VERSION


@dataclass(frozen=True)
class EngineStatus:
    """Whether an engine is loaded, and which: the name of its class and its version."""

    loaded: bool
    type: str
    version: str


def current(app: Flask | None = None) -> EngineStatus:
    """The engine that decides in `app`, by default in the application at work."""
    return EngineStatus(True, ENGINE_TYPE, ENGINE_VERSION)
