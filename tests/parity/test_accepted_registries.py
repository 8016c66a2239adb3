"""The registries that come with the project are sound: every entry is read, owned and explained."""

from __future__ import annotations

import pytest

from migration.cli.registries import find_registries
from migration.compare.registry import read_registry
from tests.support.cli import ROOT

REGISTRIES = find_registries(ROOT)


def test_registries_are_found_beside_the_code_of_both_sides() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in REGISTRIES}
    assert {"backend/spot/accepted/agents.toml", "legacy/accepted.toml"} <= found
    assert {path.split("/")[0] for path in found} == {"backend", "legacy"}


@pytest.mark.parametrize("path", REGISTRIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_entry_is_explained(path) -> None:  # type: ignore[no-untyped-def]
    registry = read_registry([path])
    assert registry.rules
    # backend/<domain>/accepted/<what>.toml; the bundled monolith is spot's.
    owner = path.parts[-3] if path.parent.name == "accepted" else "spot"
    assert all(rule.owner == owner for rule in registry.rules)
    assert all(len(text) > 10 for rule in registry.rules for text in (rule.change, rule.reason))
    assert all(place.reason for place in registry.places)


def test_no_rule_accepts_everything_of_a_route() -> None:
    assert [rule for rule in read_registry(REGISTRIES).rules if rule.location == "*"] == []


def test_what_the_old_side_is_excused_for_is_tied_to_recordings() -> None:
    rules = read_registry([path for path in REGISTRIES if path.parent.name == "legacy"]).rules
    assert all(rule.when == "recording" and "*" not in rule.recording for rule in rules)
