"""Whom a limit counts as one caller."""

from ipaddress import IPv6Address, ip_address


def network_of(address: str) -> str:
    """What one caller can hold: an IPv4 address, or the upper half of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else address
