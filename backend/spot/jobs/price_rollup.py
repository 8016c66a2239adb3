"""price-rollup."""

from functools import partial
from itertools import groupby
from operator import itemgetter

from backend.core.database_errors import StatementRefusedError
from backend.core.scheduler import Counts, JobRun
from backend.spot.services.price_hours import rolls_up
from backend.spot.services.upkeep.price_rollup import Step, add_prices, forget_hour, look_around, open_hours

#: Prices that one transaction adds at most.
BATCH = 10_000
NO_SUCH_POOL = 1452


def roll_up_prices(delay_seconds: int, run: JobRun) -> Counts:
    """Add up by the hour what can be added up safely, some prices at a time, and forget hours that are too old.

    A run notes the newest price; a run at least `delay_seconds` later adds up until there.
    """
    forgotten = prices = 0
    if not run.transact(rolls_up):
        return {"prices": prices, "forgotten_hours": forgotten}
    run.transact(partial(look_around, delay=delay_seconds))
    while found := run.transact(forget_hour):
        forgotten += found
    while not (step := run.transact(partial(add_prices, limit=BATCH))).is_idle:
        _open_hours(run, step)
        prices += step.prices
        run.progress(prices)
    return {"prices": prices, "forgotten_hours": forgotten}


def _open_hours(run: JobRun, step: Step) -> None:
    for pool_id, found in groupby(step.missing, itemgetter(0)):
        hours = [hour for _, hour in found]
        try:
            run.transact(partial(open_hours, pool_id=pool_id, hours=hours))
        except StatementRefusedError as error:
            # It was deleted a moment ago, with all its prices.
            if error.errno != NO_SUCH_POOL:
                raise
