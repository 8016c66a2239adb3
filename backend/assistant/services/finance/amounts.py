"""Reckoning with money: exact, and rounded to cents only here, half a cent upwards (ROUND_HALF_UP)."""

from decimal import ROUND_HALF_UP, Decimal

CURRENCY = "USD"
CENT = Decimal("0.01")
NOTHING = Decimal("0.00")
SECONDS_PER_HOUR = 3600
MOST = Decimal("9999999999.99")
MOST_BILLED = Decimal("999999.99")


def tax_on(amount: Decimal, rate: Decimal) -> Decimal:
    """The tax of `rate` percent on an amount, to the cent."""
    return (amount * rate / 100).quantize(CENT, ROUND_HALF_UP)


def earned(seconds: int, hourly_rate: Decimal) -> Decimal:
    """What so many seconds are worth, to the cent."""
    return (seconds * hourly_rate / SECONDS_PER_HOUR).quantize(CENT, ROUND_HALF_UP)


def percentage(part: Decimal, whole: Decimal) -> Decimal:
    """How many percent of `whole` a part is, to two places; 0 of nothing."""
    return (part * 100 / whole).quantize(CENT, ROUND_HALF_UP) if whole else NOTHING


def text(amount: Decimal) -> str:
    """An amount as it is answered."""
    return format(amount, "f")
