"""The spot optimizer's central server as it was before the migration: one module, 63 routes, SQL in the handlers.

The wire is kept exactly as it was measured, faults included: routes that always failed still fail, and with the text
they always had. Every statement commits by itself, so a request that fails half way leaves its first half behind.

Two process faults are gone, because they would only get in the way of a comparison: a lookup that matches two rows
does not lose its connection, and a restart happens inside the process.
"""

from __future__ import annotations

import calendar
import importlib
import json
import logging
import os
import secrets
import string
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import flask
from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from flask_cors import CORS
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import FileStorage
from werkzeug.local import LocalProxy
from werkzeug.utils import secure_filename

from legacy import spot_jobs
from legacy.spot_db import NOW, Database, Expression

logger = logging.getLogger(__name__)

Row = dict[str, Any]
View = Callable[..., ResponseReturnValue]

MAX_REQUEST_BYTES = 100 * 1024 * 1024
FALLBACK_ONDEMAND_PRICE = 0.0416  # US dollars an hour, used when no price is known
MODEL_EXTENSIONS = (".h5", ".joblib", ".onnx", ".pb", ".pkl", ".pt", ".pth")
ENGINE_EXTENSIONS = (".joblib", ".pkl", ".py")

# ======================================================================================================================
# Configuration
# ======================================================================================================================


def configured_database_url() -> str:
    """The URL from ``SPOT_DATABASE_URL`` or ``DATABASE_URL``, else built from the old ``DB_*`` names, else SQLite."""
    env = os.environ
    if url := env.get("SPOT_DATABASE_URL") or env.get("DATABASE_URL"):
        return url
    if "DB_HOST" not in env:
        return "sqlite:///var/spot.sqlite3"
    user, password = quote(env.get("DB_USER", "spotuser"), safe=""), quote(env.get("DB_PASSWORD", ""), safe="")
    name = env.get("DB_NAME", "spot_optimizer")
    return f"mysql://{user}:{password}@{env['DB_HOST']}:{env.get('DB_PORT', '3306')}/{name}"


def configured_directory(variable: str, default: str) -> Path:
    """The directory that a variable names. It exists afterwards; raises ValueError where it can't be made."""
    directory = Path(os.environ.get(variable) or default)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{variable} names {directory}, which can't be made: {error.strerror}.") from error
    return directory


def is_switched_on(variable: str) -> bool:
    return os.environ.get(variable, "false").lower() == "true"


# ======================================================================================================================
# Application
# ======================================================================================================================


class Request(flask.Request):
    """A request that the token check stamps with its caller; before that, ``client_id`` does not exist."""

    client_id: str


class Server(Flask):
    """Flask with the request above."""

    request_class = Request


routes = Blueprint("spot", __name__)
request = cast(Request, flask.request)


def create_app(database_url: str | None = None, may_run_job: spot_jobs.MayRun = spot_jobs.always) -> Flask:
    """Build the monolith on a database, by default the configured one, and run its start-up steps.

    ``may_run_job`` is asked before every run of a background job, and before the growth table is filled, whether the
    job of this name is still the monolith's. An unreachable database does not stop the start: every route that needs
    it fails until it is back.
    """
    app = Server(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.config["MODEL_DIR"] = configured_directory("MODEL_DIR", "var/legacy/models")
    app.config["DECISION_ENGINE_DIR"] = configured_directory("DECISION_ENGINE_DIR", "var/legacy/decision_engines")
    # The old server restarted three seconds after it had said so. Here the default is at once, inside the request:
    # whoever replays a recording faster than it was made then finds everything that a restart leaves behind.
    app.config["RESTART_DELAY_SECONDS"] = float(os.environ.get("RESTART_DELAY_SECONDS", "0"))
    CORS(app)
    app.register_blueprint(routes)

    database = Database(database_url or configured_database_url(), int(os.environ.get("DB_POOL_SIZE", "10")))
    app.extensions["spot_db"] = database
    app.extensions["spot_may_run_job"] = may_run_job
    app.extensions["spot_engine"] = DecisionEngineManager(app.config["MODEL_DIR"], database)
    try:
        database.create_schema()
    except Exception as error:
        logger.warning("The tables could not be created: %s", error)
    with app.app_context():
        start_up()
    if is_switched_on("ENABLE_BACKGROUND_JOBS"):
        spot_jobs.start_scheduler(database, may_run_job)
    if is_switched_on("ENABLE_COORDINATOR"):
        spot_jobs.start_coordinator(database, may_run_job)
    return app


def start_up() -> None:
    """What every start and every restart does: load the engine, fill an empty growth table."""
    engine.load()
    if not current_app.extensions["spot_may_run_job"](spot_jobs.backfill_client_growth.__name__):
        return
    try:
        spot_jobs.backfill_client_growth(current_app.extensions["spot_db"])
    except Exception as error:
        logger.warning("The growth table could not be filled: %s", error)


def restart() -> None:
    """Run the start-up steps again, after ``RESTART_DELAY_SECONDS``, without dropping a request."""
    delay = current_app.config["RESTART_DELAY_SECONDS"]
    if delay <= 0:
        start_up()
        return
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def start_up_later() -> None:
        with app.app_context():
            start_up()

    timer = threading.Timer(delay, start_up_later)
    timer.daemon = True
    timer.start()


# ======================================================================================================================
# Database access
# ======================================================================================================================

db = cast(Database, LocalProxy(lambda: current_app.extensions["spot_db"]))


def insert(table: str, values: Mapping[str, Any]) -> None:
    """Insert a row. An ``Expression`` among the values goes into the statement, everything else is bound."""
    slots = ", ".join(slot(value) for value in values.values())
    db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({slots})", bound(values))


def update(table: str, values: Mapping[str, Any], where: str, *parameters: Any) -> None:
    """Update the rows that match, in the same terms as ``insert``."""
    assignments = ", ".join(f"{column} = {slot(value)}" for column, value in values.items())
    db.execute(f"UPDATE {table} SET {assignments} WHERE {where}", [*bound(values), *parameters])


def slot(value: Any) -> str:
    return value if isinstance(value, Expression) else "%s"


def bound(values: Mapping[str, Any]) -> list[Any]:
    return [value for value in values.values() if not isinstance(value, Expression)]


def utcnow() -> datetime:
    """The process clock in UTC, without a zone, as the database's columns have it."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_id() -> str:
    """A UUID of version 4 whose first 48 bits tell the time, so that rows of one second keep the order they came in."""
    ticks = time.time_ns() // 10_000
    return str(uuid.UUID(bytes=ticks.to_bytes(6) + secrets.token_bytes(10), version=4))


def new_client_token() -> str:
    return "token-" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32))


def iso(moment: date | None) -> str | None:
    return moment.isoformat() if moment else None


def number(value: Decimal | float | None) -> float:
    return float(value) if value else 0.0


def number_or_null(value: Decimal | float | None) -> float | None:
    """Zero means unknown here, as everywhere in the old server."""
    return float(value) if value else None


def rounded(value: Decimal | float | None, places: int) -> float:
    """An aggregate at the scale that MySQL's exact arithmetic gives it; floats would add noise."""
    return round(number(value), places)


def whole_hours_since(moment: datetime | None) -> int:
    return int((utcnow() - moment).total_seconds() / 3600) if moment else 0


def days_argument(default: int, highest: int) -> int:
    return max(1, min(request.args.get("days", default, type=int), highest))


def log_event(
    event_type: str,
    severity: str,
    message: str | None,
    client_id: str | None = None,
    agent_id: str | None = None,
    instance_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Add a system event. A failure, for example an agent that does not exist, loses the event and nothing else."""
    try:
        insert(
            "system_events",
            {
                "event_type": event_type,
                "severity": severity,
                "client_id": client_id,
                "agent_id": agent_id,
                "instance_id": instance_id,
                "message": message,
                "metadata": json.dumps(metadata) if metadata else None,
            },
        )
    except Exception as error:
        logger.warning("System event %s lost: %s", event_type, error)


def notify(message: str, severity: str, client_id: str | None) -> None:
    """Add a notification for a client. A failure loses it and nothing else."""
    try:
        insert(
            "notifications",
            {"id": new_id(), "message": message, "severity": severity, "client_id": client_id, "created_at": NOW},
        )
    except Exception as error:
        logger.warning("Notification lost: %s", error)


# ======================================================================================================================
# Decorators. Their order on a route is part of the wire: what stands above ``errors_as_json`` fails with an HTML page.
# ======================================================================================================================


def errors_as_json(view: View) -> View:
    """Answer any exception, HTTP errors included, with 500 and its text."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        try:
            return view(*args, **kwargs)
        except Exception as error:
            logger.warning("%s %s failed: %s", request.method, request.path, error)
            return jsonify(error=str(error)), 500

    return guarded


def json_body(view: View) -> View:
    """Pass the JSON body as ``data``; anything empty counts as an empty object."""

    @wraps(view)
    def reading(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        return view(*args, data=request.get_json() or {}, **kwargs)

    return reading


def raw_json_body(view: View) -> View:
    """Pass the JSON body as ``data``, whatever it is."""

    @wraps(view)
    def reading(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        return view(*args, data=request.get_json(), **kwargs)

    return reading


def require_client_token(view: View) -> View:
    """Let a request pass that carries an active client's token, in the header or in the body, and stamp it."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        token = request.headers.get("Authorization", "").strip().replace("Bearer ", "").strip()
        if not token:
            token = (request.get_json() or {}).get("client_token", "").strip()
        if not token:
            return jsonify(error="Missing client token"), 401
        client = db.fetch_one("SELECT id, is_active FROM clients WHERE client_token = %s", (token,))
        if not client:
            log_event("auth_failed", "warning", f"Invalid client token attempt for endpoint {request.path}")
            return jsonify(error="Invalid client token"), 401
        if not client["is_active"]:
            message = f"Inactive client {client['id']} attempted access"
            log_event("auth_failed", "warning", message, client["id"])
            return jsonify(error="Client account is not active"), 403
        request.client_id = client["id"]
        return view(*args, **kwargs)

    return checked


# ======================================================================================================================
# Validation
# ======================================================================================================================


class AgentRegistrationSchema(Schema):
    """The body of a registration. Absent is allowed where nothing is required; null nowhere."""

    client_token = fields.Str(required=True)
    hostname = fields.Str(validate=validate.Length(max=255))
    logical_agent_id = fields.Str(required=True, validate=validate.Length(max=255))
    instance_id = fields.Str(required=True)
    instance_type = fields.Str(required=True, validate=validate.Length(max=64))
    region = fields.Str(required=True)
    az = fields.Str(required=True)
    ami_id = fields.Str()
    mode = fields.Str(load_default="unknown", validate=validate.OneOf(["spot", "ondemand", "unknown"]))
    agent_version = fields.Str(validate=validate.Length(max=32))
    private_ip = fields.Str(validate=validate.Length(max=45))
    public_ip = fields.Str(validate=validate.Length(max=45))


class ForceSwitchSchema(Schema):
    """The body of a manual switch."""

    target = fields.Str(required=True, validate=validate.OneOf(["ondemand", "pool", "spot"]))
    pool_id = fields.Str(validate=validate.Length(max=128))
    new_instance_type = fields.Str(validate=validate.Length(max=50))


def validation_failure(error: ValidationError) -> ResponseReturnValue:
    return jsonify(error="Validation failed", details=error.messages), 400


# ======================================================================================================================
# Decision engine
# ======================================================================================================================


class DecisionEngineManager:
    """Holds the engine object that the configuration names.

    ``loaded`` says that the last load succeeded, not that any model was read.
    """

    def __init__(self, model_dir: Path, database: Database) -> None:
        self._model_dir = model_dir
        self._database = database
        self._engine: Any = None
        self.type: str | None = None
        self.version: str | None = None
        self.loaded = False

    def load(self) -> bool:
        """Create the engine anew. Python keeps the imported module, so uploaded code waits for the next process."""
        module_name = os.environ.get("DECISION_ENGINE_MODULE", "legacy.decision_engines.ml_based_engine")
        class_name = os.environ.get("DECISION_ENGINE_CLASS", "MLBasedDecisionEngine")
        try:
            engine_class = getattr(importlib.import_module(module_name), class_name)
            self._engine = engine_class(model_dir=self._model_dir, db_connection_func=lambda: self._database)
            self._engine.load()
            self.type = class_name
            self.version = getattr(self._engine, "version", "unknown")
            self.loaded = True
            log_event("decision_engine_loaded", "info", f"Decision engine {class_name} loaded successfully")
            self._register_models()
        except Exception as error:
            logger.warning("Decision engine %s not loaded: %s", class_name, error)
            self.loaded = False
        return self.loaded

    def _register_models(self) -> None:
        if not hasattr(self._engine, "get_model_info"):
            return
        try:
            for model in self._engine.get_model_info():
                db.upsert(
                    "model_registry",
                    {
                        "id": model.get("id") or new_id(),
                        "model_name": model.get("name"),
                        "model_type": model.get("type"),
                        "version": model.get("version"),
                        "file_path": model.get("file_path"),
                        "is_active": model.get("is_active", True),
                        "performance_metrics": json.dumps(model.get("metrics", {})),
                        "config": json.dumps(model.get("config", {})),
                        "loaded_at": NOW,
                    },
                    key=("model_name", "version"),
                    update=("is_active", "loaded_at"),
                )
        except Exception as error:
            logger.warning("Models not registered: %s", error)

    def decide(
        self, instance: Row, pricing: Any, config: Row, recent_switches_count: int, last_switch_time: datetime | None
    ) -> Row:
        """Ask the engine with the keyword call; an engine that cannot answer means staying put."""
        if not self.loaded:
            return staying_put(instance, "Decision engine unavailable - staying in current mode for safety")
        question = {
            "instance": instance,
            "pricing": pricing,
            "config": config,
            "recent_switches_count": recent_switches_count,
            "last_switch_time": last_switch_time,
        }
        started = time.monotonic()
        try:
            decision: Row = self._engine.make_decision(**question)
        except Exception as error:
            log_event("decision_error", "error", str(error), instance_id=instance.get("instance_id"))
            return staying_put(instance, "Decision engine unavailable - staying in current mode for safety")
        self._log(question, decision, int((time.monotonic() - started) * 1000))
        return decision

    def _log(self, question: Row, decision: Row, milliseconds: int) -> None:
        try:
            models_used = self._engine.get_models_used() if hasattr(self._engine, "get_models_used") else []
            insert(
                "decision_engine_log",
                {
                    "engine_type": self.type,
                    "engine_version": self.version,
                    "instance_id": question["instance"].get("instance_id"),
                    "input_data": json.dumps(question, default=str),
                    "output_decision": json.dumps(decision, default=str),
                    "execution_time_ms": milliseconds,
                    "models_used": json.dumps(models_used),
                },
            )
        except Exception as error:
            logger.warning("Decision not logged: %s", error)

    def recommend(self, instance: Row, pricing: Row, market: Row) -> Row:
        """Ask the engine with the positional call. Its errors are the caller's."""
        if self.loaded:
            recommendation: Row = self._engine.make_decision(instance, pricing, market)
            return recommendation
        spot, on_demand = pricing["spot_price"], pricing["ondemand_price"]
        savings = on_demand - spot if spot and on_demand else 0
        percent = savings / on_demand * 100 if savings else 0.0
        return {
            "decision_type": "stay_spot" if instance["current_mode"] == "spot" else "stay_ondemand",
            "recommended_pool_id": instance["current_pool_id"],
            "risk_score": 0.3,
            "expected_savings": savings,
            "confidence": 0.6,
            "reason": f"Current configuration optimal ({percent:.1f}% savings)",
        }


engine = cast(DecisionEngineManager, LocalProxy(lambda: current_app.extensions["spot_engine"]))


def staying_put(instance: Row, reason: str) -> Row:
    """The decision that changes nothing, for an instance as the request describes it."""
    return {
        "instance_id": instance.get("instance_id"),
        "risk_score": 0.0,
        "recommended_action": "stay",
        "recommended_mode": instance.get("current_mode"),
        "recommended_pool_id": instance.get("current_pool_id"),
        "expected_savings_per_hour": 0.0,
        "allowed": False,
        "reason": reason,
    }


# ======================================================================================================================
# Agent routes
# ======================================================================================================================

AGENT_WITH_CONFIG = """
    SELECT a.id, a.enabled, a.auto_switch_enabled, a.auto_terminate_enabled, a.manual_replica_enabled,
           a.terminate_wait_seconds, a.replica_enabled, a.replica_count,
           COALESCE(c.min_savings_percent, 15.00) AS min_savings_percent,
           COALESCE(c.risk_threshold, 0.30) AS risk_threshold,
           COALESCE(c.max_switches_per_week, 10) AS max_switches_per_week,
           COALESCE(c.min_pool_duration_hours, 2) AS min_pool_duration_hours
    FROM agents a LEFT JOIN agent_configs c ON c.agent_id = a.id
    WHERE a.id = %s AND a.client_id = %s
"""


def config_item(agent: Row) -> Row:
    return {
        "enabled": agent["enabled"],
        "auto_switch_enabled": agent["auto_switch_enabled"],
        "auto_terminate_enabled": agent["auto_terminate_enabled"],
        "terminate_wait_seconds": agent["terminate_wait_seconds"],
        "replica_enabled": agent["replica_enabled"],
        "replica_count": agent["replica_count"],
        "min_savings_percent": float(agent["min_savings_percent"]),
        "risk_threshold": float(agent["risk_threshold"]),
        "max_switches_per_week": agent["max_switches_per_week"],
        "min_pool_duration_hours": agent["min_pool_duration_hours"],
    }


@routes.post("/api/agents/register")
@require_client_token
@raw_json_body
def register_agent(data: Any) -> ResponseReturnValue:
    try:
        registration = AgentRegistrationSchema().load(data)
    except ValidationError as error:
        message = f"Agent registration validation failed: {error.messages}"
        log_event("validation_error", "warning", message, request.client_id)
        return validation_failure(error)
    try:
        agent_id = store_agent(registration)
        store_instance_unless_known(agent_id, registration)
        message = f"Agent {registration['logical_agent_id']} registered successfully"
        log_event("agent_registered", "info", message, request.client_id, agent_id, registration["instance_id"])
        agent = db.fetch_all(AGENT_WITH_CONFIG, (agent_id, request.client_id))[0]
        return jsonify(agent_id=agent_id, client_id=request.client_id, config=config_item(agent))
    except Exception as error:
        logger.warning("Registration failed: %s", error)
        log_event("agent_registration_failed", "error", str(error), request.client_id)
        return jsonify(error=str(error)), 500


def store_agent(registration: Row) -> str:
    """Renew the client's agent of this logical id, or add it. What an agent leaves out becomes NULL."""
    known = db.fetch_one(
        "SELECT id FROM agents WHERE FOLD(logical_agent_id) = FOLD(%s) AND client_id = %s",
        (registration["logical_agent_id"], request.client_id),
    )
    pool_id = f"{registration['instance_type']}.{registration['az']}" if registration["mode"] == "spot" else None
    state = {
        "status": "online",
        "hostname": registration.get("hostname"),
        "instance_id": registration["instance_id"],
        "instance_type": registration["instance_type"],
        "region": registration["region"],
        "az": registration["az"],
        "ami_id": registration.get("ami_id"),
        "current_mode": registration["mode"],
        "current_pool_id": pool_id,
        "agent_version": registration.get("agent_version"),
        "private_ip": registration.get("private_ip"),
        "public_ip": registration.get("public_ip"),
        "last_heartbeat_at": NOW,
    }
    if known:
        update("agents", {**state, "updated_at": NOW}, "id = %s", known["id"])
        return str(known["id"])
    agent_id = new_id()
    logical_id = registration["logical_agent_id"]
    insert("agents", {"id": agent_id, "client_id": request.client_id, "logical_agent_id": logical_id, **state})
    insert("agent_configs", {"agent_id": agent_id})
    notify(f"New agent registered: {logical_id}", "info", request.client_id)
    return agent_id


def store_instance_unless_known(agent_id: str, registration: Row) -> None:
    if db.fetch_one("SELECT id FROM instances WHERE id = %s", (registration["instance_id"],)):
        return
    instance_type, region, az = registration["instance_type"], registration["region"], registration["az"]
    on_demand = db.fetch_one(
        "SELECT price FROM ondemand_prices WHERE region = %s AND instance_type = %s LIMIT 1", (region, instance_type)
    ) or db.fetch_one(
        "SELECT price FROM ondemand_price_snapshots WHERE region = %s AND instance_type = %s"
        " ORDER BY captured_at DESC, id DESC LIMIT 1",
        (region, instance_type),
    )
    price = on_demand["price"] if on_demand else FALLBACK_ONDEMAND_PRICE
    spot_price: Any = 0
    if registration["mode"] == "spot":
        snapshot = db.fetch_one(
            "SELECT price FROM spot_price_snapshots WHERE pool_id = %s ORDER BY captured_at DESC, id DESC LIMIT 1",
            (f"{instance_type}.{az}",),
        )
        # A price from the database is a Decimal, and this product then fails: known, and part of the wire.
        spot_price = snapshot["price"] if snapshot else price * 0.3
    insert(
        "instances",
        {
            "id": registration["instance_id"],
            "client_id": request.client_id,
            "agent_id": agent_id,
            "instance_type": instance_type,
            "region": region,
            "az": az,
            "ami_id": registration.get("ami_id"),
            "current_mode": registration["mode"],
            "current_pool_id": None,
            "spot_price": spot_price,
            "ondemand_price": price,
            "baseline_ondemand_price": price,
            "is_active": True,
            "installed_at": NOW,
        },
    )


@routes.post("/api/agents/<agent_id>/heartbeat")
@require_client_token
@json_body
@errors_as_json
def agent_heartbeat(agent_id: str, data: Any) -> ResponseReturnValue:
    status = data.get("status", "online")
    agent = db.fetch_one("SELECT status FROM agents WHERE id = %s AND client_id = %s", (agent_id, request.client_id))
    if not agent:
        return jsonify(error="Agent not found"), 404
    reported = {
        "instance_id": data.get("instance_id"),
        "instance_type": data.get("instance_type"),
        "current_mode": data.get("mode"),
        "az": data.get("az"),
    }
    known = {column: value for column, value in reported.items() if value is not None}
    update(
        "agents",
        {"status": status, "last_heartbeat_at": NOW, **known},
        "id = %s AND client_id = %s",
        agent_id,
        request.client_id,
    )
    if status != agent["status"]:
        if status == "offline":
            notify(f"Agent {agent_id} went offline", "warning", request.client_id)
        elif status == "online" and agent["status"] == "offline":
            notify(f"Agent {agent_id} is back online", "info", request.client_id)
    update("clients", {"last_sync_at": NOW}, "id = %s", request.client_id)
    return jsonify(success=True)


@routes.get("/api/agents/<agent_id>/config")
@require_client_token
@errors_as_json
def agent_config(agent_id: str) -> ResponseReturnValue:
    agent = db.fetch_one(AGENT_WITH_CONFIG, (agent_id, request.client_id))
    if not agent:
        return jsonify(error="Agent not found"), 404
    return jsonify({**config_item(agent), "manual_replica_enabled": agent["manual_replica_enabled"]})


@routes.get("/api/agents/<agent_id>/pending-commands")
@require_client_token
@errors_as_json
def pending_commands(agent_id: str) -> ResponseReturnValue:
    columns = "id, instance_id, target_mode, target_pool_id, priority, terminate_wait_seconds, created_at"
    commands = db.fetch_all(
        f"SELECT {columns} FROM commands WHERE agent_id = %s AND status = 'pending' ORDER BY created_at, id",
        (agent_id,),
    ) + db.fetch_all(
        f"SELECT {columns} FROM pending_switch_commands WHERE agent_id = %s AND executed_at IS NULL ORDER BY id",
        (agent_id,),
    )
    commands.sort(key=lambda command: (-(command["priority"] or 0), command["created_at"] or datetime.min))
    return jsonify(
        [{**command, "id": str(command["id"]), "created_at": iso(command["created_at"])} for command in commands]
    )


@routes.post("/api/agents/<agent_id>/commands/<command_id>/executed")
@require_client_token
@json_body
@errors_as_json
def command_executed(agent_id: str, command_id: str, data: Any) -> ResponseReturnValue:
    success = data.get("success", True)
    outcome = {
        "status": "completed" if success else "failed",
        "success": success,
        "message": data.get("message", ""),
        "executed_at": NOW,
        "completed_at": NOW,
    }
    update("commands", outcome, "id = %s AND agent_id = %s", command_id, agent_id)
    if command_id.isdigit():
        update(
            "pending_switch_commands",
            {"executed_at": NOW, "execution_result": json.dumps(data)},
            "id = %s AND agent_id = %s",
            command_id,
            agent_id,
        )
    return jsonify(success=True)


@routes.post("/api/agents/<agent_id>/pricing-report")
@require_client_token
@raw_json_body
@errors_as_json
def pricing_report(agent_id: str, data: Any) -> ResponseReturnValue:
    instance = data.get("instance", {})
    pricing = data.get("pricing", {})
    instance_type, region = instance.get("instance_type"), instance.get("region")
    on_demand_price = pricing.get("on_demand_price")
    cheapest_pool = pricing.get("cheapest_pool") or {}
    spot_pools = pricing.get("spot_pools", [])

    update(
        "instances",
        {"ondemand_price": on_demand_price, "spot_price": pricing.get("current_spot_price"), "updated_at": NOW},
        "id = %s AND client_id = %s",
        instance.get("instance_id"),
        request.client_id,
    )
    insert(
        "pricing_reports",
        {
            "id": new_id(),
            "agent_id": agent_id,
            "instance_id": instance.get("instance_id"),
            "instance_type": instance_type,
            "region": region,
            "az": instance.get("az"),
            "current_mode": instance.get("mode"),
            "current_pool_id": instance.get("pool_id"),
            "on_demand_price": on_demand_price,
            "current_spot_price": pricing.get("current_spot_price"),
            "cheapest_pool_id": cheapest_pool.get("pool_id"),
            "cheapest_pool_price": cheapest_pool.get("price"),
            "spot_pools": json.dumps(spot_pools),
            "collected_at": pricing.get("collected_at"),
            "received_at": datetime.now(),
        },
    )
    for pool in spot_pools:
        db.upsert(
            "spot_pools",
            {"id": pool["pool_id"], "instance_type": instance_type, "region": region, "az": pool["az"]},
            key=("id",),
            update={"updated_at": NOW},
        )
        insert("spot_price_snapshots", {"pool_id": pool["pool_id"], "price": pool["price"]})
    if on_demand_price:
        insert("ondemand_price_snapshots", {"region": region, "instance_type": instance_type, "price": on_demand_price})
    return jsonify(success=True)


@routes.post("/api/agents/<agent_id>/switch-report")
@require_client_token
@raw_json_body
@errors_as_json
def switch_report(agent_id: str, data: Any) -> ResponseReturnValue:
    old, new = data.get("old_instance", {}), data.get("new_instance", {})
    timing, pricing = data.get("timing", {}), data.get("pricing", {})
    trigger = data.get("trigger")
    agent = db.fetch_one("SELECT auto_terminate_enabled FROM agents WHERE id = %s", (agent_id,))
    terminates_old = agent["auto_terminate_enabled"] if agent else True
    old_price = pricing.get("old_spot") or pricing.get("on_demand", 0)
    new_price = pricing.get("new_spot") or pricing.get("on_demand", 0)
    savings_impact = old_price - new_price

    described = ("instance_id", "instance_type", "region", "az", "mode", "pool_id", "ami_id")
    insert(
        "switches",
        {
            "id": new_id(),
            "client_id": request.client_id,
            "agent_id": agent_id,
            "command_id": data.get("command_id"),
            **{f"old_{name}": old.get(name) for name in described},
            **{f"new_{name}": new.get(name) for name in described},
            "on_demand_price": pricing.get("on_demand"),
            "old_spot_price": pricing.get("old_spot"),
            "new_spot_price": pricing.get("new_spot"),
            "savings_impact": savings_impact,
            "event_trigger": trigger,
            "trigger_type": trigger,
            "timing_data": json.dumps(timing),
            "initiated_at": timing.get("initiated_at"),
            "ami_created_at": timing.get("ami_created_at"),
            "instance_launched_at": timing.get("instance_launched_at"),
            "instance_ready_at": timing.get("instance_ready_at"),
            "old_terminated_at": timing.get("old_terminated_at"),
        },
    )
    if terminates_old and timing.get("old_terminated_at"):
        update(
            "instances",
            {"is_active": False, "terminated_at": timing["old_terminated_at"]},
            "id = %s AND client_id = %s",
            old.get("instance_id"),
            request.client_id,
        )
    db.upsert(
        "instances",
        {
            "id": new.get("instance_id"),
            "client_id": request.client_id,
            "agent_id": agent_id,
            "instance_type": new.get("instance_type"),
            "region": new.get("region"),
            "az": new.get("az"),
            "ami_id": new.get("ami_id"),
            "current_mode": new.get("mode"),
            "current_pool_id": new.get("pool_id"),
            "spot_price": pricing.get("new_spot", 0),
            "ondemand_price": pricing.get("on_demand"),
            "is_active": True,
            "installed_at": timing.get("instance_launched_at"),
            "last_switch_at": timing.get("instance_launched_at"),
        },
        key=("id",),
        update=("current_mode", "current_pool_id", "spot_price", "is_active", "last_switch_at"),
    )
    update(
        "agents",
        {
            "instance_id": new.get("instance_id"),
            "current_mode": new.get("mode"),
            "current_pool_id": new.get("pool_id"),
            "last_switch_at": NOW,
        },
        "id = %s",
        agent_id,
    )
    if savings_impact > 0:
        db.execute(
            "UPDATE clients SET total_savings = ROUND(total_savings + %s, 4) WHERE id = %s",
            (savings_impact * 24, request.client_id),
        )
    message = f"Instance switched: {new.get('instance_id')} - Saved ${savings_impact:.4f}/hr"
    notify(message, "info", request.client_id)
    log_event(
        "switch_completed",
        "info",
        f"Switch from {old.get('instance_id')} to {new.get('instance_id')}",
        request.client_id,
        agent_id,
        new.get("instance_id"),
        {"savings_impact": float(savings_impact)},
    )
    return jsonify(success=True)


@routes.post("/api/agents/<agent_id>/termination")
@require_client_token
@json_body
@errors_as_json
def agent_termination(agent_id: str, data: Any) -> ResponseReturnValue:
    reason = data.get("reason", "Unknown")
    update(
        "agents",
        {"status": "offline", "terminated_at": NOW},
        "id = %s AND client_id = %s",
        agent_id,
        request.client_id,
    )
    notify(f"Agent {agent_id} terminated: {reason}", "warning", request.client_id)
    log_event("instance_terminated", "warning", reason, request.client_id, agent_id, metadata=data)
    return jsonify(success=True)


@routes.post("/api/agents/<agent_id>/cleanup-report")
@require_client_token
@json_body
@errors_as_json
def cleanup_report(agent_id: str, data: Any) -> ResponseReturnValue:
    snapshots, amis = data.get("snapshots", {}), data.get("amis", {})
    deleted_snapshots = len(snapshots.get("deleted", []))
    deleted_amis = len(amis.get("deleted_amis", []))
    failed = len(snapshots.get("failed", [])) + len(amis.get("failed", []))
    insert(
        "cleanup_logs",
        {
            "agent_id": agent_id,
            "client_id": request.client_id,
            "cleanup_type": "full",
            "deleted_snapshots_count": deleted_snapshots,
            "deleted_amis_count": deleted_amis,
            "failed_count": failed,
            "details": json.dumps(data),
            "cutoff_date": snapshots.get("cutoff_date"),
            "executed_at": data.get("timestamp") or utcnow(),
        },
    )
    update("agents", {"last_cleanup_at": NOW}, "id = %s AND client_id = %s", agent_id, request.client_id)
    message = f"Cleaned {deleted_snapshots} snapshots, {deleted_amis} AMIs. Failed: {failed}"
    log_event("cleanup_completed", "info", message, request.client_id, agent_id, metadata=data)
    return jsonify(
        success=True,
        message="Cleanup report recorded",
        deleted_snapshots=deleted_snapshots,
        deleted_amis=deleted_amis,
        failed_count=failed,
    )


@routes.post("/api/agents/<agent_id>/rebalance-recommendation")
@require_client_token
@json_body
@errors_as_json
def rebalance_recommendation(agent_id: str, data: Any) -> ResponseReturnValue:
    instance_id = data.get("instance_id")
    agent = db.fetch_one(
        "SELECT instance_type, region, az, current_pool_id FROM agents WHERE id = %s AND client_id = %s",
        (agent_id, request.client_id),
    )
    if not agent:
        return jsonify(error="Agent not found"), 404
    since = utcnow() - timedelta(days=30)
    events = db.fetch_one(
        "SELECT COUNT(*) AS total FROM spot_interruption_events WHERE pool_id = %s AND detected_at >= %s",
        (agent["current_pool_id"], since),
    )
    risk = min((events["total"] if events else 0) / 30, 1.0)
    answer: Row = {
        "success": True,
        "action": "monitor",
        "risk_score": risk,
        "reason": f"Risk is acceptable ({risk * 100:.2f}%), continuing to monitor",
    }
    pool = calmest_other_pool(agent, since) if risk > 0.30 else None
    if pool:
        answer |= {
            "action": "switch",
            "reason": f"Current pool has elevated interruption risk ({risk * 100:.2f}%)",
            "target_mode": "spot",
            "target_pool_id": pool["id"],
            "target_pool_name": pool["pool_name"],
        }
    update(
        "agents",
        {"last_rebalance_recommendation_at": NOW},
        "id = %s AND client_id = %s",
        agent_id,
        request.client_id,
    )
    insert(
        "termination_events",
        {
            "agent_id": agent_id,
            "instance_id": instance_id,
            "event_type": "rebalance_recommendation",
            "detected_at": data.get("detected_at") or utcnow(),
            "status": "detected",
            "metadata": json.dumps({"risk_score": risk, "current_pool": agent["current_pool_id"]}),
        },
    )
    log_event(
        "rebalance_recommendation",
        "warning",
        f"Rebalance recommendation for {instance_id}. Risk: {risk * 100:.2f}%. Action: {answer['action']}",
        request.client_id,
        agent_id,
        metadata={"risk_score": risk, "action": answer["action"]},
    )
    return jsonify(answer)


def calmest_other_pool(agent: Row, since: datetime) -> Row | None:
    return db.fetch_one(
        """
        SELECT p.id, p.pool_name, COUNT(e.id) AS interruptions
        FROM spot_pools p LEFT JOIN spot_interruption_events e ON e.pool_id = p.id AND e.detected_at >= %s
        WHERE p.instance_type = %s AND p.region = %s AND p.az != %s AND p.is_active = 1
        GROUP BY p.id, p.pool_name, p.az ORDER BY interruptions, p.az LIMIT 1
        """,
        (since, agent["instance_type"], agent["region"], agent["az"]),
    )


@routes.get("/api/agents/<agent_id>/replica-config")
@require_client_token
@errors_as_json
def replica_config(agent_id: str) -> ResponseReturnValue:
    agent = db.fetch_one(
        "SELECT replica_enabled, replica_count FROM agents WHERE id = %s AND client_id = %s",
        (agent_id, request.client_id),
    )
    if not agent:
        return jsonify(error="Agent not found"), 404
    return jsonify(enabled=agent["replica_enabled"], count=agent["replica_count"])


DECISION_CONFIG = (
    "enabled",
    "auto_switch_enabled",
    "min_savings_percent",
    "risk_threshold",
    "max_switches_per_week",
    "min_pool_duration_hours",
)


@routes.post("/api/agents/<agent_id>/decide")
@require_client_token
@raw_json_body
@errors_as_json
def decide(agent_id: str, data: Any) -> ResponseReturnValue:
    instance, pricing = data["instance"], data["pricing"]
    agent = db.fetch_one(AGENT_WITH_CONFIG, (agent_id, request.client_id))
    if not agent or not agent["enabled"]:
        return jsonify(staying_put(instance, "Agent disabled"))
    recent = db.fetch_all(
        "SELECT initiated_at FROM switches WHERE agent_id = %s AND initiated_at >= %s",
        (agent_id, utcnow() - timedelta(days=7)),
    )
    last = db.fetch_one(
        "SELECT initiated_at FROM switches WHERE agent_id = %s ORDER BY initiated_at DESC LIMIT 1", (agent_id,)
    )
    config = {key: agent[key] for key in DECISION_CONFIG}
    decision = engine.decide(instance, pricing, config, len(recent), last["initiated_at"] if last else None)
    store_decision(agent_id, instance, pricing, decision)
    return jsonify(decision)


def store_decision(agent_id: str, instance: Row, pricing: Any, decision: Row) -> None:
    insert(
        "risk_scores",
        {
            "client_id": request.client_id,
            "instance_id": decision.get("instance_id"),
            "agent_id": agent_id,
            "risk_score": decision.get("risk_score"),
            "recommended_action": decision.get("recommended_action"),
            "recommended_pool_id": decision.get("recommended_pool_id"),
            "recommended_mode": decision.get("recommended_mode"),
            "expected_savings_per_hour": decision.get("expected_savings_per_hour"),
            "allowed": decision.get("allowed"),
            "reason": decision.get("reason"),
            "model_version": engine.version,
        },
    )
    try:
        insert(
            "agent_decision_history",
            {
                "agent_id": agent_id,
                "client_id": request.client_id,
                "decision_type": decision.get("recommended_action"),
                "recommended_action": decision.get("recommended_action"),
                "recommended_pool_id": decision.get("recommended_pool_id"),
                "risk_score": decision.get("risk_score"),
                "expected_savings": decision.get("expected_savings_per_hour"),
                "current_mode": instance.get("current_mode"),
                "current_pool_id": instance.get("current_pool_id"),
                "current_price": pricing.get("current_spot_price"),
                "decision_time": NOW,
            },
        )
    except Exception as error:
        logger.warning("Decision history lost: %s", error)


@routes.get("/api/agents/<agent_id>/switch-recommendation")
@require_client_token
@errors_as_json
def switch_recommendation(agent_id: str) -> ResponseReturnValue:
    agent = db.fetch_one(
        """
        SELECT a.instance_id, a.current_mode, a.current_pool_id, a.auto_switch_enabled,
               i.instance_type, i.region, i.spot_price, i.ondemand_price, p.pool_name, p.az AS pool_az
        FROM agents a JOIN instances i ON i.id = a.instance_id LEFT JOIN spot_pools p ON p.id = i.current_pool_id
        WHERE a.id = %s AND a.client_id = %s
        """,
        (agent_id, request.client_id),
    )
    if not agent:
        return jsonify(error="Agent not found"), 404
    # A NULL pool differs from nothing, so an agent without a pool never sees an alternative.
    alternatives = db.fetch_all(
        """
        SELECT p.id, p.pool_name, p.az, s.spot_price
        FROM spot_pools p JOIN pricing_snapshots_clean s ON s.pool_id = p.id
        WHERE p.instance_type = %s AND p.region = %s AND p.id != %s AND s.time_bucket >= %s
        ORDER BY s.spot_price LIMIT 5
        """,
        (agent["instance_type"], agent["region"], agent["current_pool_id"], utcnow() - timedelta(minutes=5)),
    )
    instance = {
        key: agent[key] for key in ("instance_id", "instance_type", "region", "current_mode", "current_pool_id")
    }
    pricing = {
        "spot_price": number(agent["spot_price"]),
        "ondemand_price": number(agent["ondemand_price"]),
        "pool_id": agent["current_pool_id"],
    }
    decision = engine.recommend(instance, pricing, {"alternative_pools": alternatives})
    auto_switch = agent["auto_switch_enabled"]
    return jsonify(
        {
            **decision,
            "agent_id": agent_id,
            "auto_switch_enabled": auto_switch,
            "will_auto_execute": auto_switch and decision["decision_type"] not in ("stay_spot", "stay_ondemand"),
            "current_pool": {"id": agent["current_pool_id"], "name": agent["pool_name"], "az": agent["pool_az"]},
            "alternative_pools": [
                {
                    "id": pool["id"],
                    "name": pool["pool_name"],
                    "az": pool["az"],
                    "spot_price": float(pool["spot_price"]),
                }
                for pool in alternatives
            ],
        }
    )


@routes.post("/api/agents/<agent_id>/issue-switch-command")
@require_client_token
@errors_as_json
@json_body
def issue_switch_command(agent_id: str, data: Any) -> ResponseReturnValue:
    agent = db.fetch_one(
        """
        SELECT hostname, instance_id, enabled, auto_switch_enabled, auto_terminate_enabled, terminate_wait_seconds,
               current_mode, current_pool_id
        FROM agents WHERE id = %s AND client_id = %s
        """,
        (agent_id, request.client_id),
    )
    if not agent:
        return jsonify(error="Agent not found"), 404
    if not agent["enabled"]:
        return jsonify(error="Agent is disabled", hint="Enable the agent first"), 400
    if not agent["auto_switch_enabled"]:
        hint = "Enable auto_switch_enabled in agent settings, or use manual switch from UI"
        refusal = {"error": "Auto-switch is disabled for this agent", "auto_switch_enabled": False, "hint": hint}
        return jsonify(refusal), 403
    target_mode, target_pool_id = data.get("target_mode"), data.get("target_pool_id")
    if target_mode not in ("spot", "ondemand"):
        return jsonify(error="Invalid target_mode"), 400
    if target_mode == "spot" and not target_pool_id:
        return jsonify(error="target_pool_id required for spot mode"), 400
    same_pool = target_mode != "spot" or target_pool_id == agent["current_pool_id"]
    if target_mode == agent["current_mode"] and same_pool:
        return jsonify(
            success=False,
            message="Agent already in target state",
            current_mode=agent["current_mode"],
            current_pool_id=agent["current_pool_id"],
        )
    command_id = new_id()
    wait_seconds = (agent["terminate_wait_seconds"] or 300) if agent["auto_terminate_enabled"] else 0
    # command_type is missing and has no default: a strict database refuses the row, and always has.
    insert(
        "commands",
        {
            "id": command_id,
            "client_id": request.client_id,
            "agent_id": agent_id,
            "instance_id": agent["instance_id"],
            "target_mode": target_mode,
            "target_pool_id": target_pool_id,
            "priority": data.get("priority", 5),
            "terminate_wait_seconds": wait_seconds,
            "status": "pending",
            "created_at": NOW,
        },
    )
    notify(f"Switch command issued to {agent['hostname']}: {target_mode}", "info", request.client_id)
    accepted = {
        "success": True,
        "command_id": command_id,
        "agent_id": agent_id,
        "target_mode": target_mode,
        "target_pool_id": target_pool_id,
        "reason": data.get("reason") or "Manual command",
        "message": "Switch command queued. Agent will execute on next heartbeat.",
        "auto_switch_enabled": True,
    }
    return jsonify(accepted), 201


# ======================================================================================================================
# Admin routes: clients and overviews
# ======================================================================================================================

CLIENT_OVERVIEW = """
    SELECT c.id, c.name, c.is_active, c.total_savings, c.last_sync_at,
           (SELECT COUNT(*) FROM agents a WHERE a.client_id = c.id) AS agents_total,
           (SELECT COUNT(*) FROM agents a WHERE a.client_id = c.id AND a.status = 'online') AS agents_online,
           (SELECT COUNT(*) FROM instances i WHERE i.client_id = c.id AND i.is_active = 1) AS instances
    FROM clients c
"""


def client_item(client: Row) -> Row:
    return {
        "id": client["id"],
        "name": client["name"],
        "status": "active" if client["is_active"] else "inactive",
        "instances": client["instances"],
        "agentsOnline": client["agents_online"],
        "agentsTotal": client["agents_total"],
        "totalSavings": number(client["total_savings"]),
        "lastSync": iso(client["last_sync_at"]),
    }


@routes.post("/api/admin/clients/create")
@json_body
def create_client(data: Any) -> ResponseReturnValue:
    name = data.get("name", "").strip()
    if not name:
        return jsonify(error="Client name is required"), 400
    return store_client(name, data.get("email", f"{name.lower().replace(' ', '_')}@example.com"))


@errors_as_json
def store_client(name: str, email: Any) -> ResponseReturnValue:
    if db.fetch_one("SELECT id FROM clients WHERE FOLD(name) = FOLD(%s)", (name,)):
        return jsonify(error=f'Client "{name}" already exists'), 409
    client_id, token = new_id(), new_client_token()
    insert(
        "clients",
        {
            "id": client_id,
            "name": name,
            "email": email,
            "client_token": token,
            "is_active": True,
            "status": "active",
            "total_savings": 0,
        },
    )
    notify(f"New client created: {name}", "info", client_id)
    log_event("client_created", "info", f"Client {name} created", client_id, metadata={"client_name": name})
    return jsonify(success=True, client={"id": client_id, "name": name, "token": token, "status": "active"})


@routes.delete("/api/admin/clients/<client_id>")
@errors_as_json
def delete_client(client_id: str) -> ResponseReturnValue:
    client = db.fetch_one("SELECT name FROM clients WHERE id = %s", (client_id,))
    if not client:
        return jsonify(error="Client not found"), 404
    name = client["name"]
    db.execute("DELETE FROM clients WHERE id = %s", (client_id,))
    log_event(
        "client_deleted",
        "warning",
        f"Client {name} ({client_id}) deleted permanently",
        metadata={"deleted_client_id": client_id, "deleted_client_name": name},
    )
    return jsonify(success=True, message=f"Client '{name}' and all associated data have been deleted")


@routes.post("/api/admin/clients/<client_id>/regenerate-token")
@errors_as_json
def regenerate_client_token(client_id: str) -> ResponseReturnValue:
    client = db.fetch_one("SELECT name FROM clients WHERE id = %s", (client_id,))
    if not client:
        return jsonify(error="Client not found"), 404
    token = new_client_token()
    update("clients", {"client_token": token}, "id = %s", client_id)
    message = f"API token regenerated for client: {client['name']}. All agents need new token."
    notify(message, "warning", client_id)
    log_event("token_regenerated", "warning", f"Token regenerated for {client['name']}", client_id)
    message = "Token regenerated successfully. Update all agents with the new token."
    return jsonify(success=True, token=token, message=message)


@routes.get("/api/admin/clients/<client_id>/token")
@errors_as_json
def client_token(client_id: str) -> ResponseReturnValue:
    client = db.fetch_one("SELECT name, client_token FROM clients WHERE id = %s", (client_id,))
    if not client:
        return jsonify(error="Client not found"), 404
    return jsonify(token=client["client_token"], client_name=client["name"])


@routes.get("/api/admin/stats")
@errors_as_json
def admin_stats() -> ResponseReturnValue:
    # The sum runs over the join, so a client's savings count once for each of its agents.
    accounts = db.fetch_all(
        """
        SELECT COUNT(DISTINCT c.id) AS clients, COUNT(DISTINCT a.id) AS agents,
               COUNT(DISTINCT CASE WHEN a.status = 'online' THEN a.id END) AS online,
               SUM(c.total_savings) AS savings
        FROM clients c LEFT JOIN agents a ON a.client_id = c.id
        """
    )[0]
    switches = db.fetch_all(
        """
        SELECT COUNT(*) AS total, COUNT(CASE WHEN event_trigger = 'manual' THEN 1 END) AS manual,
               COUNT(CASE WHEN event_trigger = 'model' THEN 1 END) AS model
        FROM switches
        """
    )[0]
    pools = db.fetch_all("SELECT COUNT(*) AS total FROM spot_pools WHERE is_active = 1")[0]
    return jsonify(
        totalAccounts=accounts["clients"],
        agentsOnline=accounts["online"],
        agentsTotal=accounts["agents"],
        poolsCovered=pools["total"],
        totalSavings=rounded(accounts["savings"], 4),
        totalSwitches=switches["total"],
        manualSwitches=switches["manual"],
        modelSwitches=switches["model"],
        backendHealth="Healthy" if engine.loaded else "Decision Engine Not Loaded",
        decisionEngineLoaded=engine.loaded,
        mlModelsLoaded=engine.loaded,
    )


@routes.get("/api/admin/clients")
@errors_as_json
def list_clients() -> ResponseReturnValue:
    # Recorded is that large fleets wait for this for minutes, not the statement. One join, as for the figures of all
    # clients, grows like that: its rows are the agents times the instances of each client.
    clients = db.fetch_all(
        """
        SELECT c.id, c.name, c.is_active, c.total_savings, c.last_sync_at, COUNT(DISTINCT a.id) AS agents_total,
               COUNT(DISTINCT CASE WHEN a.status = 'online' THEN a.id END) AS agents_online,
               COUNT(DISTINCT CASE WHEN i.is_active = 1 THEN i.id END) AS instances
        FROM clients c LEFT JOIN agents a ON a.client_id = c.id LEFT JOIN instances i ON i.client_id = c.id
        GROUP BY c.id ORDER BY c.created_at DESC, c.id DESC
        """
    )
    return jsonify([client_item(client) for client in clients])


@routes.get("/api/admin/clients/growth")
@errors_as_json
def client_growth() -> ResponseReturnValue:
    first_day = utcnow().date() - timedelta(days=days_argument(30, 365))
    snapshots = db.fetch_all(
        """
        SELECT snapshot_date, total_clients, new_clients_today, active_clients FROM clients_daily_snapshot
        WHERE snapshot_date >= %s ORDER BY snapshot_date
        """,
        (first_day,),
    )
    return jsonify(
        [
            {
                "date": iso(snapshot["snapshot_date"]),
                "total": snapshot["total_clients"],
                "new": snapshot["new_clients_today"],
                "active": snapshot["active_clients"],
            }
            for snapshot in snapshots
        ]
    )


@routes.get("/api/admin/instances")
@errors_as_json
def list_instances() -> ResponseReturnValue:
    filters = {name: request.args.get(name) for name in ("status", "mode", "region")}
    conditions = ["1 = 1"]
    parameters: list[Any] = []
    if filters["status"] in ("active", "terminated"):
        conditions.append("i.is_active = %s")
        parameters.append(filters["status"] == "active")
    for name, column in (("mode", "i.current_mode"), ("region", "i.region")):
        if filters[name]:
            conditions.append(f"{column} = %s")
            parameters.append(filters[name])
    instances = db.fetch_all(
        f"""
        SELECT i.id, i.agent_id, i.client_id, i.instance_type, i.region, i.az, i.current_mode, i.current_pool_id,
               i.spot_price, i.ondemand_price, i.is_active, i.installed_at, i.created_at,
               c.name AS client_name, a.logical_agent_id, a.status AS agent_status
        FROM instances i JOIN clients c ON c.id = i.client_id LEFT JOIN agents a ON a.instance_id = i.id
        WHERE {" AND ".join(conditions)} ORDER BY i.created_at DESC LIMIT 500
        """,
        parameters,
    )
    items = [
        {
            "id": instance["id"],
            "instanceId": instance["id"],
            "agentId": instance["agent_id"],
            "agentStatus": instance["agent_status"],
            "logicalAgentId": instance["logical_agent_id"],
            "clientId": instance["client_id"],
            "clientName": instance["client_name"],
            "instanceType": instance["instance_type"],
            "region": instance["region"],
            "az": instance["az"],
            "currentMode": instance["current_mode"],
            "currentPoolId": instance["current_pool_id"],
            "spotPrice": number_or_null(instance["spot_price"]),
            "ondemandPrice": number_or_null(instance["ondemand_price"]),
            "isActive": bool(instance["is_active"]),
            "installedAt": iso(instance["installed_at"]),
            "createdAt": iso(instance["created_at"]),
        }
        for instance in instances
    ]
    return jsonify(instances=items, total=len(items), filters=filters)


@routes.get("/api/admin/agents")
@errors_as_json
def list_agents() -> ResponseReturnValue:
    status = request.args.get("status")
    # Type, region, zone and mode come from the instance row, so they are null when that row is missing.
    agents = db.fetch_all(
        f"""
        SELECT a.id, a.client_id, a.logical_agent_id, a.hostname, a.instance_id, a.current_pool_id, a.status, a.enabled,
               a.auto_switch_enabled, a.agent_version, a.last_heartbeat_at, a.created_at, c.name AS client_name,
               i.instance_type, i.region, i.az, i.current_mode
        FROM agents a JOIN clients c ON c.id = a.client_id LEFT JOIN instances i ON i.id = a.instance_id
        {"WHERE a.status = %s" if status else ""} ORDER BY a.last_heartbeat_at DESC LIMIT 500
        """,
        (status,) if status else (),
    )
    items = [
        {
            "id": agent["id"],
            "logicalAgentId": agent["logical_agent_id"],
            "clientId": agent["client_id"],
            "clientName": agent["client_name"],
            "hostname": agent["hostname"],
            "instanceId": agent["instance_id"],
            "instanceType": agent["instance_type"],
            "region": agent["region"],
            "az": agent["az"],
            "currentMode": agent["current_mode"],
            "currentPoolId": agent["current_pool_id"],
            "status": agent["status"],
            "enabled": bool(agent["enabled"]),
            "autoSwitchEnabled": bool(agent["auto_switch_enabled"]),
            "version": agent["agent_version"],
            "lastHeartbeatAt": iso(agent["last_heartbeat_at"]),
            "createdAt": iso(agent["created_at"]),
        }
        for agent in agents
    ]
    return jsonify(agents=items, total=len(items), filters={"status": status})


# ======================================================================================================================
# Client routes
# ======================================================================================================================


@routes.get("/api/client/validate")
def validate_client_token() -> ResponseReturnValue:
    try:
        header = request.headers.get("Authorization", "").strip()
        if not header.startswith("Bearer "):
            return jsonify(valid=False, error="Missing or invalid Authorization header"), 401
        token = header.replace("Bearer ", "").strip()
        client = db.fetch_one(
            "SELECT id, name, email, is_active, status FROM clients WHERE client_token = %s", (token,)
        )
        if not client:
            return jsonify(valid=False, error="Invalid token"), 401
        if not client["is_active"] or client["status"] != "active":
            return jsonify(valid=False, error="Client account is not active"), 403
        return jsonify(valid=True, client_id=client["id"], name=client["name"], email=client["email"])
    except Exception as error:
        logger.warning("Token validation failed: %s", error)
        return jsonify(valid=False, error="Internal server error"), 500


@routes.get("/api/client/<client_id>")
@errors_as_json
def client_details(client_id: str) -> ResponseReturnValue:
    client = db.fetch_one(f"{CLIENT_OVERVIEW} WHERE c.id = %s", (client_id,))
    if not client:
        return jsonify(error="Client not found"), 404
    return jsonify(client_item(client))


@routes.get("/api/client/<client_id>/agents")
@errors_as_json
def client_agents(client_id: str) -> ResponseReturnValue:
    agents = db.fetch_all(
        """
        SELECT id, logical_agent_id, instance_id, instance_type, region, az, current_mode, status, enabled,
               auto_switch_enabled, auto_terminate_enabled, manual_replica_enabled, terminate_wait_seconds,
               agent_version, instance_count, last_heartbeat_at
        FROM agents WHERE client_id = %s AND status != 'deleted' ORDER BY last_heartbeat_at DESC
        """,
        (client_id,),
    )
    return jsonify(
        [
            {
                "id": agent["id"],
                "logicalAgentId": agent["logical_agent_id"],
                "instanceId": agent["instance_id"],
                "instanceType": agent["instance_type"],
                "region": agent["region"],
                "az": agent["az"],
                "currentMode": agent["current_mode"],
                "status": agent["status"],
                "enabled": agent["enabled"],
                "autoSwitchEnabled": agent["auto_switch_enabled"],
                "autoTerminateEnabled": agent["auto_terminate_enabled"],
                "manualReplicaEnabled": agent["manual_replica_enabled"],
                "terminateWaitMinutes": (agent["terminate_wait_seconds"] or 1800) // 60,
                "agentVersion": agent["agent_version"],
                "instanceCount": agent["instance_count"] or 0,
                "lastHeartbeat": iso(agent["last_heartbeat_at"]),
            }
            for agent in agents
        ]
    )


@routes.get("/api/client/<client_id>/agents/decisions")
@errors_as_json
def client_agent_decisions(client_id: str) -> ResponseReturnValue:
    agents = db.fetch_all("SELECT id FROM agents WHERE client_id = %s", (client_id,))
    for agent in agents:
        # The reports call this column on_demand_price, so the route fails as soon as a client has an agent.
        db.fetch_all(
            "SELECT received_at, current_spot_price, ondemand_price FROM pricing_reports"
            " WHERE agent_id = %s ORDER BY received_at DESC LIMIT 5",
            (agent["id"],),
        )
    return jsonify([])


@routes.post("/api/client/agents/<agent_id>/toggle-enabled")
@json_body
@errors_as_json
def toggle_agent(agent_id: str, data: Any) -> ResponseReturnValue:
    update("agents", {"enabled": data.get("enabled", True)}, "id = %s", agent_id)
    word = "enabled" if data.get("enabled") else "disabled"
    log_event("agent_toggled", "info", f"Agent {agent_id} {word}", agent_id=agent_id)
    return jsonify(success=True)


@routes.post("/api/client/agents/<agent_id>/settings")
@json_body
@errors_as_json
def agent_settings(agent_id: str, data: Any) -> ResponseReturnValue:
    columns = ("auto_switch_enabled", "auto_terminate_enabled", "replica_enabled", "replica_count")
    changes = {column: data[column] for column in columns if column in data}
    if changes:
        update("agents", changes, "id = %s", agent_id)
    return jsonify(success=True)


@routes.post("/api/client/agents/<agent_id>/config")
@json_body
@errors_as_json
def configure_agent(agent_id: str, data: Any) -> ResponseReturnValue:
    agent = db.fetch_one(
        "SELECT auto_switch_enabled, manual_replica_enabled, replica_count FROM agents WHERE id = %s", (agent_id,)
    )
    if not agent:
        return jsonify(error="Agent not found"), 404
    auto_switch = bool(data.get("autoSwitchEnabled", agent["auto_switch_enabled"]))
    manual_replica = bool(data.get("manualReplicaEnabled", agent["manual_replica_enabled"]))
    has_manual_replicas = agent["manual_replica_enabled"] and (agent["replica_count"] or 0) > 0
    no_replicas = {"replica_count": 0, "current_replica_id": None}

    changes: Row = {}
    for key in ("terminate_wait_minutes", "terminateWaitMinutes"):
        if key in data:
            changes["terminate_wait_seconds"] = int(data[key]) * 60
    if "autoTerminateEnabled" in data:
        changes["auto_terminate_enabled"] = bool(data["autoTerminateEnabled"])
    if "autoSwitchEnabled" in data:
        changes["auto_switch_enabled"] = auto_switch
        if auto_switch:
            changes["manual_replica_enabled"] = False
            if has_manual_replicas:
                terminate_replicas("agent_id = %s AND is_active = 1 AND replica_type = 'manual'", agent_id)
                changes |= no_replicas
    if "manualReplicaEnabled" in data:
        changes["manual_replica_enabled"] = manual_replica
        if manual_replica:
            changes["auto_switch_enabled"] = False
        elif has_manual_replicas:
            terminate_replicas("agent_id = %s AND is_active = 1", agent_id)
            changes |= no_replicas
    if changes:
        update("agents", {**changes, "updated_at": NOW}, "id = %s", agent_id)
    # The answer repeats what was asked for, not what the rules above made of it.
    return jsonify(success=True, auto_switch_enabled=auto_switch, manual_replica_enabled=manual_replica)


def terminate_replicas(where: str, *parameters: Any) -> None:
    update("replica_instances", {"is_active": False, "status": "terminated", "terminated_at": NOW}, where, *parameters)


@routes.delete("/api/client/agents/<agent_id>")
@errors_as_json
def delete_agent(agent_id: str) -> ResponseReturnValue:
    agent = db.fetch_one("SELECT client_id, instance_id FROM agents WHERE id = %s", (agent_id,))
    if not agent:
        return jsonify(error="Agent not found"), 404
    terminate_replicas("agent_id = %s AND is_active = 1", agent_id)
    update(
        "agents",
        {
            "status": "deleted",
            "enabled": False,
            "auto_switch_enabled": False,
            "manual_replica_enabled": False,
            "replica_count": 0,
            "current_replica_id": None,
        },
        "id = %s",
        agent_id,
    )
    update("instances", {"is_active": False, "terminated_at": NOW}, "id = %s", agent["instance_id"])
    log_event("agent_deleted", "info", f"Agent {agent_id} deleted by user", agent["client_id"])
    notify(f"Agent {agent_id} has been deleted", "info", agent["client_id"])
    return jsonify(success=True, message="Agent deleted successfully", agent_id=agent_id)


@routes.get("/api/client/<client_id>/agents/history")
@errors_as_json
def client_agent_history(client_id: str) -> ResponseReturnValue:
    agents = db.fetch_all(
        """
        SELECT a.id, a.logical_agent_id, a.instance_id, a.instance_type, a.region, a.az, a.current_mode, a.status,
               a.enabled, a.auto_switch_enabled, a.manual_replica_enabled, a.last_heartbeat_at, a.created_at,
               a.updated_at, i.installed_at, i.terminated_at
        FROM agents a LEFT JOIN instances i ON i.id = a.instance_id
        WHERE a.client_id = %s
        ORDER BY CASE a.status WHEN 'online' THEN 1 WHEN 'offline' THEN 2 WHEN 'deleted' THEN 3 ELSE 4 END,
                 a.last_heartbeat_at DESC
        """,
        (client_id,),
    )
    return jsonify(
        [
            {
                "id": agent["id"],
                "logicalAgentId": agent["logical_agent_id"],
                "instanceId": agent["instance_id"],
                "instanceType": agent["instance_type"],
                "region": agent["region"],
                "az": agent["az"],
                "currentMode": agent["current_mode"],
                "status": agent["status"],
                "enabled": agent["enabled"],
                "autoSwitchEnabled": agent["auto_switch_enabled"],
                "manualReplicaEnabled": agent["manual_replica_enabled"],
                "lastHeartbeat": iso(agent["last_heartbeat_at"]),
                "createdAt": iso(agent["created_at"]),
                "updatedAt": iso(agent["updated_at"]),
                "installedAt": iso(agent["installed_at"]),
                "terminatedAt": iso(agent["terminated_at"]),
            }
            for agent in agents
        ]
    )


@routes.get("/api/client/<client_id>/instances")
@errors_as_json
def client_instances(client_id: str) -> ResponseReturnValue:
    status, mode = request.args.get("status", "all"), request.args.get("mode", "all")
    search = request.args.get("search", "")
    conditions, parameters = ["client_id = %s"], [client_id]
    if status in ("active", "terminated"):
        conditions.append("is_active = 1" if status == "active" else "is_active = 0")
    if mode != "all":
        conditions.append("current_mode = %s")
        parameters.append(mode)
    if search:
        conditions.append("(FOLD(id) LIKE FOLD(%s) OR FOLD(instance_type) LIKE FOLD(%s))")
        parameters += [f"%{search}%"] * 2
    instances = db.fetch_all(
        f"""
        SELECT id, instance_type, region, az, current_mode, current_pool_id, spot_price, ondemand_price, is_active,
               last_switch_at
        FROM instances WHERE {" AND ".join(conditions)} ORDER BY created_at DESC
        """,
        parameters,
    )
    return jsonify(
        [
            {
                "id": instance["id"],
                "type": instance["instance_type"],
                "region": instance["region"],
                "az": instance["az"],
                "mode": instance["current_mode"],
                "poolId": instance["current_pool_id"] or "n/a",
                "spotPrice": number(instance["spot_price"]),
                "onDemandPrice": number(instance["ondemand_price"]),
                "isActive": instance["is_active"],
                "lastSwitch": iso(instance["last_switch_at"]),
            }
            for instance in instances
        ]
    )


@routes.get("/api/client/<client_id>/replicas")
@errors_as_json
def client_replicas(client_id: str) -> ResponseReturnValue:
    replicas = db.fetch_all(
        """
        SELECT r.id, r.agent_id, r.instance_id, r.replica_type, r.status, r.sync_status, r.sync_latency_ms,
               r.state_transfer_progress, r.pool_id, r.hourly_cost, r.total_cost, r.created_by, r.created_at,
               r.ready_at, r.terminated_at, r.is_active, p.pool_name, p.instance_type AS pool_type,
               p.region AS pool_region, p.az AS pool_az, a.instance_id AS primary_id,
               i.instance_type, i.region, i.az, i.current_mode
        FROM replica_instances r JOIN agents a ON a.id = r.agent_id
             LEFT JOIN instances i ON i.id = a.instance_id LEFT JOIN spot_pools p ON p.id = r.pool_id
        WHERE a.client_id = %s AND r.is_active = 1 AND r.status NOT IN ('terminated', 'promoted')
        ORDER BY r.created_at DESC
        """,
        (client_id,),
    )
    return jsonify(
        [
            {
                "agentId": replica["agent_id"],
                "primary": {
                    "instanceId": replica["primary_id"],
                    "instanceType": replica["instance_type"],
                    "region": replica["region"],
                    "az": replica["az"],
                    "mode": replica["current_mode"],
                },
                "replica": {
                    "id": replica["id"],
                    "instanceId": replica["instance_id"],
                    "type": replica["replica_type"],
                    "status": replica["status"],
                    "sync_status": replica["sync_status"],
                    "sync_latency_ms": replica["sync_latency_ms"],
                    "state_transfer_progress": number(replica["state_transfer_progress"]),
                    "pool": replica_pool(replica) if replica["pool_id"] else None,
                    "cost": {
                        "hourly": number_or_null(replica["hourly_cost"]),
                        "total": number(replica["total_cost"]),
                    },
                    "created_by": replica["created_by"],
                    "created_at": iso(replica["created_at"]),
                    "ready_at": iso(replica["ready_at"]),
                    "terminated_at": iso(replica["terminated_at"]),
                    "is_active": bool(replica["is_active"]),
                },
            }
            for replica in replicas
        ]
    )


def replica_pool(replica: Row) -> Row:
    return {
        "id": replica["pool_id"],
        "name": replica["pool_name"],
        "instance_type": replica["pool_type"],
        "region": replica["pool_region"],
        "az": replica["pool_az"],
    }


@routes.get("/api/client/instances/<instance_id>/pricing")
@errors_as_json
def instance_pricing(instance_id: str) -> ResponseReturnValue:
    instance = db.fetch_one(
        """
        SELECT i.instance_type, i.region, i.current_mode, i.current_pool_id, i.ondemand_price, p.pool_name,
               p.az AS pool_az
        FROM instances i LEFT JOIN spot_pools p ON p.id = i.current_pool_id
        WHERE i.id = %s
        """,
        (instance_id,),
    )
    if not instance:
        return jsonify(error="Instance not found"), 404
    on_demand_price = number(instance["ondemand_price"])
    pools = db.fetch_all(
        """
        SELECT p.id, p.pool_name, p.az,
               (SELECT s.price FROM spot_price_snapshots s WHERE s.pool_id = p.id AND s.captured_at >= %s
                ORDER BY s.captured_at DESC, s.id DESC LIMIT 1) AS price
        FROM spot_pools p WHERE p.instance_type = %s AND p.region = %s
        """,
        (utcnow() - timedelta(hours=1), instance["instance_type"], instance["region"]),
    )
    pools.sort(key=lambda pool: (pool["price"] is None, pool["price"] or 0))
    items = []
    for pool in pools:
        price = float(pool["price"]) if pool["price"] else 0
        savings = (on_demand_price - price) / on_demand_price * 100 if price and on_demand_price else 0
        name = pool["pool_name"] or f"Pool {pool['id']}"
        items.append({"id": pool["id"], "name": name, "az": pool["az"], "price": price, "savings": savings})
    pool_id = instance["current_pool_id"]
    current_pool = {"id": pool_id, "name": instance["pool_name"] or f"Pool {pool_id}", "az": instance["pool_az"]}
    return jsonify(
        currentMode=instance["current_mode"] or "ondemand",
        currentPool=current_pool if pool_id else None,
        onDemand={"name": "On-Demand", "price": on_demand_price},
        pools=items,
    )


@routes.get("/api/client/instances/<instance_id>/metrics")
@errors_as_json
def instance_metrics(instance_id: str) -> ResponseReturnValue:
    instance = db.fetch_one(
        """
        SELECT id, instance_type, current_mode, current_pool_id, spot_price, ondemand_price, baseline_ondemand_price,
               installed_at, last_switch_at
        FROM instances WHERE id = %s
        """,
        (instance_id,),
    )
    if not instance:
        return jsonify(error="Instance not found"), 404
    week_ago, month_ago = utcnow() - timedelta(days=7), utcnow() - timedelta(days=30)
    switches = db.fetch_all(
        """
        SELECT COUNT(*) AS total,
               COUNT(CASE WHEN initiated_at >= %s THEN 1 END) AS week,
               COUNT(CASE WHEN initiated_at >= %s THEN 1 END) AS month,
               SUM(savings_impact * 24) AS savings,
               SUM(CASE WHEN initiated_at >= %s THEN savings_impact * 24 END) AS month_savings
        FROM switches WHERE new_instance_id = %s
        """,
        (week_ago, month_ago, month_ago, instance_id),
    )[0]
    return jsonify(
        id=instance["id"],
        instanceType=instance["instance_type"],
        currentMode=instance["current_mode"],
        currentPoolId=instance["current_pool_id"],
        spotPrice=number(instance["spot_price"]),
        onDemandPrice=number(instance["ondemand_price"]),
        baselineOnDemandPrice=number(instance["baseline_ondemand_price"]),
        uptimeHours=whole_hours_since(instance["installed_at"]),
        hoursSinceLastSwitch=whole_hours_since(instance["last_switch_at"]),
        totalSwitches=switches["total"],
        switchesLast7Days=switches["week"],
        switchesLast30Days=switches["month"],
        totalSavings=rounded(switches["savings"], 6),
        savingsLast30Days=rounded(switches["month_savings"], 6),
    )


def bucket_format(hourly: str) -> str:
    """The date format of a price history: ``hourly`` or by day.

    The percent signs are doubled. So the database formats nothing and gives the format back, as the label of one bucket
    for the whole period: that label and that bucket are what callers know.
    """
    return hourly if request.args.get("interval", "hour") == "hour" else "%%Y-%%m-%%d"


def average_spot_prices(instance_type: str, region: str, since: datetime, date_format: str) -> list[Row]:
    """For each label, in order: ``bucket``, and under ``prices`` the average price of each pool with snapshots."""
    averages = db.fetch_all(
        """
        SELECT DATE_FORMAT(s.captured_at, %s) AS bucket, p.id, AVG(s.price) AS price
        FROM spot_pools p JOIN spot_price_snapshots s ON s.pool_id = p.id
        WHERE p.instance_type = %s AND p.region = %s AND s.captured_at >= %s
        GROUP BY bucket, p.id ORDER BY bucket, p.id
        """,
        (date_format, instance_type, region, since),
    )
    return [
        {"bucket": bucket, "prices": {row["id"]: rounded(row["price"], 10) for row in rows}}
        for bucket, rows in groupby(averages, itemgetter("bucket"))
    ]


@routes.get("/api/client/instances/<instance_id>/price-history")
@errors_as_json
def instance_price_history(instance_id: str) -> ResponseReturnValue:
    days = days_argument(7, 90)
    instance = db.fetch_one("SELECT instance_type, region, ondemand_price FROM instances WHERE id = %s", (instance_id,))
    if not instance:
        return jsonify(error="Instance not found"), 404
    pools = db.fetch_all(
        "SELECT id, pool_name, az FROM spot_pools WHERE instance_type = %s AND region = %s ORDER BY az",
        (instance["instance_type"], instance["region"]),
    )
    if not pools:
        return jsonify([])
    on_demand_price = number(instance["ondemand_price"])
    since = utcnow() - timedelta(days=days)
    averages = average_spot_prices(
        instance["instance_type"], instance["region"], since, bucket_format("%%Y-%%m-%%d %%H:00")
    )
    return jsonify(
        data=[
            {
                "time": average["bucket"],
                "onDemand": on_demand_price,
                **{f"pool_{pool['id']}": average["prices"].get(pool["id"]) for pool in pools},
            }
            for average in averages
        ],
        onDemandPrice=on_demand_price,
        pools=[
            {
                "id": pool["id"],
                "name": pool["pool_name"] or f"Pool {pool['id']}",
                "az": pool["az"],
                "key": f"pool_{pool['id']}",
            }
            for pool in pools
        ],
    )


@routes.get("/api/client/pricing-history")
@require_client_token
@errors_as_json
def client_pricing_history() -> ResponseReturnValue:
    days = max(1, min(int(request.args.get("days", 7)), 30))
    agent_id = request.args.get("agent_id")
    if agent_id:
        agent = db.fetch_one(
            "SELECT instance_type, region FROM agents WHERE id = %s AND client_id = %s", (agent_id, request.client_id)
        )
        if not agent:
            return jsonify(error="Agent not found"), 404
    else:
        agent = db.fetch_one(
            "SELECT instance_type, region FROM agents WHERE client_id = %s AND status = 'online'"
            " ORDER BY last_heartbeat_at DESC, logical_agent_id LIMIT 1",
            (request.client_id,),
        )
        if not agent:
            return jsonify(error="No active agents found"), 404
    instance_type, region = agent["instance_type"], agent["region"]
    if not db.fetch_all("SELECT id FROM spot_pools WHERE instance_type = %s AND region = %s", (instance_type, region)):
        return jsonify(history=[], days=days, data_points=0)
    since = utcnow() - timedelta(days=days)
    date_format = bucket_format("%%Y-%%m-%%d %%H:00:00")
    on_demand = {
        row["bucket"]: rounded(row["price"], 10)
        for row in db.fetch_all(
            """
            SELECT DATE_FORMAT(captured_at, %s) AS bucket, AVG(price) AS price FROM ondemand_price_snapshots
            WHERE instance_type = %s AND region = %s AND captured_at >= %s GROUP BY bucket
            """,
            (date_format, instance_type, region, since),
        )
    }
    history = [
        {
            "timestamp": average["bucket"],
            "ondemand_price": on_demand.get(average["bucket"]) or FALLBACK_ONDEMAND_PRICE,
            "spot_pools": [
                {"pool_id": pool_id, "az": pool_id.rpartition(".")[2], "price": price}
                for pool_id, price in average["prices"].items()
            ],
        }
        for average in average_spot_prices(instance_type, region, since, date_format)
    ]
    return jsonify(
        agent_id=agent_id,
        instance_type=instance_type,
        region=region,
        days=days,
        history=history,
        data_points=len(history),
    )


@require_client_token
@routes.get("/api/client/instances/<instance_id>/available-options")
@errors_as_json
def available_options(instance_id: str) -> ResponseReturnValue:
    # The token check stands above the route, so the route never runs it and nobody has set client_id.
    agent = db.fetch_one(
        "SELECT instance_type, region, az FROM agents WHERE instance_id = %s AND client_id = %s",
        (instance_id, request.client_id),
    )
    return jsonify(agent)


@routes.post("/api/client/instances/<instance_id>/force-switch")
@json_body
@errors_as_json
def force_switch(instance_id: str, data: Any) -> ResponseReturnValue:
    try:
        order = ForceSwitchSchema().load(data)
    except ValidationError as error:
        return validation_failure(error)
    owner = db.fetch_one("SELECT client_id, agent_id FROM instances WHERE id = %s", (instance_id,)) or db.fetch_one(
        "SELECT client_id, id AS agent_id FROM agents WHERE instance_id = %s", (instance_id,)
    )
    if not owner:
        return jsonify(error="Instance or agent not found"), 404
    if not owner["agent_id"]:
        return jsonify(error="No agent assigned to instance"), 404
    target, pool_id, new_type = order["target"], order.get("pool_id"), order.get("new_instance_type")
    command_id = new_id()
    insert(
        "commands",
        {
            "id": command_id,
            "client_id": owner["client_id"],
            "agent_id": owner["agent_id"],
            "instance_id": instance_id,
            "command_type": "switch",
            "target_mode": "spot" if target == "pool" else target,
            "target_pool_id": pool_id,
            "priority": 75,
            "status": "pending",
            "created_by": "manual",
            "created_at": NOW,
        },
    )
    message = f"Manual switch queued for {instance_id}" + (f" (type: {new_type})" if new_type else "")
    notify(message, "warning", owner["client_id"])
    metadata = {"target": target, "pool_id": pool_id} | ({"new_instance_type": new_type} if new_type else {})
    log_event(
        "manual_switch_requested",
        "info",
        f"Manual switch requested for {instance_id} to {target}",
        owner["client_id"],
        owner["agent_id"],
        instance_id,
        metadata,
    )
    message = "Switch command queued. Agent will execute on next check."
    return jsonify(success=True, command_id=command_id, message=message)


@routes.get("/api/client/<client_id>/savings")
@errors_as_json
def client_savings(client_id: str) -> ResponseReturnValue:
    if request.args.get("range", "monthly") != "monthly":
        return jsonify([])
    months = db.fetch_all(
        """
        SELECT month, baseline_cost, actual_cost, savings FROM client_savings_monthly
        WHERE client_id = %s ORDER BY year DESC, month DESC LIMIT 12
        """,
        (client_id,),
    )
    return jsonify(
        [
            {
                "name": calendar.month_name[month["month"]],
                "savings": number(month["savings"]),
                "onDemandCost": number(month["baseline_cost"]),
                "modelCost": number(month["actual_cost"]),
            }
            for month in reversed(months)
        ]
    )


@routes.get("/api/client/<client_id>/switch-history")
@errors_as_json
def client_switch_history(client_id: str) -> ResponseReturnValue:
    instance_id = request.args.get("instance_id")
    switches = db.fetch_all(
        f"""
        SELECT id, old_instance_id, new_instance_id, old_mode, new_mode, old_pool_id, new_pool_id, on_demand_price,
               new_spot_price, savings_impact, event_trigger, initiated_at, ami_created_at, instance_launched_at
        FROM switches
        WHERE client_id = %s {"AND (old_instance_id = %s OR new_instance_id = %s)" if instance_id else ""}
        ORDER BY initiated_at DESC LIMIT 100
        """,
        (client_id, instance_id, instance_id) if instance_id else (client_id,),
    )
    return jsonify([switch_item(switch) for switch in switches])


def switch_item(switch: Row) -> Row:
    """A switch that reports no time at all is shown as happening now."""
    moment = switch["instance_launched_at"] or switch["ami_created_at"] or switch["initiated_at"] or datetime.now()
    price = switch["new_spot_price"] if switch["new_mode"] == "spot" else switch["on_demand_price"]
    return {
        "id": switch["id"],
        "oldInstanceId": switch["old_instance_id"],
        "newInstanceId": switch["new_instance_id"],
        "timestamp": iso(moment),
        "fromMode": switch["old_mode"],
        "toMode": switch["new_mode"],
        "fromPool": switch["old_pool_id"] or "n/a",
        "toPool": switch["new_pool_id"] or "n/a",
        "trigger": switch["event_trigger"] or "manual",
        "price": number(price),
        "savingsImpact": number(switch["savings_impact"]),
    }


@routes.get("/api/client/<client_id>/stats/charts")
@errors_as_json
def client_charts(client_id: str) -> ResponseReturnValue:
    months = db.fetch_all(
        "SELECT year, month, baseline_cost, actual_cost, savings FROM client_savings_monthly WHERE client_id = %s",
        (client_id,),
    )
    # Within a year the old query sorted by the month's name, and cut its twelve rows in that order.
    months.sort(key=lambda month: (month["year"], calendar.month_name[month["month"]]))
    modes = db.fetch_all(
        "SELECT current_mode, COUNT(*) AS instances FROM instances WHERE client_id = %s AND is_active = 1"
        " GROUP BY current_mode",
        (client_id,),
    )
    switches = db.fetch_all(
        "SELECT initiated_at FROM switches WHERE client_id = %s AND initiated_at >= %s",
        (client_id, utcnow() - timedelta(days=30)),
    )
    switches_by_day = Counter(switch["initiated_at"].date().isoformat() for switch in switches)
    return jsonify(
        savingsTrend=[
            {
                "month": calendar.month_name[month["month"]],
                "savings": number(month["savings"]),
                "baseline": number(month["baseline_cost"]),
                "actual": number(month["actual_cost"]),
            }
            for month in months[-12:]
        ],
        modeDistribution=[{"mode": mode["current_mode"], "count": mode["instances"]} for mode in modes],
        switchFrequency=[{"date": day, "switches": count} for day, count in sorted(switches_by_day.items())],
    )


# ======================================================================================================================
# Notifications
# ======================================================================================================================


@routes.get("/api/notifications")
def list_notifications() -> ResponseReturnValue:
    return newest_notifications(request.args.get("client_id"), int(request.args.get("limit", 10)))


@errors_as_json
def newest_notifications(client_id: str | None, limit: int) -> ResponseReturnValue:
    notifications = db.fetch_all(
        f"""
        SELECT id, message, severity, is_read, created_at FROM notifications
        {"WHERE client_id = %s OR client_id IS NULL" if client_id else ""}
        ORDER BY created_at DESC, id DESC LIMIT %s
        """,
        (client_id, limit) if client_id else (limit,),
    )
    return jsonify(
        [
            {
                "id": notification["id"],
                "message": notification["message"],
                "severity": notification["severity"],
                "isRead": notification["is_read"],
                "time": iso(notification["created_at"]),
            }
            for notification in notifications
        ]
    )


@routes.post("/api/notifications/<notif_id>/mark-read")
@errors_as_json
def mark_notification_read(notif_id: str) -> ResponseReturnValue:
    update("notifications", {"is_read": True}, "id = %s", notif_id)
    return jsonify(success=True)


@routes.post("/api/notifications/mark-all-read")
@json_body
def mark_all_notifications_read(data: Any) -> ResponseReturnValue:
    return mark_notifications_of(data.get("client_id"))


@errors_as_json
def mark_notifications_of(client_id: Any) -> ResponseReturnValue:
    if client_id:
        update("notifications", {"is_read": True}, "client_id = %s", client_id)
    else:
        update("notifications", {"is_read": True}, "is_read = 0")
    return jsonify(success=True)


# ======================================================================================================================
# Admin routes: activity, health, uploads
# ======================================================================================================================

ACTIVITY_TYPES = {
    "switch_completed": "switch",
    "manual_switch_requested": "switch",
    "agent_registered": "agent",
}


@routes.get("/api/admin/activity")
@errors_as_json
def recent_activity() -> ResponseReturnValue:
    events = db.fetch_all(
        """
        SELECT event_type, message, created_at FROM system_events
        WHERE severity IN ('info', 'warning') ORDER BY created_at DESC, id DESC LIMIT 50
        """
    )
    return jsonify(
        [
            {
                "id": position,
                "type": ACTIVITY_TYPES.get(event["event_type"], "event"),
                "text": event["message"],
                "time": iso(event["created_at"]),
            }
            for position, event in enumerate(events, start=1)
        ]
    )


@routes.get("/api/admin/system-health")
@errors_as_json
def system_health() -> ResponseReturnValue:
    database_status, active_models = "Connected", []
    try:
        active_models = db.fetch_all(
            """
            SELECT model_name, version, is_active FROM model_registry
            WHERE is_active = 1 ORDER BY created_at DESC LIMIT 10
            """
        )
    except Exception as error:
        logger.warning("Health check: %s", error)
        database_status = "Disconnected"
    model_files = [path for path in current_app.config["MODEL_DIR"].iterdir() if path.is_file()]
    engine_files = list(current_app.config["DECISION_ENGINE_DIR"].glob("*.py"))
    engine_files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return jsonify(
        apiStatus="Healthy",
        database=database_status,
        connectionPool=f"{db.free_connections}/{db.pool_size}",
        decisionEngine="Loaded" if engine.loaded else "Not Loaded",
        decisionEngineStatus={
            "loaded": engine.loaded,
            "type": engine.type or "None",
            "version": engine.version or "N/A",
            "filesUploaded": len(engine_files),
            "files": [file_item(path) for path in engine_files[:10]],
        },
        modelStatus={
            "loaded": engine.loaded,
            "name": engine.type or "None",
            "version": engine.version or "N/A",
            "filesUploaded": len(model_files),
            "files": [file_item(path) for path in model_files[:10]],
            "activeModels": [
                {"name": model["model_name"], "version": model["version"], "active": bool(model["is_active"])}
                for model in active_models
            ],
        },
        timestamp=iso(utcnow()),
    )


def file_item(path: Path) -> Row:
    status = path.stat()
    return {"name": path.name, "size": status.st_size, "modified": iso(datetime.fromtimestamp(status.st_mtime))}


@routes.get("/health")
def health() -> ResponseReturnValue:
    try:
        db.fetch_one("SELECT 1 AS one")
        return jsonify(
            status="healthy",
            database="connected",
            decision_engine_loaded=engine.loaded,
            timestamp=iso(utcnow()),
        )
    except Exception as error:
        logger.warning("Health check failed: %s", error)
        return jsonify(status="unhealthy", error=str(error)), 500


class UploadError(Exception):
    """An upload that cannot be taken; the text is for the caller."""


def uploaded_files() -> list[FileStorage]:
    """The files of the multipart field ``files``. Raises ``UploadError`` when there is none."""
    if "files" not in request.files:
        raise UploadError("No files provided")
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files:
        raise UploadError("No files selected")
    return files


def save_files(files: Sequence[FileStorage], directory: Path, extensions: Sequence[str]) -> list[Path]:
    """Save the files under safe names. A refused one raises ``UploadError`` and leaves those before it on disk."""
    saved = []
    for file in files:
        name = secure_filename(file.filename or "")
        path = directory / name
        if not name or path.suffix.lower() not in extensions:
            raise UploadError(f"File type not allowed: {name}. Allowed types: {', '.join(extensions)}")
        file.save(path)
        saved.append(path)
    return saved


@routes.post("/api/admin/decision-engine/upload")
@errors_as_json
def upload_decision_engine() -> ResponseReturnValue:
    try:
        saved = save_files(uploaded_files(), current_app.config["DECISION_ENGINE_DIR"], ENGINE_EXTENSIONS)
    except UploadError as refusal:
        return jsonify(error=str(refusal)), 400
    names = [path.name for path in saved]
    if not engine.load():
        message = "Files uploaded but failed to reload decision engine"
        return jsonify(success=False, message=message, files=names), 500
    message = f"Decision engine files uploaded and reloaded: {', '.join(names)}"
    log_event("decision_engine_updated", "info", message)
    restart()
    return jsonify(
        success=True,
        message="Decision engine files uploaded successfully. Backend will restart in 3 seconds.",
        files=names,
        engine_status={"loaded": engine.loaded, "type": engine.type, "version": engine.version},
        restarting=True,
    )


@routes.post("/api/admin/ml-models/upload")
@errors_as_json
def upload_models() -> ResponseReturnValue:
    try:
        files = uploaded_files()
        # The live session steps back before any file is looked at: a refused upload leaves none live.
        update(
            "model_upload_sessions",
            {"is_live": False, "is_fallback": True},
            "is_live = 1 AND session_type = 'models'",
        )
        saved = save_files(files, current_app.config["MODEL_DIR"], MODEL_EXTENSIONS)
    except UploadError as refusal:
        return jsonify(error=str(refusal)), 400
    names = [path.name for path in saved]
    total_size = sum(path.stat().st_size for path in saved)
    session_id = new_id()
    insert(
        "model_upload_sessions",
        {
            "id": session_id,
            "session_type": "models",
            "status": "uploaded",
            "is_live": False,
            "is_fallback": False,
            "file_count": len(names),
            "file_names": json.dumps(names),
            "total_size_bytes": total_size,
        },
    )
    remove_superseded_sessions(session_id)
    return jsonify(
        success=True,
        message=f"Uploaded {len(names)} model files. Use the RESTART button to activate.",
        files=names,
        sessionId=session_id,
        requiresRestart=True,
        model_status={"filesUploaded": len(names), "sessionType": "pending_activation", "totalSize": total_size},
    )


def remove_superseded_sessions(newest_id: str) -> None:
    """Remove the other sessions that are neither live nor fallback, and their files, by name.

    All sessions share one directory, so a name that the newest session uses again is deleted with the older one.
    """
    superseded = db.fetch_all(
        """
        SELECT id, file_names FROM model_upload_sessions
        WHERE session_type = 'models' AND is_live = 0 AND is_fallback = 0 AND id != %s
        """,
        (newest_id,),
    )
    for session in superseded:
        for name in json.loads(session["file_names"] or "[]"):
            (current_app.config["MODEL_DIR"] / name).unlink(missing_ok=True)
        db.execute("DELETE FROM model_upload_sessions WHERE id = %s", (session["id"],))


@routes.post("/api/admin/ml-models/activate")
@errors_as_json
@json_body
def activate_models(data: Any) -> ResponseReturnValue:
    session_id = data.get("sessionId")
    if not session_id:
        return jsonify(error="No session ID provided"), 400
    put_session_live(session_id)
    if not engine.load():
        return jsonify(success=False, message="Failed to load new models", sessionId=session_id), 500
    log_event("ml_models_activated", "info", f"New model session activated: {session_id}")
    restart()
    return jsonify(
        success=True,
        message="Models activated successfully. Backend will restart in 3 seconds.",
        sessionId=session_id,
        model_status={"loaded": engine.loaded, "type": engine.type},
        restarting=True,
    )


def put_session_live(session_id: Any, **flags: bool) -> None:
    update(
        "model_upload_sessions",
        {"is_live": True, **flags, "status": "active", "activated_at": NOW},
        "id = %s",
        session_id,
    )


@routes.post("/api/admin/ml-models/fallback")
@errors_as_json
def fall_back_to_previous_models() -> ResponseReturnValue:
    fallback = db.fetch_one(
        """
        SELECT id FROM model_upload_sessions
        WHERE is_fallback = 1 AND session_type = 'models' ORDER BY created_at DESC, id DESC LIMIT 1
        """
    )
    if not fallback:
        return jsonify(error="No fallback version available"), 404
    update(
        "model_upload_sessions",
        {"is_live": False, "is_fallback": False, "status": "archived"},
        "is_live = 1 AND session_type = 'models'",
    )
    put_session_live(fallback["id"], is_fallback=False)
    if not engine.load():
        return jsonify(success=False, message="Failed to load fallback models"), 500
    log_event("ml_models_rollback", "warning", f"Rolled back to previous model version: {fallback['id']}")
    restart()
    return jsonify(
        success=True,
        message="Rolled back to previous model version. Backend will restart in 3 seconds.",
        fallbackSessionId=fallback["id"],
        restarting=True,
    )


@routes.get("/api/admin/ml-models/sessions")
@errors_as_json
def model_sessions() -> ResponseReturnValue:
    sessions = db.fetch_all(
        """
        SELECT id, status, is_live, is_fallback, file_count, file_names, total_size_bytes, created_at, activated_at
        FROM model_upload_sessions WHERE session_type = 'models'
        ORDER BY created_at DESC, id DESC LIMIT 10
        """
    )
    return jsonify(
        [
            {
                "id": session["id"],
                "status": session["status"],
                "isLive": bool(session["is_live"]),
                "isFallback": bool(session["is_fallback"]),
                "fileCount": session["file_count"],
                "files": json.loads(session["file_names"]) if session["file_names"] else [],
                "totalSize": session["total_size_bytes"],
                "createdAt": iso(session["created_at"]),
                "activatedAt": iso(session["activated_at"]),
            }
            for session in sessions
        ]
    )


# ======================================================================================================================
# Replica routes. None of them asks for a token.
# ======================================================================================================================

REPLICA_STATUSES = ("launching", "syncing", "ready", "failed", "terminated")
NO_REPLICA = {
    "success": False,
    "error": "No replica available",
    "action": "emergency_snapshot_required",
    "message": "Agent should create emergency state snapshot and upload to S3",
}


@routes.post("/api/agents/<agent_id>/replicas")
@errors_as_json
@json_body
def create_replica(agent_id: str, data: Any) -> ResponseReturnValue:
    agent = db.fetch_one(
        """
        SELECT a.instance_id, a.manual_replica_enabled, a.replica_count, a.current_pool_id, i.instance_type, i.region
        FROM agents a JOIN instances i ON i.id = a.instance_id
        WHERE a.id = %s AND a.status = 'online'
        """,
        (agent_id,),
    )
    if not agent:
        return jsonify(error="Agent not found or offline"), 404
    if not agent["manual_replica_enabled"]:
        hint = "Enable manual_replica_enabled in agent settings"
        return jsonify(error="Manual replicas not enabled for this agent", hint=hint), 400
    if agent["replica_count"] >= 1:
        return jsonify(
            error="Replica already exists for this agent",
            current_count=agent["replica_count"],
            max_allowed=1,
            note="Manual replica mode maintains exactly 1 replica. Delete existing replica first.",
        ), 400
    pool_id = data.get("pool_id") or cheapest_pool(agent, data)
    if not pool_id:
        return jsonify(error="No suitable pool found", hint="Try adjusting exclude_zones or max_hourly_cost"), 400
    pool = db.fetch_one("SELECT id, pool_name, instance_type, region, az FROM spot_pools WHERE id = %s", (pool_id,))
    if not pool:
        return jsonify(error="Pool not found"), 404
    if pool["instance_type"] != agent["instance_type"]:
        mismatch = {"agent_type": agent["instance_type"], "pool_type": pool["instance_type"]}
        return jsonify(error="Pool instance type mismatch", **mismatch), 400
    price = db.fetch_one(
        "SELECT spot_price FROM pricing_snapshots_clean WHERE pool_id = %s ORDER BY time_bucket DESC LIMIT 1",
        (pool["id"],),
    )
    hourly_cost = number_or_null(price["spot_price"]) if price else None
    # Its first digits go into a name: they must differ between replicas of the same minute.
    replica_id = str(uuid.uuid4())
    instance_id = f"replica-{replica_id[:8]}"
    insert(
        "replica_instances",
        {
            "id": replica_id,
            "agent_id": agent_id,
            "instance_id": instance_id,
            "replica_type": "manual",
            "pool_id": pool["id"],
            "instance_type": pool["instance_type"],
            "region": pool["region"],
            "az": pool["az"],
            "status": "launching",
            "created_by": data.get("created_by", "unknown"),
            "parent_instance_id": agent["instance_id"],
            "hourly_cost": hourly_cost,
            "tags": json.dumps(data.get("tags", {})),
        },
    )
    db.execute(
        """
        UPDATE agents SET replica_count = replica_count + 1, current_replica_id = COALESCE(current_replica_id, %s)
        WHERE id = %s
        """,
        (replica_id, agent_id),
    )
    created = {
        "success": True,
        "replica_id": replica_id,
        "instance_id": instance_id,
        "status": "launching",
        "pool": {
            "id": pool["id"],
            "name": pool["pool_name"],
            "instance_type": pool["instance_type"],
            "region": pool["region"],
            "az": pool["az"],
        },
        "hourly_cost": hourly_cost,
        "message": "Replica is launching. Connect your agent to establish sync.",
    }
    return jsonify(created), 201


def cheapest_pool(agent: Row, wishes: Row) -> Any:
    """Pick a pool for the caller. Fails always: no pool has a column ``is_available``."""
    conditions = ["p.instance_type = %s", "p.region = %s", "p.is_available = 1", "s.time_bucket >= %s"]
    parameters = [agent["instance_type"], agent["region"], utcnow() - timedelta(minutes=5)]
    if zones := wishes.get("exclude_zones", []):
        conditions.append(f"p.az NOT IN ({', '.join(['%s'] * len(zones))})")
        parameters += zones
    if wishes.get("max_hourly_cost"):
        conditions.append("s.spot_price <= %s")
        parameters.append(wishes["max_hourly_cost"])
    pools = db.fetch_all(
        f"""
        SELECT p.id FROM spot_pools p JOIN pricing_snapshots_clean s ON s.pool_id = p.id
        WHERE {" AND ".join(conditions)} ORDER BY s.spot_price LIMIT 2
        """,
        parameters,
    )
    return next((pool["id"] for pool in pools if pool["id"] != agent["current_pool_id"]), None)


@routes.get("/api/agents/<agent_id>/replicas")
@errors_as_json
def list_replicas(agent_id: str) -> ResponseReturnValue:
    include_terminated = request.args.get("include_terminated", "false").lower() == "true"
    replicas = db.fetch_all(
        f"""
        SELECT r.id, r.instance_id, r.replica_type, r.status, r.sync_status, r.sync_latency_ms,
               r.state_transfer_progress, r.pool_id, r.hourly_cost, r.total_cost, r.created_by, r.created_at,
               r.ready_at, r.terminated_at, r.is_active, r.tags, p.pool_name, p.instance_type AS pool_type,
               p.region AS pool_region, p.az AS pool_az
        FROM replica_instances r LEFT JOIN spot_pools p ON p.id = r.pool_id
        WHERE r.agent_id = %s {"" if include_terminated else "AND r.is_active = 1"} ORDER BY r.created_at DESC
        """,
        (agent_id,),
    )
    items = [
        {
            "id": replica["id"],
            "instance_id": replica["instance_id"],
            "type": replica["replica_type"],
            "status": replica["status"],
            "sync_status": replica["sync_status"],
            "sync_latency_ms": replica["sync_latency_ms"],
            "state_transfer_progress": number(replica["state_transfer_progress"]),
            "pool": replica_pool(replica),
            "cost": {"hourly": number_or_null(replica["hourly_cost"]), "total": number(replica["total_cost"])},
            "created_by": replica["created_by"],
            "created_at": iso(replica["created_at"]),
            "ready_at": iso(replica["ready_at"]),
            "terminated_at": iso(replica["terminated_at"]),
            "age_seconds": int(((replica["terminated_at"] or utcnow()) - replica["created_at"]).total_seconds()),
            "is_active": bool(replica["is_active"]),
            "tags": json.loads(replica["tags"]) if replica["tags"] else {},
        }
        for replica in replicas
    ]
    return jsonify(replicas=items, total=len(items))


@routes.post("/api/agents/<agent_id>/replicas/<replica_id>/promote")
@errors_as_json
@json_body
def promote_replica(agent_id: str, replica_id: str, data: Any) -> ResponseReturnValue:
    demote_old_primary = data.get("demote_old_primary", True)
    replica = db.fetch_one(
        """
        SELECT instance_id, instance_type, region, az, pool_id, hourly_cost, status FROM replica_instances
        WHERE id = %s AND agent_id = %s AND is_active = 1
        """,
        (replica_id, agent_id),
    )
    if not replica:
        return jsonify(error="Replica not found or inactive"), 404
    if replica["status"] not in ("ready", "syncing"):
        return jsonify(
            error="Replica not ready for promotion",
            current_status=replica["status"],
            required_status="ready or syncing",
        ), 400
    agent = db.fetch_one(
        """
        SELECT a.client_id, a.instance_id, i.current_pool_id, i.instance_type, i.region, i.az
        FROM agents a JOIN instances i ON i.id = a.instance_id WHERE a.id = %s
        """,
        (agent_id,),
    )
    if not agent:
        return jsonify(error="Agent not found"), 404
    update("replica_instances", {"status": "promoted", "promoted_at": NOW}, "id = %s", replica_id)
    new_instance_id, old_instance_id = replica["instance_id"], agent["instance_id"]
    if not new_instance_id:
        return jsonify(error="Replica instance_id not found"), 404
    make_primary(replica, agent["client_id"])
    update(
        "agents",
        {"instance_id": new_instance_id, "current_replica_id": None, "last_failover_at": NOW},
        "id = %s",
        agent_id,
    )
    log_instance_switch(agent_id, old_instance_id, new_instance_id, "manual-replica-promotion")
    if demote_old_primary:
        insert(
            "replica_instances",
            {
                "id": new_id(),
                "agent_id": agent_id,
                "instance_id": old_instance_id,
                "replica_type": "manual",
                "pool_id": agent["current_pool_id"],
                "instance_type": agent["instance_type"],
                "region": agent["region"],
                "az": agent["az"],
                "status": "ready",
                "created_by": "system",
                "parent_instance_id": new_instance_id,
            },
        )
    else:
        update("instances", {"is_active": False}, "id = %s", old_instance_id)
    db.execute(
        "UPDATE agents SET replica_count = CASE WHEN replica_count > 0 THEN replica_count - 1 ELSE 0 END WHERE id = %s",
        (agent_id,),
    )
    return jsonify(
        success=True,
        message="Replica promoted to primary",
        new_instance_id=new_instance_id,
        old_instance_id=old_instance_id,
        demoted=demote_old_primary,
        switch_time=iso(datetime.now()),
    )


def make_primary(replica: Row, client_id: str) -> None:
    """Write the replica's instance row. It gets no agent, so it never becomes "the agent's instance"."""
    price = db.fetch_one(
        "SELECT price FROM ondemand_prices WHERE instance_type = %s AND region = %s LIMIT 1",
        (replica["instance_type"], replica["region"]),
    )
    on_demand_price = price["price"] if price else FALLBACK_ONDEMAND_PRICE
    db.upsert(
        "instances",
        {
            "id": replica["instance_id"],
            "client_id": client_id,
            "instance_type": replica["instance_type"],
            "region": replica["region"],
            "az": replica["az"],
            "current_mode": "spot",
            "current_pool_id": replica["pool_id"],
            "spot_price": replica["hourly_cost"],
            "ondemand_price": on_demand_price,
            "baseline_ondemand_price": on_demand_price,
            "is_active": True,
            "installed_at": NOW,
        },
        key=("id",),
        update=("is_active", "current_mode", "current_pool_id", "spot_price"),
    )


def log_instance_switch(agent_id: str, old_instance_id: Any, new_instance_id: Any, reason: str) -> None:
    insert(
        "instance_switches",
        {
            "agent_id": agent_id,
            "old_instance_id": old_instance_id,
            "new_instance_id": new_instance_id,
            "switch_reason": reason,
            "switched_at": NOW,
            "success": True,
        },
    )


@routes.delete("/api/agents/<agent_id>/replicas/<replica_id>")
@errors_as_json
def delete_replica(agent_id: str, replica_id: str) -> ResponseReturnValue:
    replica = db.fetch_one(
        "SELECT is_active, terminated_at FROM replica_instances WHERE id = %s AND agent_id = %s",
        (replica_id, agent_id),
    )
    if not replica:
        return jsonify(error="Replica not found"), 404
    if not replica["is_active"]:
        return jsonify(error="Replica already terminated", terminated_at=iso(replica["terminated_at"])), 400
    terminate_replicas("id = %s", replica_id)
    db.execute(
        """
        UPDATE agents SET replica_count = CASE WHEN replica_count > 0 THEN replica_count - 1 ELSE 0 END,
               current_replica_id = CASE WHEN current_replica_id = %s THEN NULL ELSE current_replica_id END
        WHERE id = %s
        """,
        (replica_id, agent_id),
    )
    return jsonify(success=True, message="Replica terminated", replica_id=replica_id, terminated_at=iso(datetime.now()))


@routes.put("/api/agents/<agent_id>/replicas/<replica_id>")
@errors_as_json
@json_body
def report_replica_instance(agent_id: str, replica_id: str, data: Any) -> ResponseReturnValue:
    instance_id, status = data.get("instance_id"), data.get("status", "syncing")
    if not instance_id:
        return jsonify(error="instance_id is required"), 400
    if not replica_exists(agent_id, replica_id):
        return jsonify(error="Replica not found"), 404
    db.execute(
        """
        UPDATE replica_instances SET instance_id = %s, status = %s, launched_at = COALESCE(launched_at, NOW())
        WHERE id = %s AND agent_id = %s
        """,
        (instance_id, status, replica_id, agent_id),
    )
    return jsonify(success=True, replica_id=replica_id, instance_id=instance_id, status=status)


def replica_exists(agent_id: str, replica_id: str) -> bool:
    replica = db.fetch_one("SELECT id FROM replica_instances WHERE id = %s AND agent_id = %s", (replica_id, agent_id))
    return replica is not None


@routes.post("/api/agents/<agent_id>/replicas/<replica_id>/status")
@errors_as_json
@json_body
def report_replica_status(agent_id: str, replica_id: str, data: Any) -> ResponseReturnValue:
    status = data.get("status")
    if not status:
        return jsonify(error="status is required"), 400
    if status not in REPLICA_STATUSES:
        return jsonify(error="Invalid status"), 400
    if not replica_exists(agent_id, replica_id):
        return jsonify(error="Replica not found"), 404
    assignments, parameters = ["status = %s"], [status]
    # None of these three columns exists, so a report that carries one of them fails.
    for column in ("sync_started_at", "sync_completed_at", "error_message"):
        if data.get(column):
            assignments.append(f"{column} = %s")
            parameters.append(data[column])
    if status == "ready":
        assignments.append("ready_at = COALESCE(ready_at, NOW())")
    db.execute(
        f"UPDATE replica_instances SET {', '.join(assignments)} WHERE id = %s AND agent_id = %s",
        [*parameters, replica_id, agent_id],
    )
    return jsonify(success=True, replica_id=replica_id, status=status)


@routes.post("/api/agents/<agent_id>/create-emergency-replica")
@errors_as_json
@json_body
def create_emergency_replica(agent_id: str, data: Any) -> ResponseReturnValue:
    if data.get("signal_type") not in ("rebalance-recommendation", "termination-notice"):
        return jsonify(error="Invalid signal_type"), 400
    agent = db.fetch_one(
        """
        SELECT a.auto_switch_enabled, a.current_pool_id, i.instance_type, i.region
        FROM agents a JOIN instances i ON i.id = a.instance_id WHERE a.id = %s
        """,
        (agent_id,),
    )
    if not agent:
        return jsonify(error="Agent not found"), 404
    if not agent["auto_switch_enabled"]:
        return jsonify(
            error="Emergency replica creation disabled",
            reason="auto_switch_enabled is OFF. Enable auto-switch mode in agent configuration to allow automatic"
            " emergency replicas.",
            hint="Turn on Auto-Switch Mode in agent settings to enable emergency failover protection",
        ), 403
    # No pool has a column is_available: the search for a safe pool fails, and nothing behind it has ever run.
    db.fetch_all(
        """
        SELECT p.id FROM spot_pools p JOIN pricing_snapshots_clean s ON s.pool_id = p.id
        WHERE p.instance_type = %s AND p.region = %s AND p.id != %s AND p.is_available = 1 AND s.time_bucket >= %s
        ORDER BY s.spot_price
        """,
        (agent["instance_type"], agent["region"], agent["current_pool_id"], utcnow() - timedelta(minutes=5)),
    )
    hint = "All pools may be at risk or unavailable"
    return jsonify(error="No suitable pool found for emergency replica", hint=hint), 500


@routes.post("/api/agents/<agent_id>/termination-imminent")
@errors_as_json
@json_body
def termination_imminent(agent_id: str, data: Any) -> ResponseReturnValue:
    started = time.monotonic()
    replica_id = data.get("replica_id") or best_replica_id(agent_id)
    if not replica_id:
        insert(
            "spot_interruption_events",
            {
                "instance_id": data.get("instance_id"),
                "agent_id": agent_id,
                "signal_type": "termination-notice",
                "detected_at": NOW,
                "termination_time": data.get("termination_time"),
                "response_action": "emergency-snapshot",
                "success": False,
                "error_message": "No replica available",
            },
        )
        return jsonify(NO_REPLICA), 500
    # An unknown agent is an IndexError, whose text is the answer.
    agent = db.fetch_all("SELECT client_id, instance_id FROM agents WHERE id = %s", (agent_id,))[0]
    replica = db.fetch_one(
        "SELECT instance_id, instance_type, region, az, pool_id, hourly_cost FROM replica_instances WHERE id = %s",
        (replica_id,),
    )
    if not replica or not replica["instance_id"]:
        return jsonify(error="Replica instance_id not found"), 404
    new_instance_id, old_instance_id = replica["instance_id"], agent["instance_id"]
    make_primary(replica, agent["client_id"])
    db.execute(
        """
        UPDATE agents SET instance_id = %s, current_replica_id = NULL, last_failover_at = NOW(),
               interruption_handled_count = interruption_handled_count + 1
        WHERE id = %s
        """,
        (new_instance_id, agent_id),
    )
    update(
        "replica_instances",
        {"status": "promoted", "promoted_at": NOW, "failover_completed_at": NOW},
        "id = %s",
        replica_id,
    )
    log_instance_switch(agent_id, old_instance_id, new_instance_id, "automatic-interruption-failover")
    update("instances", {"is_active": False}, "id = %s", old_instance_id)
    failover_time_ms = int((time.monotonic() - started) * 1000)
    event = db.fetch_one(
        """
        SELECT id FROM spot_interruption_events WHERE instance_id = %s AND agent_id = %s
        ORDER BY detected_at DESC, id DESC LIMIT 1
        """,
        (data.get("instance_id"), agent_id),
    )
    if event:
        outcome = {"replica_ready": True, "failover_completed": True, "success": True}
        update("spot_interruption_events", {**outcome, "failover_time_ms": failover_time_ms}, "id = %s", event["id"])
    return jsonify(
        success=True,
        message="Automatic failover completed",
        action="replica_promoted",
        replica_id=replica_id,
        new_instance_id=new_instance_id,
        failover_time_ms=failover_time_ms,
    )


def best_replica_id(agent_id: str) -> Any:
    replica = db.fetch_one(
        """
        SELECT id FROM replica_instances WHERE agent_id = %s AND is_active = 1 AND status IN ('ready', 'syncing')
        ORDER BY CASE status WHEN 'ready' THEN 0 ELSE 1 END, created_at LIMIT 1
        """,
        (agent_id,),
    )
    return replica["id"] if replica else None


@routes.post("/api/agents/<agent_id>/replicas/<replica_id>/sync-status")
@errors_as_json
@json_body
def report_sync_status(agent_id: str, replica_id: str, data: Any) -> ResponseReturnValue:
    changes: Row = {}
    for column in ("sync_status", "sync_latency_ms"):
        if column in data:
            changes[column] = data[column]
    if "state_transfer_progress" in data:
        progress = data["state_transfer_progress"]
        changes["state_transfer_progress"] = progress
        if progress >= 100.0:
            changes |= {"status": "ready", "ready_at": NOW}
    if "status" in data:
        changes["status"] = data["status"]
        if data["status"] == "ready":
            changes["ready_at"] = NOW
    update("replica_instances", {**changes, "last_sync_at": NOW}, "id = %s AND agent_id = %s", replica_id, agent_id)
    return jsonify(success=True, message="Sync status updated")
