"""What a pack says of itself, in its `manifest.json`."""

import json
import re
from dataclasses import dataclass
from typing import Any

from backend.assistant.services.tailor_packs.refusals import unsound

NAME = "manifest.json"
MOST_BYTES = 256 * 1024
ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?:-([A-Za-z0-9]{1,20}))?")
AUDIENCES = ("entrepreneur", "small_business", "freelancer", "enterprise", "any")
CATEGORIES = (
    *("marketing", "sales", "finance", "operations", "legal", "hr", "analytics"),
    *("productivity", "integration", "other"),
)
REQUIRED = (
    *("pack_id", "name", "version", "description", "author"),
    *("target_audience", "business_category", "features"),
)
LENGTHS = {"name": 200, "description": 5000, "author": 200}
MOST_ITEMS = 100
#: As JSON, in characters; columns of texts take little more.
LONGEST_FEATURES = 60_000
DEEPEST = 10


@dataclass(frozen=True)
class Manifest:
    """A manifest that is right in every field."""

    pack_id: str
    name: str
    version: str
    description: str
    author: str
    target_audience: str
    business_category: str
    features: list[Any]
    dependencies: list[str]
    license_required: bool

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that the manifest gives."""
        texts = {name: getattr(self, name) for name in (*REQUIRED[:-1], "license_required")}
        return texts | {"features": json.dumps(self.features), "dependencies": json.dumps(self.dependencies)}


def version_order(version: str) -> tuple[int, int, int, bool, str]:
    """By what versions are compared: `1.0.0-word` comes before `1.0.0`."""
    found = VERSION.fullmatch(version)
    if found is None:
        raise ValueError(version)
    major, minor, patch, word = found.groups()
    return int(major), int(minor), int(patch), word is None, word or ""


def parse(text: bytes) -> Manifest:
    """Understand a manifest; raises PackRefusedError (422) naming the first thing that is wrong with it."""
    try:
        given = json.loads(text.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise unsound(f"{NAME} is not JSON.") from None
    if not isinstance(given, dict):
        raise unsound(f"{NAME} is no object.")
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise unsound(f"{NAME} lacks {', '.join(missing)}.")
    _check_texts(given)
    _check_lists(given)
    license_required = given.get("license_required", False)
    if not isinstance(license_required, bool):
        raise unsound("license_required in its manifest must be true or false.")
    if license_required and not (isinstance(given.get("license_type"), str) and given["license_type"]):
        raise unsound("its manifest lacks license_type, which license_required makes necessary.")
    fields = {name: given[name] for name in REQUIRED}
    return Manifest(**fields, dependencies=given.get("dependencies", []), license_required=license_required)


def _check_texts(given: dict[str, Any]) -> None:
    rules = {"pack_id": ID, "version": VERSION}
    for name, most in LENGTHS.items():
        if (
            not isinstance(given[name], str)
            or not given[name].strip()
            or len(given[name]) > most
            or _broken(given[name])
        ):
            raise unsound(f"{name} in its manifest must be a text of 1 to {most} characters.")
    for name, rule in rules.items():
        if not isinstance(given[name], str) or not rule.fullmatch(given[name]):
            wanted = "letters, digits, _ and -" if name == "pack_id" else "a version such as 1.2.3 or 1.2.3-beta"
            raise unsound(f"{name} in its manifest must be {wanted}.")
    for name, known in (("target_audience", AUDIENCES), ("business_category", CATEGORIES)):
        if given[name] not in known:
            raise unsound(f"{name} in its manifest must be one of {', '.join(known)}.")


def _check_lists(given: dict[str, Any]) -> None:
    features, dependencies = given["features"], given.get("dependencies", [])
    if not _is_list(features, lambda item: isinstance(item, str | dict) and bool(item)) or not features:
        raise unsound(f"features in its manifest must be a list of 1 to {MOST_ITEMS} texts or objects.")
    if _depth(features) > DEEPEST:
        raise unsound("features in its manifest are nested too deeply.")
    if len(json.dumps(features)) > LONGEST_FEATURES or _broken(json.dumps(features, ensure_ascii=False)):
        raise unsound("features in its manifest are too long, or no proper texts.")
    if not _is_list(dependencies, lambda item: isinstance(item, str) and ID.fullmatch(item) is not None):
        raise unsound(f"dependencies in its manifest must be a list of at most {MOST_ITEMS} ids of packs.")


def _is_list(value: Any, fits: Any) -> bool:
    return isinstance(value, list) and len(value) <= MOST_ITEMS and all(fits(item) for item in value)


def _depth(value: Any) -> int:
    """How many lists and objects lie in one another."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, list | dict)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _refuse_constant(name: str) -> None:
    """JSON knows no NaN and no Infinity."""
    raise ValueError(name)


def _broken(text: str) -> bool:
    """Whether it holds half a surrogate pair, or a NUL, which no database keeps."""
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)
