"""Addresses as they are counted."""

from __future__ import annotations


def network_of(address: str) -> str:
    """Whose address it is: the address itself, or the /64 that one customer is given of IPv6 (all of it, to change)."""
    if ":" not in address:
        return address
    import ipaddress

    try:
        known = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((known, 64), strict=False).network_address)
