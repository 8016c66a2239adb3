"""Five minutes of a pool, and what a price in them is worth."""

from datetime import datetime, timedelta

BUCKET = timedelta(minutes=5)
#: Of two prices of one bucket, the one from the better source stays.
PRIORITIES = {"primary": 4, "replica-automatic": 3, "replica-manual": 2, "interpolated": 1}
CONFIDENCES = {"primary": 1.0, "replica-automatic": 0.95, "replica-manual": 0.95, "interpolated": 0.7}
LARGEST_PERCENTAGE = 1000


def bucket_start(moment: datetime) -> datetime:
    """The beginning of the bucket that a time (naive UTC) falls into."""
    return moment - (moment - datetime.min) % BUCKET


def bucket_end(start: datetime) -> datetime:
    """The last second of the bucket."""
    return start + BUCKET - timedelta(seconds=1)


def savings_percent(ondemand_price: float | None, spot_price: float) -> float | None:
    """What the spot price saves of the on-demand price; None when that is unknown or makes no sense."""
    if not ondemand_price:
        return None
    percent = round((ondemand_price - spot_price) / ondemand_price * 100, 2)
    return percent if abs(percent) < LARGEST_PERCENTAGE else None
