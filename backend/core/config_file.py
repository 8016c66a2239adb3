"""The optional file of settings: TOML, with keys for every domain first and then a table for each domain.

    log_level = "WARNING"

    [spot]
    database_url = "mysql://spot:password@db/spot"

A key is the name of a setting in small letters. Which tables and keys there may be is for the readers to say.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

VARIABLE = "CUTOVER_CONFIG"
#: The table of the keys that stand before all tables.
EVERYWHERE = ""


class SettingsError(ValueError):
    """A setting has a value that is not allowed; the text names it, where it comes from, and what is allowed."""


@dataclass(frozen=True)
class ConfigFile:
    """The tables of a file, with every value as the text it would be in an environment variable."""

    path: str
    tables: Mapping[str, Mapping[str, str]]

    def place(self, table: str, key: str) -> str:
        """Where a value stands, for people."""
        return f"{key} in {f'[{table}] of ' if table else ''}{self.path}"

    def refuse_unknown_keys(self, table: str, known: Collection[str]) -> None:
        """Raise SettingsError for a key of `table` that is not `known`."""
        for key in self.tables.get(table, {}):
            if key not in known:
                raise SettingsError(f"{self.place(table, key)} is not known{did_you_mean(key, known)}")

    def refuse_unknown_tables(self, known: Collection[str]) -> None:
        """Raise SettingsError for a table that is not `known`."""
        for table in self.tables:
            if table != EVERYWHERE and table not in known:
                raise SettingsError(f"The table [{table}] of {self.path} is not known{did_you_mean(table, known)}")


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The end of a sentence about an unknown word: what it may have been meant to be."""
    close = get_close_matches(word.lower(), sorted(known), 1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else "."


def config_file(environment: Mapping[str, str]) -> ConfigFile | None:
    """The file that CUTOVER_CONFIG names, None where it names none. Raises SettingsError when it can't be read."""
    name = environment.get(VARIABLE, "").strip()
    if not name:
        return None
    try:
        document = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{VARIABLE} names {name}, which can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{VARIABLE} names {name}, which is not TOML: {error}.") from None
    everywhere = {key: value for key, value in document.items() if not isinstance(value, dict)}
    tables = {EVERYWHERE: everywhere, **{key: value for key, value in document.items() if isinstance(value, dict)}}
    empty = ConfigFile(name, {})
    return ConfigFile(
        name,
        {
            table: {key: _text(value, empty.place(table, key)) for key, value in keys.items()}
            for table, keys in tables.items()
        },
    )


def _text(value: Any, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value).strip()
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ",".join(_text(one, place) for one in value)
    raise SettingsError(f"{place} must be a text, a number, true or false, or a list of them.")
