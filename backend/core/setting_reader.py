"""Reading settings one by one, from wherever they are given, and remembering what was read."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from backend.core.config_file import EVERYWHERE, ConfigFile, SettingsError

T = TypeVar("T")

MASK = "********"
SECRET_NAMES = ("_KEY", "_PASSWORD", "_SECRET", "_TOKEN")
IN_URLS = (
    re.compile(r"(?P<kept>://[^:/?#\s]*:)[^\s]*(?P<end>@)"),
    re.compile(r"(?P<kept>[?&][^=&#\s]*(?:key|passw|pwd|secret|token)[^=&#\s]*=)[^&#\s]*(?P<end>)", re.IGNORECASE),
)


@dataclass(frozen=True)
class Reading:
    """A setting as it was read: the text that is in force, where it comes from, and what it would be by default.

    `variable` and `place` are None where they don't apply: the environment variable, and the key in the file.
    """

    name: str
    text: str
    default: str
    variable: str | None
    place: str | None
    is_secret: bool

    @property
    def source(self) -> str:
        """Where the text comes from, for people."""
        return self.variable or self.place or "default"

    @property
    def shown(self) -> str:
        """The text with all that is secret masked, for people."""
        if self.text and self.is_secret:
            return MASK
        return mask_urls(self.text)


def mask_urls(text: str) -> str:
    """`text` with the passwords in its URLs masked."""
    for pattern in IN_URLS:
        text = pattern.sub(rf"\g<kept>{MASK}\g<end>", text)
    return text


class Reader:
    """Reads the settings of one domain.

    What counts is the first of: the variable `<DOMAIN>_<NAME>`, the variable `<NAME>`, the key in the domain's table of
    the file, the key before its tables, the default.
    """

    def __init__(self, domain: str, environment: Mapping[str, str], file: ConfigFile | None = None) -> None:
        self.domain = domain
        self.environment = environment
        self.file = file
        self._readings: dict[str, Reading] = {}
        self.is_rehearsing = False

    def __call__(
        self, name: str, parse: Callable[[str], T], default: str, *, secret: bool = False, own: bool = False
    ) -> T:
        """The value of a setting; raises SettingsError when `parse` refuses its text.

        A `secret` is never shown, nor is a text whose name ends like a secret's. One of the domain's `own` means
        nothing to other domains, and is only read under the domain's name.
        """
        reading = next(self._given(name, default, secret, own))
        self._readings[name] = reading
        try:
            value = parse(reading.text)
        except ValueError as error:
            raise SettingsError(f"{reading.source} must be {error}.") from None
        if isinstance(value, str) and name.endswith(SECRET_NAMES):
            self._readings[name] = replace(reading, is_secret=True)
        return value

    @contextmanager
    def rehearsing(self) -> Iterator[None]:
        """For the time of the block, whoever would make files by what it reads does not: this only looks."""
        self.is_rehearsing = True
        try:
            yield
        finally:
            self.is_rehearsing = False

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What was read until now, in that order."""
        return tuple(self._readings.values())

    @property
    def knows_all_keys(self) -> bool:
        """Whether everything that the file says to this domain has been read."""
        try:
            self.refuse_unknown_keys()
        except SettingsError:
            return False
        return True

    def refuse_unknown_keys(self) -> None:
        """Raise SettingsError for a key of the file, meant for this domain, that was never read."""
        if self.file is not None:
            known = {name.lower() for name in self._readings}
            for table in (self.domain, EVERYWHERE):
                self.file.refuse_unknown_keys(table, known)

    def _given(self, name: str, default: str, is_secret: bool, own: bool) -> Iterator[Reading]:
        for variable in (f"{self.domain.upper()}_{name}", *(() if own else (name,))):
            if variable in self.environment:
                yield Reading(name, self.environment[variable].strip(), default, variable, None, is_secret)
        if self.file is not None:
            key = name.lower()
            for table in (self.domain, *(() if own else (EVERYWHERE,))):
                if key in self.file.tables.get(table, {}):
                    text = self.file.tables[table][key]
                    yield Reading(name, text, default, None, self.file.place(table, key), is_secret)
        yield Reading(name, default, default, None, None, is_secret)
