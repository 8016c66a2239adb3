"""The assistant: its recorded traffic against the native side, then its tools at work, then (on request) its model.

There is no monolith to run beside it: it is known by recordings alone, so the recorded answers are the control.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from demo.servers import gunicorn
from demo.telling import cutover, say

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests" / "recordings" / "assistant"
REPORT = Path("parity-report")


def main() -> int:
    """Run the demo; answers its exit status: 0 where nothing differs without a reason."""
    began = time.monotonic()
    work = (Path("var") / "demo-assistant").resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    say("Replaying recorded traffic; what was recorded is right ...")
    status = cutover(
        "replay",
        *map(str, sorted(RECORDINGS.glob("*.har"))),
        *("--control", "recording", "--candidate", "backend:create_app('assistant')", "--domain", "assistant"),
        *("--report", str(REPORT)),
    )
    environment = {
        "CUTOVER_DOMAINS": "assistant",
        "CUTOVER_LEDGER_URL": f"sqlite:///{work / 'ledger.sqlite3'}",
        "ASSISTANT_DATABASE_URL": f"sqlite:///{work / 'assistant.sqlite3'}",
        "DATA_DIR": str(work / "data"),
    }
    with gunicorn("wsgi:application", environment, work / "server.log", ready="/readyz") as url:
        say("Two workers serve it. Money, time and passwords:")
        for tool, action, parameters in _CALLS:
            _show(url, tool, action, parameters)
        if os.environ.get("LLM") == "1":
            say("The same two workers share one process with a small language model:")
            status = _chat(environment) or status
    say(
        f"""Done in {time.monotonic() - began:.0f} s. Open {REPORT / "report.html"} in a browser.

Try next:
  make demo DOMAIN=assistant LLM=1     # chat with a small model in the terminal; compiles llama.cpp the first time
  CUTOVER_DOMAINS=assistant .venv/bin/gunicorn --config deploy/gunicorn.conf.py wsgi:application"""
    )
    return status


_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
_QUESTION = "In one sentence: what makes the tides?"
_CALLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "finance",
        "add_transaction",
        {"type": "income", "amount": "1200.00", "description": "Website", "category": "Web"},
    ),
    ("finance", "add_transaction", {"amount": "19.99", "description": "IDE", "category": "Software"}),
    ("finance", "balance", {}),
    ("password", "generate", {"length": 20}),
)


def _chat(environment: dict[str, str]) -> int:
    """Pull the model that `make llm` keeps and talk to it: with whoever sits at a terminal, else one question."""
    model = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cutover" / "llm" / "models" / _MODEL
    asked = {**os.environ, **environment}
    pulled = subprocess.run(
        [sys.executable, "-m", "migration.cli", "models", "pull", str(model)], env=asked, check=False
    )
    if pulled.returncode:
        return pulled.returncode
    question = None if sys.stdin.isatty() else _QUESTION
    if question:
        print(f"> {question}", flush=True)
    chat = [sys.executable, "-m", "backend.assistant.chat", "--max-tokens", "64"]
    return subprocess.run(chat, input=question, text=True, env=asked, check=False).returncode


def _show(url: str, tool: str, action: str, parameters: dict[str, Any]) -> None:
    answer = _post(f"{url}/api/tools/{tool}", {"action": action, "parameters": parameters})
    print(f"  {tool} {action} {json.dumps(parameters)}\n    -> {json.dumps(answer['data'])}")


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (our own http URL)
        return json.load(answer)
