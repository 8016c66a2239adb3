"""How the commands show evidence."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from migration.ledger import Evidence


def evidence_in_words(evidence: Evidence | None) -> Text:
    """For a table: how many exchanges of a route were compared, when, and how many speak against it."""
    if evidence is None:
        return Text("none", style="dim")
    day = f"{evidence.run.at:%Y-%m-%d}"
    if evidence.unexplained:
        return Text(f"{evidence.unexplained:,} of {evidence.exchanges:,} differ, {day}", style="red")
    return Text(f"{evidence.exchanges:,} on {day}", style="green")


def evidence_of_all(evidence: Sequence[Evidence]) -> str:
    """One sentence on the newest evidence of several routes."""
    exchanges = sum(each.exchanges for each in evidence)
    unexplained = sum(each.unexplained for each in evidence)
    newest = max(each.run.at for each in evidence)
    said = f"Evidence of {exchanges:,} exchanges on {len(evidence)} of them, the newest of {newest:%Y-%m-%d}"
    return f"{said}: {unexplained:,} differ." if unexplained else f"{said}: no unexplained difference."


def evidence_as_json(evidence: Evidence | None) -> dict[str, object] | None:
    """The same for programs."""
    if evidence is None:
        return None
    run = evidence.run
    return {
        "exchanges": evidence.exchanges,
        "equal": evidence.equal,
        "accepted": evidence.accepted,
        "noise": evidence.noise,
        "different": evidence.different,
        "errors": evidence.errors,
        "tables_different": run.tables_different,
        "at": run.at.isoformat(),
        "recordings": list(run.recordings),
        "report_sha256": run.digest,
        "control": run.control,
        "candidate": run.candidate,
        "control_version": run.control_version,
        "candidate_version": run.candidate_version,
    }
