import errno
import os
import socket

import pytest

from gatehouse_local.runner import port_conflicts
from gatehouse_local.runner.port_conflicts import Trouble


def test_python_too_old_is_told_with_the_fix():
    with pytest.raises(Trouble, match=r"This is Python 3\.10\.2; Gatehouse needs 3\.11 or later\. Fix: "):
        port_conflicts.check_python((3, 10, 2))
    port_conflicts.check_python((3, 11, 0))


def test_a_full_disk_is_told_before_the_start(tmp_path):
    with pytest.raises(Trouble, match=r"MB are free on this disk, .* are needed\. Free some space"):
        port_conflicts.check_disk(tmp_path / "state", least=1 << 60)
    port_conflicts.check_disk(tmp_path / "state", least=1)


def test_a_full_disk_is_told_when_something_is_written(tmp_path):
    trouble = port_conflicts.cannot_write(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert str(trouble) == f"{tmp_path} can't be written: the disk is full. Free some space and try again."


def test_a_state_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "state").touch()
    with pytest.raises(Trouble, match=r"state can't be used: "):
        port_conflicts.check_disk(tmp_path / "state")


def test_ports_are_bound_all_or_none(free_ports):
    free, taken = free_ports(2)
    with socket.create_server(("127.0.0.1", taken)), pytest.raises(Trouble) as caught:
        port_conflicts.bind({"identity": free, "person": taken})
    assert str(caught.value).startswith(f"Port {taken}, which person needs, is taken by `")
    assert f"(process {os.getpid()})" in str(caught.value)
    for listener in port_conflicts.bind({"identity": free}).values():
        listener.close()


def test_a_port_can_be_bound_again_at_once(free_port):
    listener = port_conflicts.bind({"person": free_port})["person"]
    with socket.create_connection(("127.0.0.1", free_port)):
        listener.accept()[0].close()
    listener.close()
    port_conflicts.bind({"person": free_port})["person"].close()
