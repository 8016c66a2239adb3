"""Fields that take what pydantic's lax mode takes and refuse the rest in its words. None of them knows a domain."""

import re
from collections.abc import Mapping as AnyMapping
from typing import Any, Protocol

import marshmallow as ma
from werkzeug.datastructures import FileStorage

from backend.core.complaints import complaints_in, refused, refused_value

TRUE = frozenset(("1", "on", "t", "true", "y", "yes"))
FALSE = frozenset(("0", "off", "f", "false", "n", "no"))
MISSING = "missing"


class WireField(ma.fields.Field[Any]):
    """What all fields share: who left out a required one hears of the object it is missing in, null has a type too."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """The value as the domain gets it; raises ValidationError with complaints only."""
        if value is ma.missing:
            if self.required:
                raise refused(MISSING, "Field required", data)
            return self.load_default() if callable(self.load_default) else self.load_default
        if value is None and self.allow_none:
            return None
        try:
            loaded = self._deserialize(value, attr, data, **options)
            self._validate(loaded)
        except ma.ValidationError as error:
            raise ma.ValidationError(list(complaints_in(error.messages, value))) from error
        return loaded


class WireSchema(ma.Schema):
    """An object of wire fields. What it does not know it does not see; all that is wrong is told at once.

    The complaints of a ValidationError are one flat list, in the order of the fields. Rules about several fields
    (`validates_schema`) run when each field is right, and raise `refused_value(text, data)` or a mere text.
    """

    class Meta:
        """For marshmallow; a subclass with a Meta of its own inherits from this one."""

        unknown = ma.EXCLUDE

    def load(self, data: Any, *, many: bool | None = None, **options: Any) -> Any:
        """What the fields make of `data`, an object or, with `many`, a list of objects."""
        if self.many if many is None else many:
            return load_items(data, lambda item: self.load(item, many=False, **options))
        if not isinstance(data, AnyMapping):
            expected = "Input should be a valid dictionary or object to extract fields from"
            raise refused("model_attributes_type", expected, data)
        try:
            return super().load(data, many=False, **options)
        except ma.ValidationError as error:
            raise ma.ValidationError(list(complaints_in(error.messages, data))) from error


def refuse_broken(text: str) -> None:
    """Raise a refusal of a text that holds half a surrogate pair: nothing can be done with it, not even store it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        words = "Input should be a valid string, unable to parse raw data as a unicode string"
        raise refused("string_unicode", words, text) from None


class Loader(Protocol):
    """Makes something of one item; raises ValidationError with complaints."""

    def __call__(self, item: Any, /) -> Any: ...


def load_items(given: Any, load: Loader) -> list[Any]:
    """What `load` makes of each item of a list; complaints about items tell their index."""
    if not isinstance(given, list | tuple):
        raise refused("list_type", "Input should be a valid list", given)
    return list(_load_each(dict(enumerate(given)), load).values())


def _load_each(items: dict[Any, Any], load: Loader) -> dict[Any, Any]:
    loaded, complaints = {}, []
    for place, item in items.items():
        try:
            loaded[place] = load(item)
        except ma.ValidationError as error:
            complaints += [complaint.below(place) for complaint in complaints_in(error.messages, item)]
    if complaints:
        raise ma.ValidationError(complaints)
    return loaded


class Text(WireField, ma.fields.String):
    """A text, never made of anything else. Lengths are in characters; `pattern` is looked for anywhere in it."""

    def __init__(
        self,
        *,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.min_length, self.max_length, self.pattern = min_length, max_length, pattern

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str):
            raise refused("string_type", "Input should be a valid string", value)
        refuse_broken(value)
        low, high, pattern = self.min_length, self.max_length, self.pattern
        if low is not None and len(value) < low:
            text = f"String should have at least {_counted(low, 'character')}"
            raise refused("string_too_short", text, value, min_length=low)
        if high is not None and len(value) > high:
            text = f"String should have at most {_counted(high, 'character')}"
            raise refused("string_too_long", text, value, max_length=high)
        if pattern is not None and re.search(pattern, value) is None:
            raise refused("string_pattern_mismatch", f"String should match pattern '{pattern}'", value, pattern=pattern)
        return value


class Flag(WireField, ma.fields.Boolean):
    """Yes or no, also as 0 and 1 or in one of the usual words."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            refuse_broken(value)
            word = value.lower() if value.isascii() else ""
            if word in TRUE or word in FALSE:
                return word in TRUE
        elif isinstance(value, int | float) and value in (0, 1):
            return bool(value)
        elif not (isinstance(value, int | float) and value == value // 1 and -(2**63) <= value < 2**63):
            raise refused("bool_type", "Input should be a valid boolean", value)
        raise refused("bool_parsing", "Input should be a valid boolean, unable to interpret input", value)


class Choice(WireField):
    """One of some texts or numbers, exactly as given here. `kind` is how its complaint is called, or else `enum`."""

    def __init__(self, *values: str | int, kind: str = "literal_error", **options: Any) -> None:
        super().__init__(validate=ma.validate.OneOf(values), **options)
        self.values, self.kind = values, kind

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if isinstance(value, str | int | float):
            for known in self.values:
                if known == value and isinstance(known, str) == isinstance(value, str):
                    return known
        *most, last = (repr(known) for known in self.values)
        expected = f"{', '.join(most)} or {last}" if most else last
        raise refused(self.kind, f"Input should be {expected}", value, expected=expected)


class Anything(WireField, ma.fields.Raw):
    """Any JSON, as it is."""


class ListOf(WireField, ma.fields.List):
    """A list whose items are all of one field. Of a query it takes each value that a name has."""

    def __init__(
        self,
        inner: ma.fields.Field[Any],
        *,
        min_length: int | None = None,
        max_length: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(inner, **options)
        self.min_length, self.max_length = min_length, max_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        if isinstance(value, list):
            _check_most("List", value, self.max_length, len(value))
        loaded = load_items(value, self.inner.deserialize)
        _check_least("List", value, self.min_length)
        return loaded


class Mapping(WireField, ma.fields.Dict):
    """An object of any names, whose values are all of one field, or anything."""

    def __init__(
        self,
        values: ma.fields.Field[Any] | None = None,
        *,
        min_length: int | None = None,
        max_length: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(keys=ma.fields.String(), values=values or Anything(allow_none=True), **options)
        self.min_length, self.max_length = min_length, max_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refused("dict_type", "Input should be a valid dictionary", value)
        inner = self.value_field
        loaded = _load_each(value, inner.deserialize) if inner is not None else dict(value)
        _check_least("Dictionary", value, self.min_length)
        _check_most("Dictionary", value, self.max_length, None)
        return loaded


class Nested(WireField, ma.fields.Nested):
    """An object of another schema."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:  # type: ignore[override]
        return self.schema.load(value)


class Upload(WireField, ma.fields.Raw):
    """A file of a multipart form: werkzeug's FileStorage."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise refused_value(f"Expected UploadFile, received: {type(value)}", value)
        return value


def _check_least(kind: str, given: Any, least: int | None) -> None:
    if least is not None and len(given) < least:
        text = f"{kind} should have at least {_counted(least, 'item')} after validation, not {len(given)}"
        raise refused("too_short", text, given, field_type=kind, min_length=least, actual_length=len(given))


def _check_most(kind: str, given: Any, most: int | None, told: int | None) -> None:
    """`told` is the length that clients are told: of an object, none."""
    if most is not None and len(given) > most:
        text = f"{kind} should have at most {_counted(most, 'item')} after validation, not {told or 'more'}"
        raise refused("too_long", text, given, field_type=kind, max_length=most, actual_length=told)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
