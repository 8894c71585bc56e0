"""Which IP addresses are those of hosts on the Internet."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NAT64_WELL_KNOWN: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a gateway translates to the IPv4 address inside: RFC 6052, section 2.1."""
FAKE_IP: Final = ipaddress.IPv4Network("198.18.0.0/15")
"""Reserved for benchmarks (RFC 2544). The resolver of a transparent proxy such as Clash answers every name
with an address of this block, and the proxy connects to the name."""

_IPV4ONLY_ADDRESSES: Final = frozenset(map(ipaddress.IPv4Address, ("192.0.0.170", "192.0.0.171")))
"""What `ipv4only.arpa` has as its A records: RFC 7050, section 2.2."""
_NAT64_PREFIX_LENGTHS: Final = (32, 40, 48, 56, 64, 96)
"""RFC 6052, section 2.2."""
# Where a network's own prefix may be: in the block for it (RFC 8215), in global or unique local addresses.
_NAT64_RANGES: Final = tuple(
    map(ipaddress.IPv6Network, (str(NAT64_WELL_KNOWN), "64:ff9b:1::/48", "2000::/3", "fc00::/7"))
)
# The only block of IPv6 that is assigned for use on the Internet.
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
# Protocol assignments, relays and documentation; also Teredo (in 2001::/23) and 6to4, which embed an IPv4
# address that would not be checked. `is_global` of Python 3.11 is True for some of them.
_NOT_HOSTS_IPV4: Final = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
_NOT_HOSTS_IPV6: Final = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2002::/16", "3fff::/20")))


def is_public(address: str, nat64: Iterable[ipaddress.IPv6Network] = (NAT64_WELL_KNOWN,)) -> bool:
    """Return whether an IP address is that of a host on the Internet, not of this machine or its network.

    An address in one of the prefixes `nat64` is judged by the IPv4 address inside.
    """
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if inside := [_embedded(parsed, prefix) for prefix in nat64 if parsed in prefix]:
            return all(map(_is_public_ipv4, inside))
        return _is_public_ipv6(parsed)
    return parsed is not None and _is_public_ipv4(parsed)


def is_fake_ip(address: str) -> bool:
    """Return whether an address is one that only the resolver of a transparent proxy answers with."""
    parsed = _parse(address)
    return parsed is not None and parsed in FAKE_IP


def is_ip_address(host: str) -> bool:
    """Return whether a host of a URL is an address in its usual spelling, not a name."""
    return _parse(host) is not None


def nat64_prefixes(addresses: Iterable[str]) -> frozenset[ipaddress.IPv6Network]:
    """Return the prefixes of the AAAA records of `ipv4only.arpa`, which only a NAT64's resolver has.

    RFC 7050, section 3: a prefix is what stands before one of the two known IPv4 addresses.
    """
    parsed = (_parse(address) for address in addresses)
    found = {
        ipaddress.IPv6Network((address, length), strict=False)
        for address in parsed
        if isinstance(address, ipaddress.IPv6Address) and any(address in block for block in _NAT64_RANGES)
        for length in _NAT64_PREFIX_LENGTHS
        if _embedded_at(address, length) in _IPV4ONLY_ADDRESSES
    }
    return frozenset(found)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address, as IPv4 if it is one in IPv6's spelling (`::ffff:`); None if it is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        return parsed.ipv4_mapped or parsed
    return parsed


def _embedded(address: ipaddress.IPv6Address, prefix: ipaddress.IPv6Network) -> ipaddress.IPv4Address:
    return _embedded_at(address, prefix.prefixlen)


def _embedded_at(address: ipaddress.IPv6Address, prefix_length: int) -> ipaddress.IPv4Address:
    """Return the IPv4 address after a prefix; byte 8 is never part of it: RFC 6052, section 2.2."""
    places = [place for place in range(prefix_length // 8, 16) if place != 8][:4]  # noqa: PLR2004
    return ipaddress.IPv4Address(bytes(address.packed[place] for place in places))


def _is_public_ipv4(address: ipaddress.IPv4Address) -> bool:
    return _is_assigned(address) and not any(address in network for network in _NOT_HOSTS_IPV4)


def _is_public_ipv6(address: ipaddress.IPv6Address) -> bool:
    outside = address not in _GLOBAL_UNICAST or any(address in network for network in _NOT_HOSTS_IPV6)
    return _is_assigned(address) and not outside


def _is_assigned(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
