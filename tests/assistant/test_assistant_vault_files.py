"""The vault's files: nothing readable in them, nothing changed in them unnoticed, nothing lost from them."""

from __future__ import annotations

import hashlib
import os
import random
import stat
from pathlib import Path

import pytest

from backend.assistant.services.vault import Vault
from backend.assistant.services.vault.file_format import parse
from backend.assistant.services.vault.storage import Storage
from tests.assistant.vaults import MASTER, OTHER_MASTER, disguises, fork, kill_after, listed, put, refusal_of, vault_in

NEWEST, PREVIOUS = "vault/passwords.vault", "vault/passwords.vault.previous"


def opened(directory: Path) -> tuple[Vault, str]:
    vault = vault_in(directory)
    return vault, vault.setup(MASTER, None)["token"]


def test_nothing_in_any_file_can_be_read(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    told = {
        "service": "bank-of-nowhere.example",
        "username": "annabel.lee.1849",
        "password": "kingdom-by-the-sea",
        "url": "https://login.nowhere.example/door",
        "notes": "the question is the name of the cat: Catterina",
    }
    for number in range(3):
        put(vault, token, **{name: f"{text}-{number}" for name, text in told.items()})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"passwords.vault", "passwords.vault.previous"}
    for path in files:
        content = path.read_bytes()
        for text in (*told.values(), MASTER, token):
            assert not [form for form in disguises(text) if form in content], (path.name, text)
            assert text not in path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for directory in ("vault", "sessions"):
        assert stat.S_IMODE((tmp_path / directory).stat().st_mode) == 0o700


def test_the_length_of_the_file_says_little(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "a", password="short")
    length = (tmp_path / NEWEST).stat().st_size
    put(vault, token, "a", password="rather longer than that", notes="x" * 100)
    assert abs((tmp_path / NEWEST).stat().st_size - length) < 16  # the header's numbers


def test_a_flipped_bit_anywhere_is_noticed_and_nothing_is_overwritten(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "example.org")
    (tmp_path / PREVIOUS).unlink()
    whole = (tmp_path / NEWEST).read_bytes()
    header = range(len(whole) - len(parse(whole).body) - 32)
    for position in (*header, *range(header.stop, len(whole), 97), len(whole) - 1):
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 8
        (tmp_path / NEWEST).write_bytes(broken)
        for call in (lambda: listed(vault, token), lambda: put(vault, token, "other"), lambda: vault.unlock(MASTER)):
            status, text = refusal_of(call)
            assert status == 503 and "damaged" in text, position
        assert (tmp_path / NEWEST).read_bytes() == broken
    (tmp_path / NEWEST).write_bytes(whole)
    assert listed(vault, token) == ["example.org"]


def test_whoever_also_corrects_the_checksum_is_noticed_by_the_seals(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "example.org")
    before = {path: path.read_bytes() for path in (tmp_path / NEWEST, tmp_path / PREVIOUS)}
    whole = before[tmp_path / NEWEST]
    for position in range(17, len(whole) - 32, 41):
        content = bytearray(whole[:-32])
        content[position] ^= 1
        forged = bytes(content) + hashlib.sha256(content).digest()
        (tmp_path / NEWEST).write_bytes(forged)
        try:
            parse(forged)
        except Exception:  # no longer a vault at all: the copy before is used, which the next test is about
            continue
        assert refusal_of(lambda: put(vault, token, "other"))[0] == 503
        status, text = refusal_of(lambda: listed(vault, token))
        assert status == 503 and "has been changed" in text
        assert (tmp_path / NEWEST).read_bytes() == forged


def test_the_header_cannot_be_exchanged_for_a_cheaper_one(tmp_path: Path) -> None:
    vault, _ = opened(tmp_path)
    whole = (tmp_path / NEWEST).read_bytes()
    content = whole[:-32].replace(b'"passes": 2', b'"passes": 1')
    assert len(content) == len(whole) - 32 and content != whole[:-32]
    (tmp_path / NEWEST).write_bytes(content + hashlib.sha256(content).digest())
    assert refusal_of(lambda: vault.unlock(MASTER))[0] == 401


def test_the_copy_before_is_used_when_the_newest_is_damaged(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "first")
    put(vault, token, "second")
    (tmp_path / NEWEST).write_bytes(b"eaten by a disk")
    assert listed(vault, token) == ["first"]
    assert "newest copy of the vault was missing or damaged" in vault.status()["warning"]
    assert "warning" in vault.unlock(MASTER)
    put(vault, token, "third")
    assert listed(vault, token) == ["first", "third"]
    assert "warning" not in vault.status()
    (aside,) = (tmp_path / "vault").glob("passwords.vault.damaged-*")
    assert aside.read_bytes() == b"eaten by a disk"


def test_no_second_vault_is_set_up_over_a_damaged_one(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "first")
    (tmp_path / NEWEST).write_bytes(b"")
    (tmp_path / PREVIOUS).write_bytes(b"")
    assert refusal_of(lambda: vault.setup(OTHER_MASTER, None))[0] == 409
    assert "damaged" in vault.status()["warning"]
    (tmp_path / NEWEST).unlink()
    assert refusal_of(lambda: vault.setup(OTHER_MASTER, None))[0] == 409


def test_a_writer_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    kept: set[str] = set()
    chance = random.Random(7)
    for round_ in range(20):

        def store_on_and_on(acknowledged: int, round_: int = round_) -> None:
            for number in range(10_000):
                put(vault, token, f"service-{round_}-{number}", password="x" * 500)
                os.write(acknowledged, f"service-{round_}-{number}\n".encode())

        said = kill_after(*fork(store_on_and_on), chance.uniform(0, 0.03))
        kept |= set(said.decode().splitlines())
        found = set(listed(vault_in(tmp_path), token))
        assert kept <= found
        # At most what was written, but not yet acknowledged, is there beside it.
        assert len(found - kept) <= 1
        kept = found
        assert "warning" not in vault.status()
    put(vault, token, "afterwards")
    assert not list((tmp_path / "vault").glob(".unfinished-*"))


def test_writers_in_several_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    _, token = opened(tmp_path)

    def store(writer: int) -> None:
        own = vault_in(tmp_path)
        for number in range(15):
            put(own, token, f"writer-{writer}-{number}")

    children = [fork(lambda _, writer=writer: store(writer)) for writer in range(4)]
    for child, reading in children:
        assert os.waitpid(child, 0)[1] == 0
        os.close(reading)
    expected = sorted(f"writer-{writer}-{number}" for writer in range(4) for number in range(15))
    assert listed(vault_in(tmp_path), token) == expected


def test_another_master_password_keeps_the_entries_and_refuses_the_old_one(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    elsewhere = vault.unlock(MASTER)["token"]
    put(vault, token, "example.org")
    assert vault.change_master(token, MASTER, OTHER_MASTER, OTHER_MASTER) == {"changed": True}
    assert refusal_of(lambda: vault.unlock(MASTER)) == (401, "Invalid password")
    assert listed(vault, vault.unlock(OTHER_MASTER)["token"]) == ["example.org"]
    assert listed(vault, token) == ["example.org"]
    assert refusal_of(lambda: listed(vault, elsewhere))[0] == 401
    # Nor does the copy before open with the old one.
    assert (tmp_path / PREVIOUS).read_bytes() == (tmp_path / NEWEST).read_bytes()


def test_a_crash_between_the_two_copies_of_a_password_change_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "example.org")

    def die_between(_: int) -> None:
        monkeypatch.setattr(Storage, "forget_previous", lambda *_: os._exit(1))
        vault.change_master(token, MASTER, OTHER_MASTER, None)

    child, reading = fork(die_between)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    os.close(reading)
    assert parse((tmp_path / PREVIOUS).read_bytes()).key != parse((tmp_path / NEWEST).read_bytes()).key
    assert refusal_of(lambda: vault.unlock(MASTER))[0] == 401
    assert listed(vault, vault.unlock(OTHER_MASTER)["token"]) == ["example.org"]
    assert (tmp_path / PREVIOUS).read_bytes() == (tmp_path / NEWEST).read_bytes()


def test_a_password_change_killed_at_any_moment_leaves_one_of_both_passwords(tmp_path: Path) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "example.org")
    chance, at_work, other = random.Random(3), MASTER, OTHER_MASTER
    for _ in range(6):

        def change(began: int, old: str = at_work, new: str = other) -> None:
            os.write(began, b".")
            vault.change_master(token, old, new, None)

        kill_after(*fork(change), chance.uniform(0, 0.15))
        # Whoever is killed while trying a password has tried a wrong one.
        (tmp_path / "vault/attempts").unlink(missing_ok=True)
        opens = []
        for password in (MASTER, OTHER_MASTER):
            try:
                vault.unlock(password)
            except Exception:
                continue
            opens.append(password)
        assert len(opens) == 1
        if opens == [other]:
            at_work, other = other, at_work
        assert listed(vault, token) == ["example.org"]


def test_a_disk_that_takes_no_more_leaves_the_vault_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, token = opened(tmp_path)
    put(vault, token, "example.org")
    before = (tmp_path / NEWEST).read_bytes()

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        assert refusal_of(lambda: put(vault, token, "other"))[0] == 503
    assert (tmp_path / NEWEST).read_bytes() == before
    assert listed(vault, token) == ["example.org"]
