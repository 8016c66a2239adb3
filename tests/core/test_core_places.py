"""Which domains are served where, as CUTOVER_DOMAINS says it."""

from __future__ import annotations

import pytest

from backend.core.places import Places
from backend.core.settings import SettingsError

KNOWN = ("spot", "assistant")


def test_domains_have_hosts_and_prefixes_and_the_first_is_the_default() -> None:
    places = Places.read("spot=Spot.Example.org., assistant=/assistant/ ,assistant=[::1],", KNOWN)
    assert places.domains == ("spot", "assistant")
    assert places.default == "spot"
    assert places.hosts == {"spot.example.org": "spot", "[::1]": "assistant"}
    assert places.prefixes == {"/assistant": "assistant"}


def test_the_first_needs_no_place() -> None:
    assert Places.read("assistant, spot=/old/spot", KNOWN).domains == ("assistant", "spot")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (" , ", "CUTOVER_DOMAINS names no domain"),
        ("spto", "CUTOVER_DOMAINS names the domain 'spto', which is not known; did you mean spot?"),
        ("atlantis", "'atlantis', which is not known; known are spot, assistant."),
        ("spot,assistant", "CUTOVER_DOMAINS gives assistant no place, and only the first domain may do without"),
        ("spot=", "CUTOVER_DOMAINS gives spot the place '', which is neither a host name nor a path prefix"),
        ("spot=/", "gives spot the place '/', which is neither"),
        ("spot=/a/../b", "gives spot the place '/a/../b', which is neither"),
        ("spot=http://x", "gives spot the place 'http://x', which is neither"),
        ("spot=host:80", "gives spot the place 'host:80', which is neither"),
        ("spot=/a,assistant=/a/", "CUTOVER_DOMAINS gives /a to spot and to assistant."),
        ("spot=a.b,assistant=A.B", "CUTOVER_DOMAINS gives a.b to spot and to assistant."),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        Places.read(text, KNOWN)
    assert complaint in str(stopped.value)
