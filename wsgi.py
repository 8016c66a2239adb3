"""gunicorn's entry: the domain's native application behind its strangler proxy.

``gunicorn --worker-class gthread --threads 8 wsgi:application``. Read from the environment:

- ``CUTOVER_DOMAIN``: the domain, ``spot`` by default;
- ``CUTOVER_UPSTREAM``: the legacy side, a URL or an import path; the bundled monolith in this process by default;
- ``CUTOVER_LEDGER_URL``: the ledger's database, ``sqlite:///var/ledger.sqlite3`` by default;
- what :class:`migration.proxy.ProxySettings` lists, e.g. ``CUTOVER_READ_TIMEOUT``.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

from backend import create_app
from legacy import shim
from migration.ledger import Ledger, LedgerError, State
from migration.ledger.schema import DEFAULT_LEDGER_URL
from migration.ledger.seeding import routes_of_app
from migration.proxy import Proxy, ProxySettings

log = logging.getLogger(__name__)

DEFAULT_DOMAIN = "spot"
#: gunicorn stops at this exit status of a worker, instead of starting the next one that can't start either.
_APPLICATION_FAILED_TO_LOAD = 4


def create_proxy(environ: Mapping[str, str]) -> Proxy:
    """Build the proxy that ``environ`` describes, with the ledger filled from both sides.

    Raises ValueError (settings of either side, the upstream, the domain) or :class:`~migration.ledger.LedgerError`,
    each with a sentence for the user.
    """
    domain = environ.get("CUTOVER_DOMAIN") or DEFAULT_DOMAIN
    settings = ProxySettings.from_environ(environ)
    ledger = Ledger(environ.get("CUTOVER_LEDGER_URL") or DEFAULT_LEDGER_URL)
    native = create_app(domain)
    upstream = shim.connect(environ.get("CUTOVER_UPSTREAM") or f"legacy.{domain}:create_app()")
    proxy = Proxy(native, upstream, ledger.reader(domain), settings=settings)
    if hasattr(upstream, "url_map"):
        ledger.seed(domain, routes_of_app(upstream, "the legacy application"))
    ledger.set_native(domain, routes_of_app(native, "the native application"))
    for route in ledger.routes(domain):
        if route.state is State.NATIVE and not route.native_available:
            log.warning("%s is owned by native, which does not implement it; roll it back.", route.name)
    return proxy


def _start() -> Proxy:
    try:
        return create_proxy(os.environ)
    except (ValueError, LedgerError) as error:
        sys.stderr.write(f"Cutover can't start: {error}\n")
        sys.exit(_APPLICATION_FAILED_TO_LOAD)


application = _start()
