"""Making recordings in tests: drive a WSGI application as a caller would, and keep what was said as HAR."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.test import Client


class RecordingCaller:
    """Calls an application in this process and remembers every exchange."""

    def __init__(self, app: Any) -> None:
        self._client = Client(app)
        self.entries: list[dict[str, Any]] = []

    def __call__(self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Send one request; answers the parsed JSON, or the text of what isn't JSON."""
        headers = dict(headers or {})
        data = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        started = datetime.now(UTC)
        answer = self._client.open(target, method=method, data=data, headers=headers)
        text = answer.get_data(as_text=True)
        self.entries.append(
            {
                "startedDateTime": started.isoformat(),
                "time": 1.0,
                "request": {
                    "method": method,
                    "url": f"http://shop.test{target}",
                    "headers": [{"name": name, "value": value} for name, value in headers.items()],
                    **({"postData": {"mimeType": "application/json", "text": data.decode()}} if data else {}),
                },
                "response": {
                    "status": answer.status_code,
                    "headers": [{"name": name, "value": value} for name, value in answer.headers],
                    "content": {"mimeType": answer.mimetype, "text": text},
                },
            }
        )
        return answer.get_json() if answer.is_json else text

    def write(self, path: Path) -> Path:
        """Write what was recorded as HAR 1.2."""
        log = {"version": "1.2", "creator": {"name": "tests", "version": "1"}, "entries": self.entries}
        path.write_text(json.dumps({"log": log}))
        return path
