"""gunicorn's entry: the domain's native application behind its strangler proxy.

``gunicorn --worker-class gthread --threads 8 wsgi:application``. Read from the environment:

- ``CUTOVER_DOMAIN``: the domain, ``spot`` by default;
- ``CUTOVER_UPSTREAM``: the legacy side, a URL or an import path; the bundled monolith in this process by default;
- ``CUTOVER_LEDGER_URL``: the ledger's database, ``sqlite:///var/ledger.sqlite3`` by default;
- what :class:`migration.proxy.ProxySettings` lists, e.g. ``CUTOVER_READ_TIMEOUT``.

``flask --app wsgi:native jobs list`` knows the owners of jobs, which ``flask --app backend`` does not.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from flask import Flask

from backend import create_app
from backend.core import operations
from backend.core.database_events import enabled_events
from backend.core.scheduler import Job
from backend.core.settings import Settings
from legacy import shim
from migration.ledger import DeclaredJob, Ledger, LedgerError, State
from migration.ledger.ownership import JobOwnership
from migration.ledger.schema import DEFAULT_LEDGER_URL
from migration.ledger.seeding import routes_of_app
from migration.proxy import Proxy, ProxySettings

log = logging.getLogger(__name__)

DEFAULT_DOMAIN = "spot"
#: gunicorn stops at this exit status of a worker, instead of starting the next one that can't start either.
_APPLICATION_FAILED_TO_LOAD = 4


class Application:
    """Both sides behind the proxy, and the native side's jobs, which start in each process that serves requests."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Build what ``environ`` describes, with the ledger filled from both sides.

        Raises ValueError (settings of either side, the upstream, the domain) or
        :class:`~migration.ledger.LedgerError`, each with a sentence for the user.
        """
        domain = environ.get("CUTOVER_DOMAIN") or DEFAULT_DOMAIN
        proxy_settings = ProxySettings.from_environ(environ)
        ledger = Ledger(environ.get("CUTOVER_LEDGER_URL") or DEFAULT_LEDGER_URL)
        self.native = create_app(domain)
        settings: Settings = self.native.extensions["settings"]
        self._has_jobs = settings.background_jobs
        # Until this process serves requests the ledger is asked itself: a reader would start a thread before the fork.
        ownership = JobOwnership(lambda: {job.name: job for job in ledger.jobs(domain)})
        self.native.extensions["job_owner"] = ownership.native_since
        bundled = f"legacy.{domain}:create_app()"
        target = environ.get("CUTOVER_UPSTREAM") or bundled
        upstream = _bundled(domain, ownership) if target == bundled else shim.connect(target)
        reader = ledger.reader(domain)
        ownership.in_force = reader.jobs
        _fill(ledger, domain, self.native, upstream, follows_ledger=target == bundled)
        if not self._has_jobs and any(job.state is State.NATIVE for job in ledger.jobs(domain)):
            log.warning("Jobs are owned by native, but BACKGROUND_JOBS is off in this process: it runs none.")
        self._proxy = Proxy(self.native, upstream, reader, settings=proxy_settings, native_only=operations.PATHS)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.start_jobs()
        return self._proxy(environ, start_response)

    def start_jobs(self) -> None:
        """Start the scheduler in this process if it has none yet and is to have one; requests do it too."""
        if self._has_jobs:
            self.native.extensions["job_scheduler"].start()


def _bundled(domain: str, ownership: JobOwnership) -> Flask:
    monolith: Flask = import_module(f"legacy.{domain}").create_app(may_run_job=ownership.legacy_may_run)
    return monolith


def _fill(ledger: Ledger, domain: str, native: Flask, upstream: object, *, follows_ledger: bool) -> None:
    """Enter the routes and jobs of both sides into the ledger."""
    if hasattr(upstream, "url_map"):
        ledger.seed(domain, routes_of_app(upstream, "the legacy application"))
    ledger.set_native(domain, routes_of_app(native, "the native application"))
    for route in ledger.routes(domain):
        if route.state is State.NATIVE and not route.native_available:
            log.warning("%s is owned by native, which does not implement it; roll it back.", route.name)
    jobs: tuple[Job, ...] = native.extensions["jobs"]
    events = enabled_events(native)
    ledger.declare_jobs(domain, [_declared(job, events, follows_ledger) for job in jobs])


def _declared(job: Job, events: frozenset[str] | None, follows_ledger: bool) -> DeclaredJob:
    """What ``job`` replaces, and what of that has to be switched off by hand; of unknown ``events``, all."""
    own = () if follows_ledger else tuple(f"the monolith's {name}" for name in job.replaces)
    present = tuple(name for name in job.replaces_events if events is None or name in events)
    by_hand = own + tuple(f"the database's event {name} (ALTER EVENT {name} DISABLE)" for name in present)
    return DeclaredJob(job.name, job.replaces + present, by_hand)


def _start() -> Application:
    try:
        return Application(os.environ)
    except (ValueError, LedgerError) as error:
        sys.stderr.write(f"Cutover can't start: {error}\n")
        sys.exit(_APPLICATION_FAILED_TO_LOAD)


application = _start()
#: For the command line of Flask.
native = application.native
