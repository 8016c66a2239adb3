"""What operators were shown that is worth keeping: noted without holding up the answer."""

from flask import Flask, current_app

from backend.core.graceful import on_end
from backend.core.metrics import DOMAIN, GAUGES
from backend.core.rows_behind import show_rows_behind
from backend.spot.models import db
from backend.spot.services.audit import AuditRow, audit_behind, keep_soon

EXTENSION = "audit_behind"


def install_readings(app: Flask) -> None:
    """Let `app` keep rows of the audit log a moment after its answers."""
    with app.app_context():
        database = db.engine
    app.extensions[EXTENSION] = behind = audit_behind(app.extensions[DOMAIN], database)
    show_rows_behind(app.extensions[GAUGES], behind)
    on_end(app, behind.end)


def keep_reading(row: AuditRow) -> None:
    """Keep a row of the audit log that tells what is about to be shown."""
    keep_soon(db.session(), row, current_app.extensions[EXTENSION])
