"""The address plan of an environment's subnets. Pure; the resources are in `network.py`."""

import ipaddress

import msgspec

# A /16 has sixteen /20 (4,091 usable addresses each). Each kind has room for four zones, so that adding a zone
# renumbers nothing; the last four are unused.
FIRST = {"public": 0, "private": 4, "isolated": 8}


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """One availability zone's subnets."""

    number: int
    public: str
    private: str
    isolated: str


def zones(cidr: str, count: int) -> tuple[Zone, ...]:
    """The subnets of `count` zones (at most four) in a /16."""
    blocks = [str(block) for block in ipaddress.ip_network(cidr).subnets(new_prefix=20)]
    return tuple(
        Zone(number=number, **{kind: blocks[first + number] for kind, first in FIRST.items()})
        for number in range(count)
    )
