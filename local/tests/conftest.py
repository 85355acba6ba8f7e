"""What the tests of the local platform share: free ports, and a tiny service to run."""

import socket
import sys
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("fake_service.py")


@pytest.fixture
def free_port() -> int:
    return _free_port()


@pytest.fixture
def free_ports():
    """`free_ports(3)`: as many free loopback ports."""
    return lambda count: [_free_port() for _ in range(count)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def fake_command() -> tuple[str, ...]:
    """The command of a tiny service (fake_service.py says what it can)."""
    return sys.executable, "-S", str(FAKE)
