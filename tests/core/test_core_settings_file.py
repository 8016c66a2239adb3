"""Settings from a file: what wins, what is refused, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend import create_app, read_everything
from backend.core.setting_reader import MASK, Reader, mask_urls
from backend.core.settings import Settings, SettingsError, flag, whole_number


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cutover.toml"


def read(file: Path, text: str, domain: str = "spot", **environment: str) -> Settings:
    file.write_text(text)
    return Settings.from_environment(domain, {"CUTOVER_CONFIG": str(file), **environment})


def source(settings: Settings, name: str) -> tuple[str, str]:
    (reading,) = (reading for reading in settings.read.readings if reading.name == name)
    return reading.text, reading.source


class TestPrecedence:
    TEXT = 'log_level = "ERROR"\ntrusted_proxies = 1\n[spot]\nlog_level = "WARNING"\nbackground_jobs = true\n'

    def test_the_domains_table_comes_before_what_is_for_all(self, file: Path) -> None:
        settings = read(file, self.TEXT)
        assert (settings.log_level, settings.trusted_proxies, settings.background_jobs) == ("WARNING", 1, True)
        assert source(settings, "LOG_LEVEL") == ("WARNING", f"log_level in [spot] of {file}")
        assert source(settings, "TRUSTED_PROXIES") == ("1", f"trusted_proxies in {file}")
        assert source(settings, "DATABASE_POOL_SIZE") == ("10", "default")

    def test_the_environment_comes_first(self, file: Path) -> None:
        assert source(read(file, self.TEXT, LOG_LEVEL="INFO"), "LOG_LEVEL") == ("INFO", "LOG_LEVEL")
        both = read(file, self.TEXT, LOG_LEVEL="INFO", SPOT_LOG_LEVEL="DEBUG")
        assert source(both, "LOG_LEVEL") == ("DEBUG", "SPOT_LOG_LEVEL")

    def test_another_domains_table_is_not_read(self, file: Path) -> None:
        assert read(file, self.TEXT, domain="assistant").log_level == "ERROR"

    def test_what_belongs_to_one_domain_is_read_under_its_name_only(self, file: Path) -> None:
        assert read(file, 'upstream = "http://all"', UPSTREAM="http://any").upstream == ""
        assert read(file, '[spot]\nupstream = "http://old"').upstream == "http://old"
        assert read(file, '[spot]\nupstream = "http://old"', SPOT_UPSTREAM="http://x").upstream == "http://x"


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("[spot]\ntrusted_proxies = -1", "trusted_proxies in [spot] of {} must be a whole number from 0 to 100."),
            ('log_level = "chatty"', "log_level in {} must be one of DEBUG, INFO, WARNING, ERROR."),
            ("[spot]\nlog_level = 2026-01-01", "log_level in [spot] of {} must be a text, a number, true or false, "),
            ("[spot.more]\na = 1", "more in [spot] of {} must be a text"),
            ("[spot\n", "CUTOVER_CONFIG names {}, which is not TOML: "),
        ],
    )  # fmt: skip
    def test_a_wrong_value_is_named_with_its_place(self, file: Path, text: str, complaint: str) -> None:
        with pytest.raises(SettingsError) as stopped:
            read(file, text)
        assert str(stopped.value).startswith(complaint.format(file))

    def test_a_file_that_is_not_there(self, file: Path) -> None:
        with pytest.raises(SettingsError, match=r"names .*cutover\.toml, which can't be read: No such file"):
            Settings.from_environment("spot", {"CUTOVER_CONFIG": str(file)})

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("[spot]\ndatabase_ulr = 'x'", "database_ulr in [spot] of {} is not known; did you mean database_url?"),
            ("[spot]\nmodels_dir = 'x'", "models_dir in [spot] of {} is not known; did you mean model_dir?"),
            ("[spot]\nLOG_LEVEL = 'INFO'", "LOG_LEVEL in [spot] of {} is not known; did you mean log_level?"),
            ("zzz = 1", "zzz in {} is not known."),
            ("data_dir = 'x'", "data_dir in {} is not known."),
            ("[sport]\na = 1", "The table [sport] of {} is not known; did you mean spot?"),
        ],
    )
    def test_an_unknown_key_stops_the_start_before_anything_is_made(
        self, file: Path, tmp_path: Path, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        settings = read(file, text)
        with pytest.raises(SettingsError) as stopped:
            create_app("spot", settings)
        assert str(stopped.value).startswith(complaint.format(file))
        assert not (tmp_path / "var").exists()

    def test_every_key_that_a_domain_reads_is_known(self, file: Path, tmp_path: Path) -> None:
        text = f"[spot]\ndatabase_url = 'sqlite:///{tmp_path}/a.sqlite3'\nagent_heartbeat_timeout = 60\n"
        app = create_app("spot", read(file, text + "[assistant]\nanything = 1\n[cutover]\nanything = 1\n"))
        assert source(app.extensions["settings"], "AGENT_HEARTBEAT_TIMEOUT")[0] == "60"


class TestReadings:
    def test_everything_a_domain_reads_is_remembered(self, file: Path, tmp_path: Path) -> None:
        settings = read(file, "[spot]\nagent_heartbeat_timeout = 60", SPOT_DATABASE_URL=f"sqlite:///{tmp_path}/none/a")
        names = {reading.name for reading in read_everything(settings).readings}
        assert {"DATABASE_URL", "AGENT_HEARTBEAT_TIMEOUT", "DECISION_ENGINE_MODULE", "UPSTREAM"} <= names
        assert not (tmp_path / "none").exists()

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("mysql://u:pass@word@h/db", f"mysql://u:{MASK}@h/db"),
            ("redis://:secret@h:6379/0", f"redis://:{MASK}@h:6379/0"),
            ("postgresql://h/db?user=a&password=b&x=1", f"postgresql://h/db?user=a&password={MASK}&x=1"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("sqlite:////var/a.sqlite3", "sqlite:////var/a.sqlite3"),
        ],
    )
    def test_passwords_in_addresses_are_masked(self, text: str, shown: str) -> None:
        assert mask_urls(text) == shown

    def test_secrets_are_masked_whether_declared_or_called_one(self) -> None:
        reader = Reader("toy", {"PIN": "1234", "API_KEY": "5678", "SIZE": "9", "NEEDS_TOKEN": "on"})
        reader("PIN", str, "", secret=True)
        reader("API_KEY", str, "")
        reader("SIZE", whole_number(0, 10), "1")
        reader("ADMIN_TOKEN", str, "")
        reader("NEEDS_TOKEN", flag, "off")
        assert [reading.shown for reading in reader.readings] == [MASK, MASK, "9", "", "on"]
