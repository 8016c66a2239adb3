"""New passwords, each as likely as any other that its classes of characters allow."""

import math
import secrets
import string
from itertools import combinations
from typing import Any

LEAST_LENGTH, MOST_LENGTH = 4, 256
LOWER, UPPER, DIGITS, SYMBOLS = string.ascii_lowercase, string.ascii_uppercase, string.digits, "!@#$%^&*"
# Bits of entropy from which on a password is called so.
STRENGTHS = ((80.0, "strong"), (60.0, "good"), (40.0, "fair"), (0.0, "weak"))


def generate(length: int, classes: tuple[str, ...]) -> str:
    """A password of `length` characters with at least one of each of `classes`, from the system's random source.

    Passwords that lack a class are thrown away, so all others stay equally likely. `length` must be at least the number
    of classes.
    """
    alphabet = "".join(classes)
    while True:
        password = "".join(secrets.choice(alphabet) for _ in range(length))
        if all(any(character in password for character in members) for members in classes):
            return password


def entropy(length: int, classes: tuple[str, ...]) -> float:
    """The bits of entropy of what `generate` makes: of the number of passwords that have all the classes."""
    sizes = [len(members) for members in classes]
    possible = sum(
        (-1) ** without * (sum(sizes) - sum(missing)) ** length
        for without in range(len(sizes) + 1)
        for missing in combinations(sizes, without)
    )
    return math.log2(possible)


def strength(bits: float) -> str:
    """A word for an entropy."""
    return next(word for least, word in STRENGTHS if bits >= least)


def described(
    length: int, *, include_symbols: bool, include_digits: bool, include_upper: bool, include_lower: bool
) -> dict[str, Any]:
    """A new password with what callers are told of it. At least one class must be included."""
    chosen = ((include_lower, LOWER), (include_upper, UPPER), (include_digits, DIGITS), (include_symbols, SYMBOLS))
    classes = tuple(members for included, members in chosen if included)
    return {
        "password": generate(length, classes),
        "length": length,
        "strength": strength(entropy(length, classes)),
    }
