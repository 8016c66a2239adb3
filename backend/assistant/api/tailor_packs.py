"""`/api/tailor-packs...`: packs of templates and tools for a business."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, cast

from flask import Flask, current_app, jsonify, send_file
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from backend.assistant.models import db
from backend.assistant.schemas import tailor_packs as schemas
from backend.assistant.services.records import Row
from backend.assistant.services.tailor_packs import exporting, packs
from backend.assistant.services.tailor_packs.archives import Limits
from backend.assistant.services.tailor_packs.catalog import find_order
from backend.assistant.services.tailor_packs.importing import Importer, Rights, recover
from backend.assistant.services.tailor_packs.installed import all_packs
from backend.assistant.services.tailor_packs.refusals import PackRefusedError, not_found
from backend.assistant.services.tailor_packs.store import Store
from backend.assistant.settings.tailor_packs import TailorPackSettings
from backend.core.clock import utc_now
from backend.core.database import run_and_commit
from backend.core.detail_blueprint import DetailBlueprint
from backend.core.errors import log_failure
from backend.core.settings import Settings

EXTENSION = "tailor_packs"
ZIP = "application/zip"


@dataclass(frozen=True)
class Room:
    """The packs of an application: where they lie, and what they may be."""

    settings: TailorPackSettings
    store: Store


tailor_packs = DetailBlueprint(
    "tailor-packs", __name__, url_prefix="/api/tailor-packs", description="Packs for a business"
)


def install_tailor_packs(app: Flask) -> None:
    """Tell `app` where packs are; raises SettingsError. Nothing is read or written yet."""
    settings: Settings = app.extensions["settings"]
    own = TailorPackSettings.read(settings.read)
    app.extensions[EXTENSION] = Room(own, Store(own))


@tailor_packs.route("", methods=["GET"])
@tailor_packs.response(200, schemas.Packs())
def list_packs() -> Any:
    """The packs that are installed."""
    return packs.listing(db.session(), utc_now())


@tailor_packs.route("/import", methods=["POST"])
@tailor_packs.arguments(schemas.Order())
@tailor_packs.response(200, schemas.Imported())
@tailor_packs.alt_response(400, schema=schemas.PackRefusal(), description="The number is none")
@tailor_packs.alt_response(404, schema=schemas.PackRefusal(), description="Nothing was ordered under this number")
@tailor_packs.alt_response(409, schema=schemas.PackRefusal(), description="This version or a higher one is installed")
@tailor_packs.alt_response(413, schema=schemas.PackRefusal(), description="The pack is too large")
@tailor_packs.alt_response(503, schema=schemas.PackRefusal(), description="The catalogue can't be read")
@tailor_packs.alt_response(507, schema=schemas.PackRefusal(), description="The disk is full")
def import_pack(wanted: dict[str, Any]) -> Any:
    """Install the pack that was ordered under a number."""
    order = find_order(_room().settings.catalog, wanted["orderNumber"])
    verified = wanted["verifyLicense"]
    rights = Rights(licensed=order.trial_days is None, trial_days=order.trial_days) if verified else Rights()
    with order.open() as file:
        return _install(file, rights)


@tailor_packs.route("/import-file", methods=["POST"])
@tailor_packs.arguments(schemas.PackFile(), location="form", content_type="multipart/form-data")
@tailor_packs.response(200, schemas.Imported())
@tailor_packs.alt_response(409, schema=schemas.PackRefusal(), description="This version or a higher one is installed")
@tailor_packs.alt_response(413, schema=schemas.PackRefusal(), description="The pack is too large")
@tailor_packs.alt_response(503, schema=schemas.PackRefusal(), description="Somebody else is changing packs")
@tailor_packs.alt_response(507, schema=schemas.PackRefusal(), description="The disk is full")
def import_file(form: dict[str, Any]) -> Any:
    """Install the pack in a zip archive (422 for one that is not sound)."""
    upload: FileStorage = form["packFile"]
    return _install(upload.stream, Rights())


@tailor_packs.route("/export/<pack_id>", methods=["POST"])
@tailor_packs.response(200, description="The pack as a zip archive", content_type=ZIP)
@tailor_packs.alt_response(404, schema=schemas.PackRefusal(), description="There is no such pack")
def export_pack(pack_id: str) -> Any:
    """A pack as an archive that can be imported."""

    def make(store: Store, rows: dict[str, Row]) -> IO[bytes]:
        if pack_id not in rows:
            raise not_found()
        return exporting.export(store, rows[pack_id])

    return _sent(make, f"{pack_id}-export.zip")


@tailor_packs.route("/backup", methods=["POST"])
@tailor_packs.response(200, description="All packs in a zip archive", content_type=ZIP)
@tailor_packs.alt_response(404, schema=schemas.PackRefusal(), description="A pack's files are missing")
def back_up() -> Any:
    """All packs in one archive, each as its export."""
    at = utc_now()

    def make(store: Store, rows: dict[str, Row]) -> IO[bytes]:
        return exporting.backup(store, list(rows.values()), at)

    return _sent(make, f"tailor-packs-backup-{at:%Y-%m-%d}.zip")


@tailor_packs.route("/statistics", methods=["GET"])
@tailor_packs.response(200, schemas.PackStatistics())
def statistics() -> Any:
    """How many packs there are of each kind."""
    return packs.statistics(db.session(), utc_now())


@tailor_packs.route("/<pack_id>/toggle", methods=["POST"])
@tailor_packs.arguments(schemas.Switch(), location="query")
@tailor_packs.response(200, schemas.Done())
@tailor_packs.alt_response(402, schema=schemas.PackRefusal(), description="The pack needs a licence")
@tailor_packs.alt_response(404, schema=schemas.PackRefusal(), description="There is no such pack")
@tailor_packs.alt_response(409, schema=schemas.PackRefusal(), description="Other packs stand in the way")
def toggle(query: dict[str, Any], pack_id: str) -> Any:
    """Switch a pack on or off."""
    return run_and_commit(
        db.session(), lambda: packs.toggle(db.session(), utc_now(), pack_id, enabled=query["enabled"])
    )


@tailor_packs.route("/<pack_id>/dependencies", methods=["GET"])
@tailor_packs.response(200, schemas.PackPlan())
@tailor_packs.alt_response(404, schema=schemas.PackRefusal(), description="There is no such pack")
def dependencies(pack_id: str) -> Any:
    """What has to be installed or enabled for a pack to work."""
    return packs.plan(db.session(), utc_now(), pack_id)


@tailor_packs.errorhandler(PackRefusedError)
def answer_refusal(refusal: PackRefusedError) -> ResponseReturnValue:
    """A refusal in the shape that the frontend reads."""
    if refusal.__cause__ is not None:
        log_failure(refusal.__cause__)
    return jsonify(success=False, error=refusal.text), refusal.status_code


def _room() -> Room:
    return cast(Room, current_app.extensions[EXTENSION])


def _install(file: IO[bytes], rights: Rights) -> dict[str, Any]:
    room, session = _room(), db.session()
    limits = Limits(room.settings.most_files, room.settings.most_bytes)
    importer = Importer(room.store, limits, session, utc_now(), lambda work: run_and_commit(session, work))
    return importer.install(file, rights)


def _sent(make: Callable[[Store, dict[str, Row]], IO[bytes]], name: str) -> Any:
    """An archive as it is made while nobody changes packs; it is streamed when they may again."""
    store, session = _room().store, db.session()
    with store.alone():
        recover(store, session)
        rows = all_packs(session)
        session.rollback()
        archive = make(store, rows)
    answer = send_file(archive, mimetype=ZIP, as_attachment=True, download_name=name, etag=False, conditional=False)
    answer.call_on_close(archive.close)
    return answer
