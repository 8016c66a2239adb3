"""What the desktop's shell asks of the server beside the tools: how it is, and to end."""

import os
import signal
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from backend.assistant.services.llm.service import Llm
from backend.assistant.services.status import model_status
from backend.core.errors import RequestRefusedError
from backend.core.origins import Origins

#: What drivers of graphics cards leave in the file system.
GPUS = ("/dev/nvidiactl", "/dev/kfd", "/System/Library/Frameworks/Metal.framework")
#: Headers by which proxies say whom they speak for, in a WSGI environment.
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_VIA")
BEFORE_PROXY_FIX = "werkzeug.proxy_fix.orig"
NOT_ALLOWED = (
    "Shutting down from outside is not allowed here: set ALLOW_SHUTDOWN=on, as python backend/server.py does by itself."
)
NOT_LOCAL = "Only programs on this machine that call the server directly may shut it down."
NO_SERVER = "There is no server here that could be shut down: run python backend/server.py, or gunicorn."


def health(llm: Llm) -> dict[str, Any]:
    """What the shell asks every half minute: alive, and what a model would find."""
    return {
        "status": "ok",
        "model_loaded": model_status(llm)["loaded"],
        "gpu_available": any(Path(path).exists() for path in GPUS),
    }


def server_process(environ: Mapping[str, Any]) -> int:
    """The process that is the server for as long as it runs: gunicorn's master, or else this process."""
    return os.getppid() if _is_gunicorn(environ) else os.getpid()


def refuse_shutdown(environ: Mapping[str, Any], allowed: bool, origins: Origins) -> None:
    """Raise a refusal (403) unless the caller of this request may end the server, and there is one to end."""
    if not allowed:
        raise RequestRefusedError(403, NOT_ALLOWED)
    peer = environ.get(BEFORE_PROXY_FIX, environ).get("REMOTE_ADDR") or ""
    origin = environ.get("HTTP_ORIGIN")
    if not _is_loopback(peer) or any(name in environ for name in FORWARDED):
        raise RequestRefusedError(403, NOT_LOCAL)
    if origin is not None and not origins.lets_in(origin):
        raise RequestRefusedError(403, NOT_LOCAL)
    if not _is_gunicorn(environ):
        raise RequestRefusedError(403, NO_SERVER)


def shut_down(server: int) -> None:
    """Let the server end as it does when the system tells it to: what runs may finish."""
    os.kill(server, signal.SIGTERM)


def _is_gunicorn(environ: Mapping[str, Any]) -> bool:
    return str(environ.get("SERVER_SOFTWARE", "")).startswith("gunicorn")


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
