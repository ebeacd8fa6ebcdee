"""Who a connection comes from: an IP address, and the network that one customer has."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


# The same few hosts hand in nearly all mail.
@lru_cache(maxsize=1024)
def read_ip(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address without its zone, an IPv4 address in IPv6 clothes as IPv4; None for others."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(peer: str) -> str:
    """One customer of a provider: an IPv4 address or an IPv6 /64; what is neither, as it is."""
    address = read_ip(peer)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or peer)
