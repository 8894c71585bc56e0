"""Which addresses are those of hosts on the Internet, and the prefixes of NAT64."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.network.addresses import is_fake_ip, is_public, nat64_prefixes


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "162.159.130.233", "2606:4700::6810:84e5", "2001:4860:4860::8888", "::ffff:8.8.8.8"),
        *("64:ff9b::808:808", "64:ff9b::8.8.8.8", "64:ff9b::a29f:82e9"),
    ],
)
def test_a_host_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
        *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "224.0.0.1", "239.1.1.1"),
        *("240.0.0.1", "255.255.255.255", "192.0.0.1", "192.0.0.8", "192.0.2.1", "198.51.100.1"),
        *("203.0.113.1", "198.18.0.1", "192.88.99.1"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("::8.8.8.8", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1"),
        *("64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::192.168.0.1"),
        *("64:ff9b::198.18.0.1", "64:ff9b::", "64:ff9b::1:808:808", "64:ff9b:1::1", "64:ff9b:1::808:808"),
        *("2002:7f00:1::1", "2002:808:808::1"),
        *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:db8::1"),
        *("3fff::1", "100::1", "5f00::1", "4000::1"),
        *("", "localhost", "127.1", "0x7f000001", "2130706433", "8.8.8.8.", "8.8.8.8/32", "[::1]"),
    ],
)
def test_any_other_address_is_not_public(address: str) -> None:
    assert not is_public(address)


# RFC 6052, section 2.4, has these for 192.0.2.33.
RFC_6052_EXAMPLES = {
    "2001:db8::/32": "2001:db8:c000:221::",
    "2001:db8:100::/40": "2001:db8:1c0:2:21::",
    "2001:db8:122::/48": "2001:db8:122:c000:2:2100::",
    "2001:db8:122:300::/56": "2001:db8:122:3c0:0:221::",
    "2001:db8:122:344::/64": "2001:db8:122:344:c0:2:2100::",
    "2001:db8:122:344::/96": "2001:db8:122:344::192.0.2.33",
}


def embed(prefix: str, address: str) -> str:
    """Put an IPv4 address behind a prefix, as the examples of the RFC do."""
    network = IPv6Network(prefix)
    places = [place for place in range(network.prefixlen // 8, 16) if place != 8]
    packed = bytearray(network.network_address.packed)
    for place, byte in zip(places, IPv4Address(address).packed, strict=False):
        packed[place] = byte
    return str(IPv6Address(bytes(packed)))


@pytest.mark.parametrize("prefix", RFC_6052_EXAMPLES)
def test_a_network_s_own_prefix_is_learned_and_judges_by_the_address_inside(prefix: str) -> None:
    assert IPv6Address(embed(prefix, "192.0.2.33")) == IPv6Address(RFC_6052_EXAMPLES[prefix])
    learned = nat64_prefixes([embed(prefix, "192.0.0.170"), embed(prefix, "192.0.0.171")])
    assert learned == {IPv6Network(prefix)}
    assert is_public(embed(prefix, "8.8.8.8"), learned)
    for inside in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "192.0.2.33"):
        assert not is_public(embed(prefix, inside), learned)


def test_a_global_address_that_a_nat64_translates_to_a_private_one_is_not_public() -> None:
    prefix = "2a00:1234:5678::/96"
    address = embed(prefix, "192.168.1.1")
    assert is_public(address)  # it looks like any other host
    assert not is_public(address, nat64_prefixes([embed(prefix, "192.0.0.170")]))


@pytest.mark.parametrize("prefix", ["64:ff9b::/96", "64:ff9b:1:ffff::/96", "fd00:64::/96", "2a00::/32"])
def test_prefixes_may_be_well_known_local_or_global(prefix: str) -> None:
    assert nat64_prefixes([embed(prefix, "192.0.0.171")]) == {IPv6Network(prefix)}


@pytest.mark.parametrize(
    "address",
    [
        *("192.0.0.170", "::192.0.0.170", "::ffff:192.0.0.170", "fe80::192.0.0.170", "ff02::192.0.0.170"),
        *("2a00::192.0.0.172", "2a00::8.8.8.8", "no address"),
    ],
)
def test_an_answer_that_names_no_usable_prefix_is_none(address: str) -> None:
    assert nat64_prefixes([address]) == frozenset()


@given(st.ip_addresses(v=4), st.sampled_from(list(RFC_6052_EXAMPLES)))
def test_behind_any_prefix_an_address_is_judged_as_without_it(address: IPv4Address, prefix: str) -> None:
    assert is_public(embed(prefix, str(address)), [IPv6Network(prefix)]) == is_public(str(address))


@pytest.mark.parametrize(
    ("address", "fake"),
    [
        *((address, True) for address in ("198.18.0.1", "198.19.255.255", "::ffff:198.18.3.4")),
        *((address, False) for address in ("198.17.255.255", "198.20.0.0", "::1", "64:ff9b::198.18.0.1", "")),
    ],
)
def test_a_fake_ip_is_one_of_the_block_for_benchmarks(address: str, fake: bool) -> None:
    assert is_fake_ip(address) == fake
