"""Archives that are no packs, or mean harm: refused before anything of them is on the disk."""

from __future__ import annotations

import io
import json
import stat
import struct
import tracemalloc
import zlib
from typing import Any
from zipfile import ZIP_BZIP2, ZipFile, ZipInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.assistant.services.tailor_packs.member_names import check_name
from backend.assistant.services.tailor_packs.refusals import PackRefusedError
from tests.assistant.packs import archive, installed, manifest, members, on_disk, post, send, zipped, zipped_infos
from tests.assistant.tools import Tools

MANIFEST = json.dumps(manifest()).encode()


def described(name: str, kind: int = 0, **attributes: Any) -> ZipInfo:
    """A member described by hand."""
    info = ZipInfo(name)
    info.external_attr = (kind | 0o644) << 16
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


def with_member(info: ZipInfo, content: bytes = b"content") -> bytes:
    """A pack that would be good without this member."""
    return zipped_infos([(ZipInfo("manifest.json"), MANIFEST), (info, content)])


def refused(tools: Tools, content: bytes, *, status: int = 422) -> str:
    """The error that an archive is refused with; nothing is on the disk before and after."""
    before = on_disk(tools)
    answer = send(tools, content)
    assert (answer.status_code, answer.json["success"]) == (status, False), answer.text
    assert on_disk(tools) == before == {}
    assert installed(tools) == {}
    assert list((tools.directory / "data" / "packs").glob(".*")) == []
    error: str = answer.json["error"]
    return error


LEADING_OUT = ("../evil.txt", "templates/../../evil.txt", "/etc/evil", "//evil", "./a", "a/./b", "a/..", "..")
NOT_THE_SAME_EVERYWHERE = (
    *("C:/evil.txt", "c:evil.txt", "..\\evil.txt", "a\\b", "\\\\server\\share", "file:stream"),
    *("a//b", "trailing./x", "space /x", " space", "bell\x07", "what?", "star*", 'quote"', "a|b", "a\x7f"),
)
DEVICES = ("CON", "nul.txt", "templates/Com1", "lpt9.tar.gz", "AUX/x", "conin$")
TOO_LONG = ("a" * 151, "/".join("abcdefghijklmn"), "/".join(["a" * 100] * 5))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (LEADING_OUT, "leads out of it"),
        (NOT_THE_SAME_EVERYWHERE, "is not the same file everywhere"),
        (DEVICES, "is that of a device"),
        (TOO_LONG, "is too long"),
    ],
)
def test_names_that_mean_something_else(tools: Tools, names: tuple[str, ...], reason: str) -> None:
    for name in names:
        assert reason in refused(tools, with_member(described(name))), name


def test_a_name_that_ends_early_for_some(tools: Tools) -> None:
    whole = with_member(described("evil.txtXhidden"))
    assert "not the same file everywhere" in refused(tools, whole.replace(b"evil.txtX", b"evil.txt\0"))


@pytest.mark.parametrize(
    "names",
    [
        ("a.txt", "a.txt"),
        ("a.txt", "A.TXT"),
        ("straße", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("a", "a/b"),
        ("A", "a/b"),
        ("a/b", "A/c"),
        ("a/", "A"),
        ("Manifest.json", "x"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_one_on_some_systems(tools: Tools, names: tuple[str, ...]) -> None:
    entries = [(described(name), b"" if name.endswith("/") else b"x") for name in names]
    error = refused(tools, zipped_infos([(ZipInfo("manifest.json"), MANIFEST), *entries]))
    assert "are called" in error or "is used twice" in error


def test_links_and_other_things_that_are_no_files(tools: Tools) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR):
        assert "neither a file nor a directory" in refused(tools, with_member(described("x", kind), b"/etc/passwd"))
    assert "contents of its own" in refused(tools, with_member(described("x/")))


def test_encrypted_and_strangely_compressed_members(tools: Tools) -> None:
    content = with_member(described("x"))
    # The bits of the last entry, in the list at the archive's end.
    at = content.rfind(b"PK\x01\x02") + 8
    for bits in (1, 0x40, 0x2000):
        assert "is encrypted" in refused(tools, content[:at] + struct.pack("<H", bits) + content[at + 2 :])
    file = io.BytesIO()
    with ZipFile(file, "w") as made:
        made.writestr("manifest.json", MANIFEST)
        made.writestr(ZipInfo("x"), b"x" * 100, ZIP_BZIP2)
    assert "unusual way" in refused(tools, file.getvalue())


def test_a_bomb_is_never_unpacked_nor_held_in_memory(tools: Tools) -> None:
    bomb = with_member(described("zeros"), bytes(40 * 1024 * 1024))
    assert len(bomb) < 50_000
    tracemalloc.start()
    error = refused(tools, bomb, status=413)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "far larger than the archive" in error
    assert peak < 10 * 1024 * 1024


def test_a_bomb_of_many_small_charges(tools: Tools) -> None:
    many = {f"{number}": bytes(900_000) for number in range(40)}
    assert "far larger" in refused(tools, archive(many), status=413)


def test_a_bomb_within_an_archive(tools: Tools) -> None:
    charge = zipped({"zeros": bytes(1024 * 1024)})
    inner = charge * (1024 * 1024 // len(charge) + 10)  # only the last of them counts for who opens it
    assert len(inner) > 1024 * 1024
    assert "far larger" in refused(tools, archive({"inner.zip": inner}), status=413)


def test_what_the_archive_says_of_its_sizes_is_not_believed(tools: Tools) -> None:
    content = with_member(described("zeros"), bytes(2 * 1024 * 1024))
    at = content.rfind(b"PK\x01\x02") + 24
    assert struct.unpack("<I", content[at : at + 4]) == (2 * 1024 * 1024,)
    assert "damaged" in refused(tools, content[:at] + struct.pack("<I", 100) + content[at + 4 :])


def test_members_that_share_their_bytes(tools: Tools) -> None:
    content = bytearray(zipped_infos([(ZipInfo("manifest.json"), MANIFEST), (ZipInfo("b"), b"b" * 50)]))
    first = content.find(b"PK\x01\x02")
    second = content.find(b"PK\x01\x02", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    assert "damaged" in refused(tools, bytes(content))


def test_too_many_and_too_large_files(tools: Tools) -> None:
    assert "at most 1000 files" in refused(tools, archive({f"{number}": b"" for number in range(1000)}), status=413)
    assert "at most 1000 files" in refused(tools, archive({f"{number}": b"" for number in range(2500)}), status=413)
    room = tools.app.extensions["tailor_packs"]
    limited = type(room)(type(room.settings)(room.settings.data, most_bytes=2000), room.store)
    tools.app.extensions["tailor_packs"] = limited
    noise = zlib.compress(bytes(range(256)) * 40, 0)
    assert "too large" in refused(tools, archive({"a": noise[:1500], "b": noise[:1500]}), status=413)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a zip",
        b"PK\x05\x06",
        b"PK\x05\x06" + bytes(18),
        archive()[:-30],
        archive()[40:],
        archive().replace(b"PK\x03\x04", b"PK\x03\x05"),
        archive()[:60] + b"\xff" * 40 + archive()[100:],
        b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + bytes(18),
    ],
)
def test_damaged_archives(tools: Tools, content: bytes) -> None:
    assert refused(tools, content).startswith("This is no pack: ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": None}, "lacks name"),
        ({"features": None, "author": None}, "lacks author, features"),
        ({"pack_id": "../x"}, "pack_id"),
        ({"pack_id": ""}, "pack_id"),
        ({"pack_id": "a" * 101}, "pack_id"),
        ({"pack_id": 7}, "pack_id"),
        ({"version": "1.2"}, "version"),
        ({"version": "1.2.3-"}, "version"),
        ({"version": "\u0661.2.3"}, "version"),
        ({"version": "1.2.3 "}, "version"),
        ({"name": " "}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"description": ["x"]}, "description"),
        ({"target_audience": "everybody"}, "target_audience"),
        ({"target_audience": ["any"]}, "target_audience"),
        ({"business_category": {}}, "business_category"),
        ({"features": []}, "features"),
        ({"features": ["x"] * 101}, "features"),
        ({"features": [1]}, "features"),
        ({"features": ["x" * 70_000]}, "features"),
        ({"features": [{"a": json.loads("[" * 500 + "]" * 500)}]}, "nested too deeply"),
        ({"dependencies": "base"}, "dependencies"),
        ({"dependencies": ["../base"]}, "dependencies"),
        ({"license_required": "yes"}, "license_required"),
        ({"license_required": True}, "license_type"),
        ({"license_required": True, "license_type": ""}, "license_type"),
    ],
)
def test_wrong_manifests_are_refused_by_name(tools: Tools, changes: dict[str, Any], reason: str) -> None:
    assert reason in refused(tools, archive(**changes))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, MANIFEST.replace(b'"Letters"', b"NaN")],
)
def test_manifests_that_are_no_json_objects(tools: Tools, text: bytes) -> None:
    assert "manifest.json" in refused(tools, zipped({"manifest.json": text}))


def test_a_pack_without_a_manifest_in_its_root(tools: Tools) -> None:
    assert "has no manifest.json" in refused(tools, zipped({"pack/manifest.json": MANIFEST}))
    assert "is too large" in refused(tools, zipped({"manifest.json": MANIFEST + b" " * 300_000}))


NAMES = st.text(
    st.sampled_from("aAbB1. /\\:~$%_-é\u0301ß\u017f*\x00\x1f") | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=40,
)


def elsewhere(tools: Tools) -> set[str]:
    """Everything beside the directory of packs, and the database."""
    found = (path.relative_to(tools.directory) for path in tools.directory.rglob("*"))
    return {str(path) for path in found if path.parts[:2] != ("data", "packs") and "sqlite3" not in path.name}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True), version=st.integers(1, 10**8))
def test_whatever_names_there_are_nothing_leaves_the_pack(tools: Tools, names: list[str], version: int) -> None:
    (tools.directory / "data" / "packs").mkdir(parents=True, exist_ok=True)
    before, others = on_disk(tools), elsewhere(tools)
    entries = [(described(name), b"" if name.endswith("/") else name.encode()) for name in names]
    text = json.dumps(manifest(pack_id=f"pack{version}")).encode()
    answer = send(tools, zipped_infos([(ZipInfo("manifest.json"), text), *entries]))
    assert answer.status_code in (200, 409, 422), answer.text
    assert elsewhere(tools) == others
    if answer.status_code != 200:
        assert on_disk(tools) == before
        return
    new = {path: content for path, content in on_disk(tools).items() if path not in before}
    assert {path.partition("/")[0].rpartition("-")[0] for path in new} == {f"pack{version}"}
    inside = {path.partition("/")[2]: content for path, content in new.items()}
    files = {info.filename: content for info, content in entries if not info.is_dir()}
    assert inside == {"manifest.json": text, **files}
    assert members(post(tools, f"/export/pack{version}").data) == inside


@given(NAMES)
def test_a_name_that_is_let_in_means_one_place_below(name: str) -> None:
    try:
        parts = check_name(name)
    except PackRefusedError:
        return
    assert "/".join(parts) == name.removesuffix("/")
    assert not {"", ".", ".."} & set(parts)
    assert not any(character in "\\:\0" for character in name)
