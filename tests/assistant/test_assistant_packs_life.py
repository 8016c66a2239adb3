"""Tailor packs through their life: ordered, uploaded, switched, exported, backed up, replaced."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from backend import create_app
from backend.core.settings import Settings
from tests.assistant.packs import FILES, archive, get, installed, manifest, members, on_disk, post, send, zipped
from tests.assistant.tools import Tools, at_once

MARKETING = "marketing_essentials"


@pytest.fixture
def catalog(tmp_path: Path, tools: Tools) -> Path:
    """A catalogue of packs for `tools`."""
    directory = tmp_path / "catalog"
    directory.mkdir()
    environment = {
        "ASSISTANT_DATABASE_URL": tools.url,
        "DATA_DIR": str(tools.directory / "data"),
        "TAILOR_PACKS_CATALOG": str(directory),
        "LOG_LEVEL": "ERROR",
    }
    tools.app = create_app("assistant", Settings.from_environment("assistant", environment))
    licensed = archive(license_required=True, license_type="subscription")
    (directory / "marketing.zip").write_bytes(licensed)
    orders = {
        "WF-1234567": "marketing.zip",
        "TRIAL-123456789": {"pack": "marketing.zip", "trial_days": 14},
        "AB12CD34": "lost.zip",
        "AB12CD35": "../marketing.zip",
    }
    (directory / "index.json").write_text(json.dumps({"orders": orders}))
    return directory


def order(tools: Tools, number: str, verify: bool = True) -> Any:
    return post(tools, "/import", {"orderNumber": number, "verifyLicense": verify})


def test_an_uploaded_pack_is_installed_with_all_its_files(tools: Tools) -> None:
    answer = send(tools, archive())
    assert answer.status_code == 200, answer.text
    assert answer.json == {
        "success": True,
        "message": "Pack imported successfully",
        "pack": {
            "id": MARKETING,
            "name": "Marketing Essentials",
            "version": "1.2.0",
            "description": "Letters and plans.",
            "author": "Example Ltd.",
            "category": "marketing",
            "targetAudience": "freelancer",
            "active": True,
            "features": ["Letters", "Plans"],
            "dependencies": [],
            "licenseRequired": False,
            "trialDaysLeft": None,
        },
    }
    assert get(tools) == {
        "success": True,
        "installedPacks": [answer.json["pack"]],
        "totalInstalled": 1,
        "totalActive": 1,
    }
    found = {path.partition("/")[2]: content for path, content in on_disk(tools).items()}
    assert found == {"manifest.json": json.dumps(manifest()).encode(), **FILES}
    assert get(tools, "/statistics")["statistics"] == {
        "total_installed": 1,
        "total_active": 1,
        "categories": {"marketing": 1},
        "target_audiences": {"freelancer": 1},
        "licensed_packs": 0,
        "total_size": sum(len(content) for content in found.values()),
    }


def test_an_export_can_be_imported_and_is_the_same_each_time(tools: Tools, tmp_path: Path) -> None:
    send(tools, archive())
    first, second = (post(tools, f"/export/{MARKETING}") for _ in range(2))
    assert (first.status_code, first.content_type) == (200, "application/zip")
    assert f"{MARKETING}-export.zip" in first.headers["Content-Disposition"]
    assert first.data == second.data
    assert members(first.data) == {"manifest.json": json.dumps(manifest()).encode(), **FILES}
    shutil.rmtree(tools.directory / "data" / "packs")
    tools.sql("DELETE FROM tailor_packs")
    assert send(tools, first.data).status_code == 200
    assert post(tools, f"/export/{MARKETING}").data == first.data


def test_a_backup_holds_the_export_of_every_pack(tools: Tools) -> None:
    assert json.loads(members(post(tools, "/backup").data)["backup.json"]) == {"packs": []}
    send(tools, archive())
    send(tools, archive(pack_id="sales", name="Sales"))
    post(tools, "/sales/toggle?enabled=false")
    answer = post(tools, "/backup")
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    found = members(answer.data)
    assert json.loads(found.pop("backup.json")) == {
        "packs": [
            {"id": MARKETING, "version": "1.2.0", "active": True},
            {"id": "sales", "version": "1.2.0", "active": False},
        ]
    }
    assert found == {f"{name}.zip": post(tools, f"/export/{name}").data for name in (MARKETING, "sales")}
    assert post(tools, "/backup").data == answer.data


def test_unknown_packs_are_refused_in_the_shape_the_frontend_reads(tools: Tools) -> None:
    missing = {"success": False, "error": "Pack not found"}
    answer = post(tools, "/export/nothing")
    assert (answer.status_code, answer.json) == (404, missing)
    dependencies = tools.app.test_client().get("/api/tailor-packs/x/dependencies", base_url="http://127.0.0.1")
    assert (dependencies.status_code, dependencies.json) == (404, missing)
    switched = post(tools, "/nothing/toggle?enabled=true")
    assert (switched.status_code, switched.json) == (404, {"success": False, "error": "Pack not installed"})
    send(tools, archive())
    for path in (tools.directory / "data" / "packs").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    for call in (f"/export/{MARKETING}", "/backup"):
        answer = post(tools, call)
        assert (answer.status_code, answer.json["error"]) == (404, "Pack directory not found")


def test_only_a_higher_version_replaces_a_pack_and_leaves_nothing_of_the_old(tools: Tools) -> None:
    send(tools, archive())
    before = on_disk(tools)
    for version in ("1.2.0", "1.1.9", "0.9.0", "1.2.0-beta"):
        answer = send(tools, archive({"new.txt": b""}, version=version))
        assert (answer.status_code, answer.json["success"]) == (409, False)
        assert "is installed in version 1.2.0: only a higher version" in answer.json["error"]
    assert on_disk(tools) == before
    post(tools, f"/{MARKETING}/toggle?enabled=false")
    answer = send(tools, archive({"new.txt": b"new"}, version="1.10.0-rc1"))
    assert (answer.status_code, answer.json["pack"]["version"], answer.json["pack"]["active"]) == (
        200,
        "1.10.0-rc1",
        False,
    )
    assert {path.partition("/")[2] for path in on_disk(tools)} == {"manifest.json", "new.txt"}
    assert send(tools, archive(version="1.10.0")).status_code == 200
    assert installed(tools)[MARKETING]["version"] == "1.10.0"


def test_an_order_is_looked_up_and_brings_its_licence(tools: Tools, catalog: Path) -> None:
    answer = order(tools, " wf-1234567 ")
    assert answer.status_code == 200, answer.text
    assert (answer.json["success"], answer.json["pack"]["name"]) == (True, "Marketing Essentials")
    pack = answer.json["pack"]
    assert (pack["active"], pack["licenseRequired"], pack["trialDaysLeft"]) == (True, True, None)


def test_a_trial_ends_and_can_be_followed_by_a_licence(tools: Tools, catalog: Path) -> None:
    pack = order(tools, "TRIAL-123456789").json["pack"]
    assert (pack["active"], pack["trialDaysLeft"]) == (True, 14)
    assert order(tools, "TRIAL-123456789").status_code == 409
    tools.sql("UPDATE tailor_packs SET trial_ends_at = '2020-01-01 00:00:00.000000'")
    pack = installed(tools)[MARKETING]
    assert (pack["active"], pack["trialDaysLeft"]) == (False, 0)
    answer = post(tools, f"/{MARKETING}/toggle?enabled=true")
    assert (answer.status_code, answer.json["error"]) == (402, "Valid license required")
    answer = order(tools, "WF-1234567")
    assert (answer.status_code, answer.json["message"]) == (200, "Pack licensed successfully")
    assert (answer.json["pack"]["active"], answer.json["pack"]["trialDaysLeft"]) == (True, None)


def test_without_the_licence_a_pack_is_installed_and_stays_off(tools: Tools, catalog: Path) -> None:
    assert order(tools, "WF-1234567", verify=False).json["pack"]["active"] is False
    answer = post(tools, f"/{MARKETING}/toggle?enabled=true")
    assert (answer.status_code, answer.json["error"]) == (402, "Valid license required")


@pytest.mark.parametrize(
    ("number", "status", "error"),
    [
        ("ORD-1", 400, "Invalid order number format"),
        ("WF-123456", 400, "Invalid order number format"),
        ("TRIAL-12345678", 400, "Invalid order number format"),
        ("ABCDEF1", 400, "Invalid order number format"),
        ("", 400, "Invalid order number format"),
        ("WF-7654321", 404, "Order number not found"),
        ("ABCDEFG8", 404, "Order number not found"),
        ("AB12CD34", 503, "The catalogue names a pack that it does not hold."),
        ("AB12CD35", 503, "The catalogue of packs can't be read: see TAILOR_PACKS_CATALOG."),
    ],
)
def test_orders_that_bring_nothing(tools: Tools, catalog: Path, number: str, status: int, error: str) -> None:
    answer = order(tools, number)
    assert (answer.status_code, answer.json) == (status, {"success": False, "error": error})


def test_without_a_catalogue_every_order_is_unknown(tools: Tools) -> None:
    answer = order(tools, "WF-1234567")
    assert (answer.status_code, answer.json["error"][:44]) == (404, "Order number not found: this server has no c")


@pytest.mark.parametrize("index", ["", "{", "[]", '{"orders": 1}', '{"orders": {"WF-1234567": 7}}'])
def test_a_broken_index_is_said_to_be_broken(tools: Tools, catalog: Path, index: str) -> None:
    (catalog / "index.json").write_text(index)
    assert order(tools, "WF-1234567").status_code == 503


def test_what_a_pack_needs_is_told_and_held_to(tools: Tools) -> None:
    assert send(tools, archive(dependencies=["base", "mail"])).json["pack"]["active"] is False
    assert get(tools, f"/{MARKETING}/dependencies") == {
        "success": True,
        "total_actions": 2,
        "plan": [
            {"action": "install", "pack_id": "base", "required_by": MARKETING},
            {"action": "install", "pack_id": "mail", "required_by": MARKETING},
        ],
    }
    answer = post(tools, f"/{MARKETING}/toggle?enabled=true")
    assert (answer.status_code, answer.json["error"]) == (409, "Missing dependencies: ['base', 'mail']")
    send(tools, archive(pack_id="base", name="Base"))
    send(tools, archive(pack_id="mail", name="Mail", dependencies=["base", MARKETING]))
    plan = get(tools, f"/{MARKETING}/dependencies")["plan"]
    assert plan == [{"action": "enable", "pack_id": "mail", "required_by": MARKETING}]
    tools.sql("UPDATE tailor_packs SET active = 1")
    answer = post(tools, "/base/toggle?enabled=false")
    assert (answer.status_code, answer.json["error"]) == (409, f"Needed by active packs: ['mail', '{MARKETING}']")


def test_switching_says_what_it_did(tools: Tools) -> None:
    send(tools, archive())
    for enabled, word in (("false", "Disabled"), ("true", "Enabled")):
        answer = post(tools, f"/{MARKETING}/toggle?enabled={enabled}")
        assert answer.json == {"success": True, "message": f"{word} Marketing Essentials"}
        assert installed(tools)[MARKETING]["active"] is (enabled == "true")
    assert post(tools, f"/{MARKETING}/toggle").status_code == 422
    assert post(tools, f"/{MARKETING}/toggle?enabled=perhaps").status_code == 422


def test_of_imports_at_the_same_moment_one_is_done(tools: Tools) -> None:
    answers = at_once(4, lambda: send(tools, archive()))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len({path.partition("/")[0] for path in on_disk(tools)}) == 1


def test_packs_work_on_every_database(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    shutil.rmtree(tools.directory / "data" / "packs", ignore_errors=True)
    assert send(tools, archive()).status_code == 200
    assert send(tools, archive(version="1.3.0", features=[{"name": "Пример", "level": 3}])).status_code == 200
    assert installed(tools)[MARKETING]["features"] == [{"name": "Пример", "level": 3}]
    assert post(tools, f"/{MARKETING}/toggle?enabled=false").status_code == 200
    assert send(tools, zipped({"manifest.json": b"{}"})).status_code == 422
    assert members(post(tools, f"/export/{MARKETING}").data).keys() == {"manifest.json", *FILES}


def test_an_upload_is_a_file_in_its_field(tools: Tools) -> None:
    client = tools.app.test_client()
    for data in ({}, {"packFile": "text"}, {"other": (io.BytesIO(archive()), "pack.zip")}):
        answer = client.post("/api/tailor-packs/import-file", data=data, base_url="http://127.0.0.1")
        assert answer.status_code == 422
