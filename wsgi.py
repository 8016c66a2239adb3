"""gunicorn's entry: each domain's native application behind its strangler proxy.

``gunicorn --worker-class gthread --threads 8 wsgi:application``. Read from the environment, or from the table
``[cutover]`` of the file that ``CUTOVER_CONFIG`` names:

- ``CUTOVER_DOMAIN``: the domain, ``spot`` by default; or, to serve several, each at its host names and path prefixes,
- ``CUTOVER_DOMAINS``: as in ``spot=spot.example.org,assistant=/assistant``, see :mod:`backend.core.places`;
- ``CUTOVER_UPSTREAM``: the first domain's legacy side, a URL or an import path; ``<DOMAIN>_UPSTREAM`` is any domain's.
  By default it is the bundled monolith in this process. A domain without one is served by its native side alone;
- ``CUTOVER_LEDGER_URL``: the ledger's database, ``sqlite:///var/ledger.sqlite3`` by default, for all domains;
- what :class:`migration.proxy.ProxySettings` lists, e.g. ``CUTOVER_READ_TIMEOUT``.

``flask --app wsgi:native jobs list`` knows the owners of jobs, which ``flask --app backend`` does not;
``flask --app "wsgi:native_app('assistant')"`` is the same for another domain than the first.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from flask import Flask

from backend import DOMAINS, create_app
from backend.core import operations, whole_process
from backend.core.database_events import enabled_events
from backend.core.dispatch import Dispatch, Mounted
from backend.core.figures import FIGURES
from backend.core.gauges import Gauges
from backend.core.logs import log_like_backend
from backend.core.migration_lock import MigrationBusyError
from backend.core.migrations import MigrationError
from backend.core.places import Places
from backend.core.scheduler import Job
from backend.core.settings import Settings
from legacy import shim
from migration.config_file import DEFAULTS, configuration
from migration.ledger import DeclaredJob, Ledger, LedgerError, RoutingTable, State
from migration.ledger.ownership import JobOwnership
from migration.ledger.reader import LedgerReader
from migration.ledger.seeding import routes_of_app
from migration.proxy import Proxy, ProxySettings, SettingsError
from migration.proxy import figures as proxy_figures
from migration.proxy.breaker import BreakerState

log = logging.getLogger(__name__)

#: gunicorn stops at this exit status of a worker, instead of starting the next one that can't start either.
_APPLICATION_FAILED_TO_LOAD = 4


class StartError(Exception):
    """A domain can't be served; the text names it and says why."""


class Application:
    """All domains of this process, and their jobs, which start in each process that serves requests.

    ``native_apps`` are the native applications by domain, ``native`` is the first one's.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Build what ``environ`` describes, with the ledger filled from both sides of each domain.

        Raises ValueError (settings that are not one domain's), :class:`StartError` or
        :class:`~migration.ledger.LedgerError`, each with a sentence for the user.
        """
        given = configuration(environ)
        try:
            proxy_settings = ProxySettings.from_environ(given.environment)
            places = _places(given.environment)
        except ValueError as error:
            raise SettingsError(given.in_place(str(error))) from error
        #: How long clients may be silent, in seconds, for the server.
        self.client_timeout: float = proxy_settings.client_timeout
        settings = {}
        for domain in places.domains:
            with _blamed_on(domain):
                settings[domain] = Settings.from_environment(domain, environ)
        _refuse_shared_databases(settings)
        ledger = Ledger(given.environment.get("CUTOVER_LEDGER_URL") or DEFAULTS["CUTOVER_LEDGER_URL"])
        domains: dict[str, Domain] = {}
        for domain in places.domains:
            default = given.environment.get("CUTOVER_UPSTREAM", "") if domain == places.default else ""
            with _blamed_on(domain):
                domains[domain] = Domain(
                    domain, settings[domain], ledger, proxy_settings, default, has_prefixes=bool(places.prefixes)
                )
        self.native_apps: dict[str, Flask] = {name: domain.native for name, domain in domains.items()}
        self.native: Flask = self.native_apps[places.default]
        self._job_starters = tuple(domain.start_jobs for domain in domains.values() if domain.start_jobs is not None)
        self._serve: Callable[..., Iterable[bytes]] = domains[places.default].serve
        if len(domains) > 1 or places.prefixes:
            apps = {name: domain.serve for name, domain in domains.items()}
            for_all: dict[str, Callable[..., Iterable[bytes]]] = {}
            if len(domains) > 1:
                observed = self.native.extensions["observer"].around(whole_process.whole_process(self.native_apps))
                for_all = dict.fromkeys(whole_process.PATHS, observed)
            self._serve = Dispatch(places, apps, for_all, proxy_settings.trusted_hops)
        FIGURES.register(proxy_figures.FIGURES)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.start_jobs()
        return self._serve(environ, start_response)

    def start_jobs(self) -> None:
        """Start the schedulers in this process that are to run here and don't yet; requests do it too."""
        for start in self._job_starters:
            start()

    def start_gauges(self) -> None:
        """Let the other processes know what is measured in this one; the first request does it too."""
        for app in self.native_apps.values():
            app.extensions["gauges"].start()


class Domain:
    """One domain: ``native`` is its new side, ``serve`` answers requests by the side that owns them.

    ``start_jobs`` starts its jobs in this process; None where it is to have none.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        ledger: Ledger,
        proxy_settings: ProxySettings,
        default_target: str,
        *,
        has_prefixes: bool,
    ) -> None:
        self._name = name
        self._settings = settings
        self._ledger = ledger
        # One more step for each request, but only where it can be needed.
        self._mounted: Callable[[Any], Any] = Mounted if has_prefixes else lambda app: app
        self.native: Flask = create_app(name, settings)
        log_like_backend("")  # before the old side looks whether anybody logs already
        self.start_jobs: Callable[[], None] | None = None
        if settings.background_jobs and "job_scheduler" in self.native.extensions:
            self.start_jobs = self.native.extensions["job_scheduler"].start
        bundled = f"legacy.{name}:create_app()" if find_spec(f"legacy.{name}") else None
        target = settings.upstream or default_target or bundled
        if target is None:
            proxy = self._native_alone(proxy_settings)
        else:
            proxy = self._both_sides(target, target == bundled, proxy_settings)
        self.serve: Callable[..., Iterable[bytes]] = self.native.extensions["observer"].around(proxy)

    def _native_alone(self, proxy_settings: ProxySettings) -> Proxy:
        """There is no old side, whatever the ledger says: it only tells people what is served."""
        self._ledger.seed(self._name, routes_of_app(self.native, "the native application"), owner=State.NATIVE)
        self._fill_ledger(follows_ledger=True, owner=State.NATIVE)
        native = self._mounted(self.native)
        return Proxy(native, None, _NoRoutes(), settings=proxy_settings, unmatched=State.NATIVE, domain=self._name)

    def _both_sides(self, target: str, is_bundled: bool, proxy_settings: ProxySettings) -> Proxy:
        ledger, name = self._ledger, self._name
        # Until this process serves requests the ledger is asked itself: a reader would start a thread before the fork.
        ownership = JobOwnership(lambda: {job.name: job for job in ledger.jobs(name)})
        self.native.extensions["job_owner"] = ownership.native_since
        upstream = _bundled(name, self._settings, ownership) if is_bundled else self._connected(target)
        reader = ledger.reader(name)
        ownership.in_force = reader.jobs
        if hasattr(upstream, "url_map"):
            ledger.seed(name, routes_of_app(upstream, "the legacy application"))
        self._fill_ledger(follows_ledger=is_bundled, owner=State.LEGACY)
        for route in ledger.routes(name):
            if route.state is State.NATIVE and not route.native_available:
                log.warning("%s is owned by native, which does not implement it; roll it back.", route.name)
        if self.start_jobs is None and any(job.state is State.NATIVE for job in ledger.jobs(name)):
            log.warning("Jobs are owned by native, but BACKGROUND_JOBS is off in this process: it runs none.")
        old = upstream if isinstance(upstream, str) else self._mounted(upstream)
        native = self._mounted(self.native)
        proxy = Proxy(native, old, reader, settings=proxy_settings, native_only=operations.PATHS, domain=name)
        _show(self.native.extensions["gauges"], proxy, reader)
        return proxy

    def _connected(self, target: str) -> Any:
        """The upstream that ``target`` names; where there is none, whoever named it is told."""
        try:
            return shim.connect(target)
        except shim.TargetError as error:
            own = next(reading for reading in self._settings.read.readings if reading.name == "UPSTREAM")
            raise StartError(f"{own.source if own.text else 'CUTOVER_UPSTREAM'} can't be used: {error}") from error

    def _fill_ledger(self, *, follows_ledger: bool, owner: State) -> None:
        """Note what the native side implements, and enter its jobs, owned by ``owner`` until somebody moves them."""
        self._ledger.set_native(self._name, routes_of_app(self.native, "the native application"))
        jobs: tuple[Job, ...] = self.native.extensions.get("jobs", ())
        if jobs:
            events = enabled_events(self.native)
            self._ledger.declare_jobs(self._name, [_declared(job, events, follows_ledger) for job in jobs], owner=owner)


class _NoRoutes:
    """Stands for the ledger where there is nothing to decide."""

    def __init__(self) -> None:
        self._table = RoutingTable()

    def table(self) -> RoutingTable:
        return self._table


def _show(gauges: Gauges, proxy: Proxy, reader: LedgerReader) -> None:
    """Add what the tool knows of this process to the domain's metrics."""
    gauges.add("cutover_upstream_connections", "Connections to the upstream.", proxy.connections, ["state"])
    text = "Workers by what their breaker does about the upstream: closed (in use), open (left alone) or half-open."
    gauges.add("cutover_upstream_breakers", text, lambda: _by_state(proxy.breakers()), ["state"])
    text = "Routes by the state that the ledger gives them."
    gauges.add("cutover_ledger_routes", text, reader.routes_by_state, ["state"], "mostrecent")
    text = "The ledger's version in force; of several processes, the oldest."
    gauges.add("cutover_ledger_generation", text, reader.generation, across="min")
    text = "Time since the ledger was last read; of several processes, the longest."
    gauges.add("cutover_ledger_age_seconds", text, reader.age, across="max")


def _by_state(breakers: Iterable[BreakerState]) -> dict[tuple[str, ...], float]:
    return {(breaker.state,): 1.0 for breaker in breakers}


def _places(environ: Mapping[str, str]) -> Places:
    if environ.get("CUTOVER_DOMAINS", "").strip():
        return Places.read(environ["CUTOVER_DOMAINS"], DOMAINS)
    return Places((environ.get("CUTOVER_DOMAIN") or DEFAULTS["CUTOVER_DOMAIN"],), {}, {})


@contextmanager
def _blamed_on(domain: str) -> Iterator[None]:
    """Name the domain that can't be served."""
    try:
        yield
    except (ValueError, LedgerError, MigrationError, MigrationBusyError, StartError) as error:
        raise StartError(f"the domain {domain} can't be served: {error}") from error


def _refuse_shared_databases(settings: Mapping[str, Settings]) -> None:
    """Domains know nothing of each other's tables, and each counts its own revisions."""
    owners: dict[str, str] = {}
    for domain, its in settings.items():
        url = its.database_url.render_as_string(hide_password=False)
        if owners.setdefault(url, domain) != domain:
            raise StartError(
                f"{owners[url]} and {domain} can't share a database: set {domain.upper()}_DATABASE_URL to another one."
            )


def _bundled(domain: str, settings: Settings, ownership: JobOwnership) -> Flask:
    """The monolith in this process. It reads the environment by itself, and is told what only the file says."""
    (address,) = (reading for reading in settings.read.readings if reading.name == "DATABASE_URL")
    monolith: Flask = import_module(f"legacy.{domain}").create_app(
        address.text if address.place else None, may_run_job=ownership.legacy_may_run
    )
    return monolith


def _declared(job: Job, events: frozenset[str] | None, follows_ledger: bool) -> DeclaredJob:
    """What ``job`` replaces, and what of that has to be switched off by hand; of unknown ``events``, all."""
    own = () if follows_ledger else tuple(f"the monolith's {name}" for name in job.replaces)
    present = tuple(name for name in job.replaces_events if events is None or name in events)
    by_hand = own + tuple(f"the database's event {name} (ALTER EVENT {name} DISABLE)" for name in present)
    return DeclaredJob(job.name, job.replaces + present, by_hand)


def _start() -> Application:
    try:
        return Application(os.environ)
    except (ValueError, LedgerError, StartError) as error:
        sys.stderr.write(f"Cutover can't start: {error}\n")
        sys.exit(_APPLICATION_FAILED_TO_LOAD)


def native_app(domain: str) -> Flask:
    """The native application of one of the domains that are served, for the command line of Flask."""
    try:
        return application.native_apps[domain]
    except KeyError:
        served = ", ".join(application.native_apps)
        raise ValueError(f"{domain} is not served here; served are: {served}. See CUTOVER_DOMAINS.") from None


application: Application = _start()
#: For the command line of Flask.
native: Flask = application.native
