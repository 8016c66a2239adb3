"""What the assistant says of itself: health, readiness, and which tools there are."""

from typing import Any

from backend.assistant.services.llm.model_files import size_in_words
from backend.assistant.services.llm.refusals import LlmRefusedError
from backend.assistant.services.llm.service import Llm
from backend.assistant.services.system import VERSION, memory_usage, system_info, timestamp, uptime
from backend.core.readiness import Snapshot
from backend.core.readiness_checks import READY

#: The check that tells of the model's supervisor.
SUPERVISOR = "llama_supervisor"

TOOLS = {
    "finance": {
        "description": "Financial tracking and management",
        "actions": ["balance", "transactions", "add_transaction", "add_budget", "reports"],
        "endpoint": "/api/tools/finance",
    },
    "time_tracking": {
        "description": "Time tracking and productivity monitoring",
        "actions": ["start", "stop", "report", "projects", "activities"],
        "endpoint": "/api/tools/time-tracking",
    },
    "password_manager": {
        "description": "Secure password management",
        "actions": ["generate", "store", "retrieve", "list", "delete"],
        "endpoint": "/api/tools/password",
    },
    "music_player": {
        "description": "Music playback and library management",
        "actions": ["play", "pause", "next", "previous", "search", "playlist"],
        "endpoint": "/api/tools/music",
    },
    "screen_capture": {
        "description": "Screen capture and analysis",
        "actions": ["capture", "analyze", "start_monitoring", "stop_monitoring"],
        "endpoint": "/api/tools/screen",
    },
}


def health(pid: int, llm: Llm) -> dict[str, Any]:
    """The process is alive: `pid` is its id."""
    return {
        "status": "ok",
        "version": VERSION,
        "uptime": uptime(),
        "timestamp": timestamp(),
        "pid": pid,
        "memory_usage": memory_usage(),
        "system_info": system_info(),
        "model_status": model_status(llm),
    }


def model_status(llm: Llm) -> dict[str, Any]:
    """Which model is loaded, if any; a supervisor that gives no answer serves none."""
    try:
        model = llm.status()["model"]
    except LlmRefusedError:
        model = None
    if model is None:
        return {"loaded": False, "model_name": None}
    return {"loaded": True, "model_name": model["name"], "model_size": size_in_words(model["size"])}


def readiness(snapshot: Snapshot) -> dict[str, Any]:
    """Ready when everything that requests need is: a loaded model is not among it."""
    supervisor = snapshot.checks[SUPERVISOR]
    return {
        "ready": snapshot.is_ready,
        "services": {SUPERVISOR: supervisor.state == READY},
        "timestamp": timestamp(),
    }


def tools() -> dict[str, Any]:
    """The tools, with the actions that clients have always been told of; `/docs` describes all there are."""
    return {
        "success": True,
        "data": TOOLS,
        "message": "Available tools listed successfully",
        "timestamp": timestamp(),
    }
