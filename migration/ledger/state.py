"""The states of a route."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """Who serves a route. The order of the members is the order in which a route is promoted."""

    LEGACY = "legacy"
    NATIVE = "native"

    def after_promotion(self) -> State | None:
        """The state that one promotion leads to, None for the last one."""
        members = list(State)
        following = members.index(self) + 1
        return members[following] if following < len(members) else None

    def after_rollback(self) -> State | None:
        """The state that one roll back leads to, None for the first one."""
        members = list(State)
        position = members.index(self)
        return members[position - 1] if position else None
