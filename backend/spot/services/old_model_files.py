"""Sessions that the old side made: its files lie side by side in the model directory, whatever session they are of."""

from typing import Any

from sqlalchemy import select
from werkzeug.utils import secure_filename

from backend.core.rows import update_rows
from backend.core.session import Session
from backend.spot.models import ModelUploadSession
from backend.spot.services.file_store import FileStore, StoredFile, StoreError, stored_files


def files_of(session: Session, store: FileStore, row: Any) -> list[StoredFile]:
    """The stored files of a session. Those of the old side are copied into the store when they are asked for first.

    Raises StoreError for a file that is missing: the old side deletes files by name, also another session's.
    """
    if row.stored_files is not None:
        return stored_files(row.stored_files)
    this = ModelUploadSession.id == row.id
    locked = session.execute(select(ModelUploadSession.stored_files).where(this).with_for_update()).scalar()
    if locked is not None:
        return stored_files(locked)
    # What an interrupted attempt may have left, which nobody knows of.
    store.remove(row.id)
    with store.receive(row.id) as incoming:
        for name in row.file_names or ():
            path = store.root / secure_filename(name)
            if not path.is_file():
                raise StoreError(f"{name} of session {row.id} is missing in {store.root}")
            with path.open("rb") as content:
                incoming.add(path.name, content)
        update_rows(session, ModelUploadSession, this, stored_files=[file.as_json() for file in incoming.files])
    return incoming.files
