"""What the actions of the password manager are told."""

from typing import Any

import marshmallow as ma

from backend.assistant.services.vault.generation import LEAST_LENGTH, MOST_LENGTH
from backend.core.complaints import refused, refused_value
from backend.core.wire_fields import Flag, Text, WireField, WireSchema
from backend.core.wire_numbers import WholeNumber

DEFAULT_LENGTH = 16
CLASSES = ("include_symbols", "include_digits", "include_upper", "include_lower")
OPTIONS = ("length", *CLASSES)
MOST_LISTED = 1000


class Length(WholeNumber):
    """A whole number, and never made of anything else: clients were always refused texts and fractions."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise refused("int_type", "Input should be a valid integer", value)
        return super()._deserialize(value, attr, data, **options)


class Truthy(WireField, ma.fields.Boolean):
    """Yes or no; whatever Python takes for true is a yes."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        return bool(value)


def secret(about: str, **options: Any) -> Text:
    """A text that is shown and logged nowhere."""
    return Text(metadata={"description": about, "format": "password"}, **options)


def name(about: str, example: str, **options: Any) -> Text:
    """A service or a username."""
    return Text(min_length=1, max_length=255, metadata={"description": about, "example": example}, **options)


class Chosen(WireSchema):
    """How a password is generated."""

    length = Length(load_default=DEFAULT_LENGTH, ge=LEAST_LENGTH, le=MOST_LENGTH, metadata={"example": 24})
    include_symbols = Truthy(load_default=True, allow_none=True, metadata={"description": "Some of !@#$%^&*"})
    include_digits = Truthy(load_default=True, allow_none=True)
    include_upper = Truthy(load_default=True, allow_none=True)
    include_lower = Truthy(load_default=True, allow_none=True)

    @ma.validates_schema
    def check_classes(self, data: dict[str, Any], **_: Any) -> None:
        """Some characters must be allowed."""
        if not any(data[name] for name in CLASSES):
            raise refused_value("at least one class of characters must be included", None)


class WithToken(WireSchema):
    """Who calls."""

    token = secret("What unlock answered", load_default=None, allow_none=True, max_length=128)


class Empty(WireSchema):
    """Nothing."""


class MasterPassword(WireSchema):
    """The password that opens the vault."""

    password = secret("The master password", required=True, max_length=1024)


class NewMasterPassword(MasterPassword):
    """The password that is to open the vault."""

    confirm_password = secret("The master password again", load_default=None, allow_none=True, max_length=1024)


class MasterChange(WithToken):
    """The password that opens the vault, and the one that is to."""

    old_password = secret("The present master password", required=True, max_length=1024)
    new_password = secret("The master password to be", required=True, max_length=1024)
    confirm_password = secret("The new one again", load_default=None, allow_none=True, max_length=1024)


class Named(WithToken):
    """Which entry."""

    service = name("What the password is for", "example.org", required=True)
    username = name("Needed where the service has several entries", "ann", load_default=None, allow_none=True)


class Secrets(Chosen, WithToken):
    """What an entry holds beside its name."""

    password = secret("The password to keep", load_default=None, allow_none=True, min_length=1, max_length=1024)
    generate = Flag(load_default=False, metadata={"description": "Keep a new password, made as generate does"})
    url = Text(max_length=2048, metadata={"example": "https://example.org/login"})
    notes = secret("Anything else", max_length=10_000)

    @ma.validates_schema
    def check_password(self, data: dict[str, Any], **_: Any) -> None:
        """A password is given or generated, not both."""
        if data["generate"] and data["password"] is not None:
            raise refused_value("give a password or have one generated, not both", None)

    @ma.post_load
    def gather_options(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Keep apart how a password is to be generated."""
        options = {name: data.pop(name) for name in OPTIONS}
        return {**data, "options": options}


class Stored(Secrets):
    """A new entry, or another password for one."""

    service = name("What the password is for", "example.org", required=True)
    username = name("Whose it is", "ann", required=True)

    @ma.validates_schema
    def check_that_there_is_one(self, data: dict[str, Any], **_: Any) -> None:
        """There must be something to keep."""
        if not data["generate"] and data["password"] is None:
            raise refused_value("give a password, or generate: true", None)


class Changed(Secrets):
    """Which entry, and what is to change."""

    service = name("What the password is for", "example.org", required=True)
    username = name("Needed where the service has several entries", "ann", load_default=None, allow_none=True)
    new_service = name("Another name of the service", "example.net", load_default=None, allow_none=True)
    new_username = name("Another username", "bob", load_default=None, allow_none=True)

    @ma.validates_schema
    def check_that_something_changes(self, data: dict[str, Any], **_: Any) -> None:
        """There must be something to change."""
        given = (data[name] is not None for name in ("password", "new_service", "new_username"))
        if not (data["generate"] or any(given) or "url" in data or "notes" in data):
            raise refused_value("nothing is to be changed", None)


class Wanted(WithToken):
    """Which entries."""

    search = Text(
        load_default=None,
        allow_none=True,
        max_length=255,
        metadata={"description": "A part of the service, username or URL", "example": "example"},
    )
    limit = WholeNumber(load_default=100, ge=1, le=MOST_LISTED, metadata={"example": 100})
    offset = WholeNumber(load_default=0, ge=0, le=2**31 - 1, metadata={"example": 0})
