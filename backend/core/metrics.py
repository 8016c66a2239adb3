"""`/metrics`: figures for Prometheus."""

from collections.abc import Iterable, Iterator, Sequence

from flask import Flask, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from backend.core.figures import Rendered, collect_figures
from backend.core.gauges import Gauges

METRICS = "metrics"
GAUGES = "gauges"
DOMAIN = "domain"


def install_metrics(app: Flask, domain: str) -> None:
    """Serve what is counted about the domain, and whatever else `app` registers.

    `app.extensions["gauges"]` takes values that processes read by themselves (see Gauges). `app.extensions["metrics"]`
    takes collectors that tell of all processes, whichever is asked, as one that reads the database does.
    """
    registry = CollectorRegistry()
    gauges = Gauges(domain)
    registry.register(gauges)
    app.extensions |= {METRICS: registry, GAUGES: gauges}
    app.extensions[DOMAIN] = domain
    app.add_url_rule("/metrics", METRICS, lambda: Response(render_metrics([app]), content_type=CONTENT_TYPE_LATEST))


def render_metrics(apps: Sequence[Flask]) -> bytes:
    """All metrics of the domains of `apps`, as the text whose type is CONTENT_TYPE_LATEST; needs no context."""
    return generate_latest(Rendered(_merged(apps)))


def _merged(apps: Sequence[Flask]) -> Iterable[Metric]:
    """One family for each name, every sample with its domain."""
    domains = {app.extensions[DOMAIN] for app in apps}
    for app in apps:
        app.extensions[GAUGES].write()
    families: dict[str, Metric] = {}
    for metric in collect_figures():
        metric.samples = [sample for sample in metric.samples if sample.labels.get(DOMAIN, "") in {"", *domains}]
        families[metric.name] = metric
    for app in apps:
        for metric in _own(app):
            if metric.name in families:
                families[metric.name].samples += metric.samples
            else:
                families[metric.name] = metric
    return sorted(families.values(), key=lambda family: family.name)


def _own(app: Flask) -> Iterator[Metric]:
    """What the collectors of `app` tell."""
    with app.app_context():
        for metric in app.extensions[METRICS].collect():
            metric.samples = [_of(app.extensions[DOMAIN], sample) for sample in metric.samples]
            yield metric


def _of(domain: str, sample: Sample) -> Sample:
    return sample if DOMAIN in sample.labels else sample._replace(labels={DOMAIN: domain, **sample.labels})
