"""Who may open the vault, for how long, and how fast passwords may be guessed."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.assistant.services.vault import attempts, sessions
from backend.assistant.services.vault.master_password import weakness
from backend.assistant.settings.vault import VaultSettings
from backend.core.settings import Reader, SettingsError
from tests.assistant.vaults import CHEAP, MASTER, fork, listed, put, refusal_of, vault_in
from tests.support.waiting import eventually


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets that many seconds pass on the vault's clock, which stands still otherwise."""
    began, passed = time.time(), [0.0]
    clock = SimpleNamespace(time=lambda: began + passed[0])
    monkeypatch.setattr(sessions, "time", clock)
    monkeypatch.setattr(attempts, "time", clock)

    def let_pass(seconds: float) -> None:
        passed[0] += seconds

    return let_pass


def test_a_vault_that_nobody_set_up_says_so(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    assert refusal_of(lambda: vault.unlock(MASTER)) == (
        423,
        "The vault is not set up: call setup with a master password first",
    )
    assert refusal_of(lambda: listed(vault, "token"))[0] == 423
    assert vault.status()["set_up"] is False
    assert not (tmp_path / "vault").exists()


def test_unlocking_anywhere_opens_it_everywhere_and_so_does_locking(tmp_path: Path) -> None:
    one, other = vault_in(tmp_path), vault_in(tmp_path)
    token = one.setup(MASTER, MASTER)["token"]
    put(other, token, "example.org")
    second = other.unlock(MASTER)["token"]
    assert second != token and listed(one, second) == ["example.org"]
    other.lock()
    for vault in (one, other):
        for known in (token, second):
            assert refusal_of(lambda: listed(vault, known))[0] == 423  # noqa: B023 - called at once
    assert not list((tmp_path / "sessions").iterdir())


def test_without_the_token_an_unlocked_vault_stays_shut(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    vault.setup(MASTER, None)
    for token in (None, "", "guessed", "\ud800"):
        status, text = refusal_of(lambda: listed(vault, token))  # noqa: B023 - called at once
        assert status == 401 and "parameters.token" in text


def test_where_no_token_is_required_one_unlocking_serves_all_callers(tmp_path: Path) -> None:
    vault = vault_in(tmp_path, require_token=False)
    vault.setup(MASTER, None)
    assert listed(vault_in(tmp_path, require_token=False), None) == []
    assert refusal_of(lambda: listed(vault, "guessed"))[0] == 401
    vault.change_master(None, MASTER, "Battery-Staple-2!", None)
    assert listed(vault, None) == []
    vault.lock()
    assert refusal_of(lambda: listed(vault, None))[0] == 423


def test_it_locks_itself_when_nobody_uses_it(tmp_path: Path, wait: Callable[[float], None]) -> None:
    vault = vault_in(tmp_path)
    token = vault.setup(MASTER, None)["token"]
    wait(1700)
    assert listed(vault, token) == []
    wait(1700)
    assert vault.status()["locks_in_seconds"] == pytest.approx(100, abs=5)
    wait(101)
    # To ask for the status is no use.
    assert vault.status()["unlocked"] is False
    assert refusal_of(lambda: listed(vault, token))[0] == 423


def test_a_clock_set_back_locks_it(tmp_path: Path, wait: Callable[[float], None]) -> None:
    vault = vault_in(tmp_path)
    token = vault.setup(MASTER, None)["token"]
    wait(-3600)
    assert refusal_of(lambda: listed(vault, token))[0] == 423


def test_idle_keys_are_forgotten_though_nobody_asks(tmp_path: Path) -> None:
    vault_in(tmp_path, idle_seconds=1.0).setup(MASTER, None)
    eventually(lambda: not list((tmp_path / "sessions").iterdir()))


def test_only_so_many_sessions_are_kept(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    tokens = [vault.setup(MASTER, None)["token"]]
    tokens += [vault.unlock(MASTER)["token"] for _ in range(sessions.MOST_SESSIONS)]
    assert refusal_of(lambda: listed(vault, tokens[0]))[0] == 401
    assert listed(vault, tokens[-1]) == listed(vault, tokens[1]) == []


def test_a_session_directory_that_others_may_enter_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions").chmod(0o755)
    assert refusal_of(lambda: vault_in(tmp_path).setup(MASTER, None))[0] == 503
    assert not list((tmp_path / "sessions").iterdir())
    assert not (tmp_path / "vault").exists()


def test_wrong_passwords_make_everybody_wait_longer_and_longer(tmp_path: Path, wait: Callable[[float], None]) -> None:
    vault_in(tmp_path).setup(MASTER, None)
    for _ in range(attempts.FREE_FAILURES):
        assert refusal_of(lambda: vault_in(tmp_path).unlock("wrong")) == (401, "Invalid password")
    for delay in (1, 2, 4, 8):
        # Not even the right one is tried before its time.
        assert refusal_of(lambda: vault_in(tmp_path).unlock(MASTER))[0] == 429
        wait(delay)
        assert refusal_of(lambda: vault_in(tmp_path).unlock("wrong"))[0] == 401
    wait(16)
    vault_in(tmp_path).unlock(MASTER)
    assert refusal_of(lambda: vault_in(tmp_path).unlock("wrong"))[0] == 401


def test_the_wait_has_an_end(tmp_path: Path, wait: Callable[[float], None]) -> None:
    assert [attempts.delay(failures) for failures in (0, 2, 3, 4, 11, 10_000)] == [0, 0, 1, 2, 256, 300]
    vault = vault_in(tmp_path)
    vault.setup(MASTER, None)
    for _ in range(attempts.FREE_FAILURES):
        refusal_of(lambda: vault.unlock("wrong"))
    wait(-86_400)
    assert refusal_of(lambda: vault.unlock(MASTER)) == (429, "Too many wrong master passwords: try again in 1 seconds")


@pytest.mark.usefixtures("wait")
def test_wrong_old_passwords_count_too(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    token = vault.setup(MASTER, None)["token"]
    for _ in range(attempts.FREE_FAILURES):
        assert refusal_of(lambda: vault.change_master(token, "wrong", "Battery-Staple-2!", None))[0] == 401
    assert refusal_of(lambda: vault.unlock(MASTER))[0] == 429


def test_several_processes_do_not_guess_faster_than_one(tmp_path: Path) -> None:
    vault_in(tmp_path).setup(MASTER, None)

    def guess(said: int) -> None:
        for _ in range(3):
            os.write(said, f"{refusal_of(lambda: vault_in(tmp_path).unlock('wrong'))[0]}\n".encode())

    began, statuses = time.monotonic(), list[str]()
    for child, reading in [fork(guess) for _ in range(4)]:
        with os.fdopen(reading) as said:
            statuses += said.read().split()
        os.waitpid(child, 0)
    assert len(statuses) == 12
    # Three at once; one more after a second, yet another one after three, seven, ...
    more = int(math.log2(time.monotonic() - began + 1))
    assert attempts.FREE_FAILURES <= statuses.count("401") <= attempts.FREE_FAILURES + more
    assert set(statuses) == {"401", "429"}


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("", "Password is required"),
        ("Ab1!", "Password must be at least 8 characters long"),
        ("Ab1!" * 33, "Password is too long (max 128 characters)"),
        ("ABCDEFG1!", "Password must contain at least one lowercase letter"),
        ("abcdefg1!", "Password must contain at least one uppercase letter"),
        ("Abcdefgh!", "Password must contain at least one number"),
        ("Abcdefgh1", 'Password must contain at least one special character (!@#$%^&*(),.?":{}|<>)'),
        ("Abcdefg1!", None),
    ],
)
def test_master_passwords_must_be_strong(password: str, complaint: str | None) -> None:
    assert weakness(password) == complaint


def test_the_same_letters_open_it_however_they_are_composed(tmp_path: Path) -> None:
    vault = vault_in(tmp_path)
    vault.setup("M\u00fcller-Stra\u00dfe-1!", None)
    vault.unlock("Mu\u0308ller-Stra\u00dfe-1!")


def test_settings_have_safe_defaults_and_a_floor(tmp_path: Path) -> None:
    read = VaultSettings.read(Reader("assistant", {"DATA_DIR": str(tmp_path)}))
    assert (read.memory_kib, read.passes, read.lanes) == (65536, 3, 4)
    assert read.idle_seconds == 1800 and read.require_token
    assert read.directory == tmp_path / "vault" and read.sessions.is_relative_to("/dev/shm")
    for name, low in CHEAP.items():
        VaultSettings.read(Reader("assistant", {name: low}))
        with pytest.raises(SettingsError, match=name):
            VaultSettings.read(Reader("assistant", {name: str(int(low) - 1)}))
