"""Teaching a comparison which places hold identifiers, from the way they flow through a recording."""

from __future__ import annotations

from migration.compare.knowledge import Knowledge
from migration.compare.scalars import number_scope
from migration.recording.exchange import Recording
from migration.replay.minting import Minting
from migration.replay.routing import RouteNamer


def teach_places(knowledge: Knowledge, recording: Recording, minting: Minting, namer: RouteNamer) -> None:
    """One value that was answered at a place and sent back later shows that the place holds identifiers."""
    for exchange in recording.exchanges:
        route = None
        for folded, number in minting.generated_places(exchange):
            route = route or namer.name(exchange, minting)
            if number:
                knowledge.learn_numbered(number_scope(route, folded))
            else:
                knowledge.learn_generated(route, folded)
