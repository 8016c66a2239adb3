"""The monolith as its callers see it: requests over HTTP, and a look into its database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from legacy.spot_db import Database

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Account:
    """A client of the server."""

    id: str
    name: str
    token: str


class SpotServer:
    """Talks to one monolith. ``body`` is sent as JSON; without it a request has neither body nor content type."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.db: Database = app.extensions["spot_db"]
        self._http = app.test_client()

    def send(self, method: str, path: str, body: Any = ..., token: str | None = None, **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not ...:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return self._http.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = ..., **options: Any) -> TestResponse:
        return self.send("POST", path, body, **options)

    def put(self, path: str, body: Any = ..., **options: Any) -> TestResponse:
        return self.send("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.send("DELETE", path, **options)

    def account(self, name: str) -> Account:
        created = self.post("/api/admin/clients/create", {"name": name}).json["client"]
        return Account(created["id"], created["name"], created["token"])

    def registration(self, account: Account, logical_id: str, **fields: Any) -> dict[str, Any]:
        return {
            "client_token": account.token,
            "hostname": f"host-{logical_id}",
            "logical_agent_id": logical_id,
            "instance_id": f"i-{logical_id}",
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1a",
            "ami_id": "ami-1",
            "mode": "ondemand",
            "agent_version": "4.0.0",
            "private_ip": "10.0.0.1",
            "public_ip": "54.0.0.1",
            **fields,
        }

    def agent(self, account: Account, logical_id: str, **fields: Any) -> str:
        body = self.registration(account, logical_id, **fields)
        return self.post("/api/agents/register", body, token=account.token).json["agent_id"]

    def pool(self, az: str, instance_type: str = "t3.medium") -> str:
        pool_id = f"{instance_type}.{az}"
        self.db.execute(
            "INSERT INTO spot_pools (id, instance_type, region, az) VALUES (%s, %s, %s, %s)",
            (pool_id, instance_type, az[:-1], az),
        )
        return pool_id

    def row(self, table: str, **where: Any) -> dict[str, Any]:
        """The only row of the table that matches."""
        (row,) = self.rows(table, **where)
        return row

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        conditions = " AND ".join(f"{column} = %s" for column in where) or "1 = 1"
        return self.db.fetch_all(f"SELECT * FROM {table} WHERE {conditions}", list(where.values()))

    def messages(self, table: str = "notifications") -> list[str | None]:
        """Texts of notifications or of system events, oldest first as far as the database knows."""
        return [row["message"] for row in self.rows(table)]
