"""Which addresses the institute's servers may be sent to by a link that somebody pasted. Pure functions.

A link is a way to have our server ask where its writer can't: its own machine, the private network, the metadata of the
cloud (169.254.169.254, 169.254.170.2). So only addresses of the public Internet are asked. The lists are IANA's
registries of special-purpose addresses; every form of IPv6 that stands for an IPv4 address is refused as such, whatever
the address in it is, as no site is published at one.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPV4_REFUSED = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
# All that is handed out to networks; what isn't in it (mapped, compatible, NAT64, local, multicast) is refused.
IPV6_GLOBAL = IPv6Network("2000::/3")
IPV6_REFUSED = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols, among them Teredo and ORCHID
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
# The middle of an interface's id by ISATAP, before an IPv4 address (RFC 5214).
ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def is_public(text: str) -> bool:
    """Whether an address, as a resolver gives it, is one of the public Internet. What isn't an address isn't."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in IPV4_REFUSED)
    return _is_public_ipv6(address)


def _is_public_ipv6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in IPV6_GLOBAL:
        return False
    if (int(address) >> 32) & 0xFFFF_FFFF in ISATAP:
        return False
    return not any(address in network for network in IPV6_REFUSED)
