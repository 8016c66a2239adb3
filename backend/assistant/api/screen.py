"""`/api/tools/screen...`: capturing the screen, once or again and again, and reading what it shows."""

from typing import Any, cast

from flask import Flask, current_app, request

from backend.assistant.api.tool_actions import Action, tool_blueprint
from backend.assistant.schemas import screen as schemas
from backend.assistant.schemas.tools import Refusal, ToolAnswer
from backend.assistant.services.screen import analysis, captures
from backend.assistant.services.screen.captures import Capture
from backend.assistant.services.screen.monitoring import Monitoring
from backend.assistant.services.shell import server_process
from backend.assistant.services.system import timestamp
from backend.assistant.settings.screen import ScreenSettings
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.graceful import on_stop
from backend.core.settings import Settings

SETTINGS, MONITORING = "screen", "screen_monitoring"
CAPTURED = "Screen captured successfully"


def install_screen(app: Flask) -> None:
    """Tell `app` where captures lie; raises SettingsError. Nothing is captured."""
    settings: Settings = app.extensions["settings"]
    app.extensions[SETTINGS] = ScreenSettings.read(settings.read)
    app.extensions[MONITORING] = loop = Monitoring(app.extensions[SETTINGS])
    on_stop(app, loop.end)


def take_picture() -> Capture:
    """A new capture."""
    return captures.capture(current_app.extensions[SETTINGS])


def monitoring() -> Monitoring:
    """The loop of the application at work."""
    return cast(Monitoring, current_app.extensions[MONITORING])


def start_monitoring(interval: int) -> dict[str, Any]:
    """Capture now, and then every `interval` seconds."""
    monitoring().start(interval, server_process(request.environ))
    return {"status": "monitoring_started", "interval": interval}


def stop_monitoring() -> dict[str, Any]:
    """Capture no more."""
    monitoring().stop()
    return {"status": "monitoring_stopped"}


def _captured() -> dict[str, Any]:
    made = take_picture()
    about = {"size": made.size, "width": made.width, "height": made.height}
    return {"screenshot_path": str(made.path), "timestamp": timestamp(), "status": "captured", **about}


def _analyzed(image_path: str | None) -> dict[str, Any]:
    return analysis.analyze(current_app.extensions[SETTINGS], image_path)


ACTIONS = {
    "capture": Action(schemas.NothingToChoose(), lambda _session: _captured()),
    "analyze": Action(schemas.WantedCapture(), lambda _session, image_path: _analyzed(image_path)),
    "start_monitoring": Action(schemas.MonitoringInterval(), lambda _session, interval: start_monitoring(interval)),
    "stop_monitoring": Action(schemas.NothingToChoose(), lambda _session: stop_monitoring()),
}

screen = tool_blueprint("screen", "Screen", ACTIONS)
screen_calls = DetailBlueprint("screen-calls", __name__, url_prefix="/api/tools/screen", description="The screen")


@screen_calls.route("/capture", methods=["POST"])
@screen_calls.response(200, ToolAnswer())
@screen_calls.alt_response(503, schema=Refusal(), description="The screen can't be captured here")
def capture() -> Any:
    """Take a picture of the whole screen."""
    return _enveloped(_captured(), CAPTURED)


@screen_calls.route("/analyze", methods=["POST"])
@screen_calls.arguments(schemas.WantedCapture(), required=False)
@screen_calls.response(200, ToolAnswer())
@screen_calls.alt_response(404, schema=Refusal(), description="There is no such capture")
@screen_calls.alt_response(503, schema=Refusal(), description="There is no capture, and none can be made here")
def analyze(wanted: dict[str, Any] | None) -> Any:
    """Read what a capture shows: its words, and signs of errors among them."""
    return _enveloped(_analyzed(wanted["image_path"] if wanted else None), "Screen analysis completed")


def _enveloped(data: dict[str, Any], message: str) -> dict[str, Any]:
    return {"success": True, "data": data, "message": message, "timestamp": timestamp()}
