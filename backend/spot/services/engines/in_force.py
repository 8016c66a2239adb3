"""What the database says is to decide: which uploaded engine, if any, with the files of which model session."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import EngineUpload, ModelUploadSession
from backend.spot.services.file_store import StoredFile, stored_files

MODELS = "models"

# An upload makes the live session the fallback before its own is activated: what was activated last stays in force.
SESSION_IN_FORCE = Prepared(
    select(ModelUploadSession.id, ModelUploadSession.stored_files)
    .where(
        ModelUploadSession.session_type == MODELS,
        or_(ModelUploadSession.is_live == 1, ModelUploadSession.is_fallback == 1),
        ModelUploadSession.activated_at.is_not(None),
    )
    .order_by(
        ModelUploadSession.is_live.desc(),
        ModelUploadSession.activated_at.desc(),
        ModelUploadSession.change_number.desc(),
    )
    .limit(1)
)
ENGINE_UPLOADS = select(EngineUpload.id, EngineUpload.directory, EngineUpload.stored_files).order_by(
    EngineUpload.id.desc()
)

NEWEST_ENGINE_UPLOAD = Prepared(ENGINE_UPLOADS.limit(1))


@dataclass(frozen=True)
class Upload:
    """Stored files that are in force."""

    directory: str
    files: tuple[StoredFile, ...]


@dataclass(frozen=True)
class InForce:
    """The uploads in force; None stands for the configured engine, and for no models."""

    models: Upload | None = None
    engine: Upload | None = None

    @property
    def key(self) -> tuple[str | None, str | None]:
        """Equal for what is loaded from the same files."""
        return (
            self.models.directory if self.models else None,
            self.engine.directory if self.engine else None,
        )


def look_up(session: Session) -> InForce:
    """What is in force now."""
    return InForce(_models(session), newest_engine(session))


def newest_engine(session: Session) -> Upload | None:
    """The uploaded engine in force."""
    row = session.execute(NEWEST_ENGINE_UPLOAD).first()
    return None if row is None else Upload(row.directory, tuple(stored_files(row.stored_files)))


def _models(session: Session) -> Upload | None:
    """Sessions whose files were stored by the old side count once they are activated here."""
    row: Any = session.execute(SESSION_IN_FORCE).first()
    return None if row is None or row.stored_files is None else Upload(row.id, tuple(stored_files(row.stored_files)))
