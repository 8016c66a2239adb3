"""Reading what a GGUF file says about its model, without loading it."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
#: struct formats of the scalar types, by their number in the file format.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
MOST_ENTRIES = 10_000
LONGEST_TEXT = 1 << 20
#: The vocabulary follows what is looked for; it is long, and not read.
FIRST_AFTER = "tokenizer.ggml.tokens"


class NotGgufError(ValueError):
    """The file is no GGUF file that can be read; the text says why."""


@dataclass(frozen=True)
class ModelShape:
    """What is to be known of a model before it is loaded. `bytes_per_token` is its memory of one token, at 16 bit."""

    architecture: str
    trained_context: int | None
    bytes_per_token: int


def read_shape(path: Path) -> ModelShape:
    """The shape of the model in `path`. Raises NotGgufError, and OSError where the file can't be read."""
    with path.open("rb") as file:
        try:
            values = _read_values(file)
        except (struct.error, UnicodeDecodeError, KeyError, OverflowError) as error:
            raise NotGgufError("The file is damaged: its description of the model can't be read") from error
    architecture = str(values.get("general.architecture", ""))
    own = {key.removeprefix(f"{architecture}."): value for key, value in values.items()}
    return ModelShape(architecture, _whole(own, "context_length"), _bytes_per_token(own))


def _bytes_per_token(own: Mapping[str, Any]) -> int:
    """Keys and values of one token in all layers."""
    layers = _whole(own, "block_count") or 0
    heads = _whole(own, "attention.head_count") or 1
    kv_heads = _whole(own, "attention.head_count_kv") or heads
    per_head = (_whole(own, "embedding_length") or 0) // heads
    key = _whole(own, "attention.key_length") or per_head
    value = _whole(own, "attention.value_length") or per_head
    return layers * kv_heads * (key + value) * 2


def _whole(values: Mapping[str, Any], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) and value > 0 else None


def _read_values(file: BinaryIO) -> dict[str, Any]:
    if file.read(4) != MAGIC:
        raise NotGgufError("The file is no GGUF model")
    (version,) = struct.unpack("<I", file.read(4))
    if version not in VERSIONS:
        raise NotGgufError(
            f"The file is of GGUF version {version}; versions {VERSIONS[0]} and {VERSIONS[-1]} are known"
        )
    _tensors, count = struct.unpack("<QQ", file.read(16))
    if count > MOST_ENTRIES:
        raise NotGgufError("The file is damaged: it claims more entries than any model has")
    values: dict[str, Any] = {}
    for _ in range(count):
        key = _text(file)
        if key == FIRST_AFTER:
            break
        (kind,) = struct.unpack("<I", file.read(4))
        values[key] = _value(file, kind)
    return values


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == STRING:
        return _text(file)
    if kind == ARRAY:
        element, length = struct.unpack("<IQ", file.read(12))
        if length > LONGEST_TEXT:
            raise NotGgufError("The file is damaged: one of its lists is too long")
        items = [_value(file, element) for _ in range(length)]
        # Models whose layers differ list a number for each; the largest is on the safe side.
        return max(items) if items and element in SCALARS else None
    scalar = "<" + SCALARS[kind]
    return struct.unpack(scalar, file.read(struct.calcsize(scalar)))[0]


def _text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > LONGEST_TEXT:
        raise NotGgufError("The file is damaged: one of its texts is too long")
    return file.read(length).decode()
