"""Is the service well?"""

from typing import Any

from sqlalchemy import select

from backend.core.clock import utc_now
from backend.core.errors import RequestRefusedError, describe
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.services import engine_status

SIGN_OF_LIFE = Prepared(select(1))


def check(session: Session) -> dict[str, Any]:
    """The state of the service; Refused with 500 when the database does not answer."""
    try:
        session.execute(SIGN_OF_LIFE)
    except Exception as error:
        raise RequestRefusedError(500, describe(error), status="unhealthy") from error
    return {
        "status": "healthy",
        "database": "connected",
        "decision_engine_loaded": engine_status.current().loaded,
        "timestamp": utc_now().isoformat(),
    }
