"""Which domains a process serves, and where: `spot=spot.example.org,assistant=/assistant`.

Domains are separated by commas; what follows `=` is a host name, or a path prefix, which begins with `/`. A domain that
is named again gets a further place. The first domain needs no place: it also gets what belongs to no other.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from backend.core.config_file import SettingsError, did_you_mean

VARIABLE = "CUTOVER_DOMAINS"
HOST = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\]")
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
WORDING = "write for example spot=spot.example.org,assistant=/assistant"


@dataclass(frozen=True)
class Places:
    """The domains in order, and whose a host name (in small letters) or a prefix is."""

    domains: tuple[str, ...]
    hosts: dict[str, str]
    prefixes: dict[str, str]

    @property
    def default(self) -> str:
        """The domain that gets what belongs to no other."""
        return self.domains[0]

    @classmethod
    def read(cls, text: str, known: Collection[str]) -> "Places":
        """Understand what CUTOVER_DOMAINS says; raises SettingsError, also for a domain that is not `known`."""
        domains: list[str] = []
        hosts: dict[str, str] = {}
        prefixes: dict[str, str] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            domain, equals, place = (part.strip() for part in entry.partition("="))
            if domain not in known:
                raise SettingsError(
                    f"{VARIABLE} names the domain {domain!r}, which is not known{_advice(domain, known)}"
                )
            if domain not in domains:
                domains.append(domain)
            if equals:
                _enter(domain, place, hosts, prefixes)
        if not domains:
            raise SettingsError(f"{VARIABLE} names no domain: {WORDING}.")
        for domain in domains[1:]:
            if domain not in (*hosts.values(), *prefixes.values()):
                raise SettingsError(
                    f"{VARIABLE} gives {domain} no place, and only the first domain may do without: {WORDING}."
                )
        return cls(tuple(domains), hosts, prefixes)


def _enter(domain: str, place: str, hosts: dict[str, str], prefixes: dict[str, str]) -> None:
    if place.startswith("/"):
        key, table = place.rstrip("/"), prefixes
        is_well_formed = bool(PREFIX.fullmatch(key)) and not {".", ".."} & set(key.split("/"))
    else:
        key, table = place.lower().rstrip("."), hosts
        is_well_formed = bool(HOST.fullmatch(key))
    if not is_well_formed:
        raise SettingsError(
            f"{VARIABLE} gives {domain} the place {place!r}, which is neither a host name nor a path prefix: {WORDING}."
        )
    if table.setdefault(key, domain) != domain:
        raise SettingsError(f"{VARIABLE} gives {key} to {table[key]} and to {domain}.")


def _advice(domain: str, known: Collection[str]) -> str:
    advice = did_you_mean(domain, known)
    return advice if advice != "." else f"; known are {', '.join(known)}."
