"""The tools as callers see them: one action, its parameters, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

from flask import Flask
from sqlalchemy import text

from backend import create_app
from backend.assistant.models import db
from backend.core.session import Session
from backend.core.sessions import open_session
from backend.core.settings import Settings


@dataclass
class Tools:
    """An application, and the address of its database."""

    app: Flask
    url: str
    directory: Path

    def post(self, tool: str, action: str, **parameters: Any) -> Any:
        """The answer to one action."""
        body = {"action": action, "parameters": parameters}
        return self.app.test_client().post(f"/api/tools/{tool}", json=body, base_url="http://127.0.0.1")

    def finance(self, action: str, **parameters: Any) -> Any:
        """What finance answers to an action that must succeed."""
        return self._done("finance", action, parameters)

    def time(self, action: str, **parameters: Any) -> Any:
        """What time tracking answers to an action that must succeed."""
        return self._done("time-tracking", action, parameters)

    def refused(self, tool: str, action: str, status: int, **parameters: Any) -> Any:
        """The detail of a refusal."""
        answer = self.post(tool, action, **parameters)
        assert answer.status_code == status, answer.text
        return answer.json["detail"]

    def project(self, **values: Any) -> int:
        """A new project's id."""
        return self.finance("create_project", **{"name": "Website", "client_name": "Example Ltd."} | values)["id"]

    def restarted(self) -> Tools:
        """A new process would see no more than this: another application on the same database."""
        return tools_on(self.url, self.directory)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction of its own, for services that are told the time."""
        with self.app.app_context(), open_session(db.engine) as session:
            yield session

    def sql(self, statement: str) -> list[Any]:
        """The rows behind the answers."""
        with self.app.app_context(), db.engine.begin() as connection:
            result = connection.execute(text(statement))
            return list(result) if result.returns_rows else []

    def _done(self, tool: str, action: str, parameters: dict[str, Any]) -> Any:
        answer = self.post(tool, action, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json["data"]


def tools_on(url: str, directory: Path) -> Tools:
    """The tools on a database, which is migrated."""
    environment = {
        "ASSISTANT_DATABASE_URL": url,
        "AUTO_MIGRATE": "true",
        "LOG_LEVEL": "ERROR",
        "DATA_DIR": str(directory / "data"),
    }
    return Tools(create_app("assistant", Settings.from_environment("assistant", environment)), url, directory)


def at_once(times: int, work: Callable[[], Any]) -> list[Any]:
    """What `work` returns when it is begun so many times at the same moment."""
    barrier = Barrier(times, timeout=30)

    def begin() -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(times) as pool:
        return [future.result(60) for future in [pool.submit(begin) for _ in range(times)]]
