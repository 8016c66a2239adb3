"""Reading a server's metrics, as Prometheus does."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

Figures = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each sample's value by its name and labels. A sample that is there twice is a mistake."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def total(figures: Figures, name: str, **labels: str) -> float:
    """The sum of the samples called ``name`` that have ``labels``, and maybe others."""
    wanted = labels.items()
    return sum(value for (known, has), value in figures.items() if known == name and wanted <= has)


def label_values(figures: Figures, name: str, label: str) -> set[str]:
    """What ``label`` is in the samples called ``name``."""
    return {dict(has)[label] for known, has in figures if known == name}
