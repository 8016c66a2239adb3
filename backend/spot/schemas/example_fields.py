"""Fields of answers, each with an example for the documentation. `nullable` ones may be null."""

from typing import Any

from marshmallow import Schema, fields


def text(example: str, nullable: bool = False) -> fields.String:
    """A text."""
    return fields.String(allow_none=nullable, metadata={"example": example})


def whole(example: int, nullable: bool = False) -> fields.Integer:
    """A whole number."""
    return fields.Integer(allow_none=nullable, metadata={"example": example})


def number(example: float, nullable: bool = False) -> fields.Float:
    """A number."""
    return fields.Float(allow_none=nullable, metadata={"example": example})


def truth(example: bool, nullable: bool = False) -> fields.Boolean:
    """True or false."""
    return fields.Boolean(allow_none=nullable, metadata={"example": example})


def flag(example: int, nullable: bool = False) -> fields.Integer:
    """0 or 1."""
    return fields.Integer(allow_none=nullable, metadata={"example": example, "description": "0 or 1"})


def moment(nullable: bool = False) -> fields.String:
    """A UTC time to the second, without a zone."""
    return fields.String(
        allow_none=nullable, metadata={"example": "2026-11-21T03:15:56", "description": "UTC, without a zone"}
    )


def one(schema: type[Schema], nullable: bool = False) -> fields.Nested:
    """An object."""
    return fields.Nested(schema(), allow_none=nullable)


def many(schema: type[Schema], **metadata: Any) -> fields.List:
    """A list of objects."""
    return fields.List(fields.Nested(schema()), metadata=metadata)
