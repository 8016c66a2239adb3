"""The calls of the desktop's shell: `/health`, `/capture-screen`, `/start-` and `/stop-monitoring`, `/shutdown`."""

import time
from typing import Any

from flask import Flask, current_app, jsonify, request

from backend.assistant.api.llm_access import language_model
from backend.assistant.api.screen import CAPTURED, monitoring, take_picture
from backend.assistant.api.screen import start_monitoring as start
from backend.assistant.api.screen import stop_monitoring as stop
from backend.assistant.schemas import shell as schemas
from backend.assistant.schemas.tools import Refusal
from backend.assistant.services import shell as service
from backend.assistant.services.screen.refusals import ScreenUnavailableError
from backend.assistant.settings.shell import ShellSettings
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.settings import Settings

EXTENSION = "shell"

shell = DetailBlueprint("shell", __name__, description="The calls of the desktop's shell")


def install_shell(app: Flask) -> None:
    """Tell `app` whether it may be shut down from outside; raises SettingsError."""
    settings: Settings = app.extensions["settings"]
    app.extensions[EXTENSION] = ShellSettings.read(settings.read)


@shell.route("/health", methods=["GET"])
@shell.response(200, schemas.ShellHealth())
def shell_health() -> Any:
    """Whether the server is alive. The shell asks all the time: monitoring whose process has ended goes on here."""
    monitoring().go_on(service.server_process(request.environ))
    return service.health(language_model())


@shell.route("/capture-screen", methods=["POST"])
@shell.response(200, schemas.Captured())
def capture_screen() -> Any:
    """Take a picture of the screen; the answer says why there is none."""
    try:
        made = take_picture()
    except ScreenUnavailableError as error:
        return {"success": False, "message": error.text, "timestamp": time.time()}
    return {
        "success": True,
        "message": CAPTURED,
        "filepath": str(made.path),
        "timestamp": made.taken,
        "size": made.size,
        "dimensions": [made.width, made.height],
    }


@shell.route("/start-monitoring", methods=["POST"])
@shell.arguments(schemas.MonitoringOrder())
@shell.response(200, schemas.MonitoringStarted())
@shell.alt_response(503, schema=Refusal(), description="The screen can't be captured here")
def start_monitoring(order: dict[str, Any]) -> Any:
    """Capture the screen now and then every so many seconds; where it is captured already, as often from now on."""
    return start(order["interval"])


@shell.route("/stop-monitoring", methods=["POST"])
@shell.response(200, schemas.MonitoringStopped())
@shell.alt_response(503, schema=Refusal(), description="A capture that is under way does not end")
def stop_monitoring() -> Any:
    """Capture the screen no more."""
    return stop()


@shell.route("/shutdown", methods=["POST"])
@shell.response(200, schemas.ShutdownBegun())
@shell.alt_response(403, schema=Refusal(), description="This caller may not, or nobody may")
def shutdown() -> Any:
    """End the server, gracefully, once this is answered."""
    settings: ShellSettings = current_app.extensions[EXTENSION]
    service.refuse_shutdown(request.environ, settings.allow_shutdown, settings.origins)
    answer = jsonify(message="Shutdown initiated")
    server = service.server_process(request.environ)
    answer.call_on_close(lambda: service.shut_down(server))
    return answer
