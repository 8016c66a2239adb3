"""What the assistant is told is looked at before it serves: a wrong value is named, with what may stand there."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend import create_app
from backend.assistant.settings.security import SecuritySettings
from backend.core.settings import Reader, Settings, SettingsError


def hosts(value: str) -> tuple[str, ...]:
    return SecuritySettings.read(Reader("assistant", {"SECURITY_ALLOWED_HOSTS": value})).hosts


@pytest.mark.parametrize("value", ["*", "localhost,10.0.0.1", "*.example.org", "my_host, A-1.Example.org"])
def test_hosts_that_may_be_allowed(value: str) -> None:
    assert hosts(value) == tuple(part.strip() for part in value.split(","))


@pytest.mark.parametrize(
    "wrong",
    ["a b", "a;b", "exa*mple", "*org", "*.*.org", "*.", "x..y", ".org", "example.org.", "-a", "ä.de", "a:80", "a/b"],
)
def test_a_host_that_is_none_is_named(wrong: str) -> None:
    with pytest.raises(SettingsError) as refused:
        hosts(f"localhost,{wrong}")
    assert str(refused.value) == (
        "SECURITY_ALLOWED_HOSTS must be names of hosts without ports, divided by commas, such as 127.0.0.1,localhost, "
        f"not {wrong!r}."
    )


@pytest.mark.parametrize("place", ["occupied", "occupied/data"])
def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "occupied").write_text("")
    environment = {"ASSISTANT_DATABASE_URL": f"sqlite:///{tmp_path}/a.sqlite3", "DATA_DIR": str(tmp_path / place)}
    with pytest.raises(SettingsError, match=f"DATA_DIR names {tmp_path}/{place}, .* write the path of a directory"):
        create_app("assistant", Settings.from_environment("assistant", environment))
    assert not (tmp_path / "a.sqlite3").exists()
