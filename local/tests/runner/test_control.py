import asyncio
import os
import socket
import subprocess
import sys

import pytest

from gatehouse_local.runner import control
from gatehouse_local.runner.control import Address, RunnerClient, Server
from gatehouse_local.runner.port_conflicts import Trouble


def test_one_claim_at_a_time(tmp_path):
    first = control.claim(tmp_path)
    assert first is not None
    assert control.claim(tmp_path) is None
    first.publish(Address(os.getpid(), 1234, "token"))
    assert control.find(tmp_path) == Address(os.getpid(), 1234, "token")
    first.release()
    assert list(tmp_path.iterdir()) == []
    assert control.find(tmp_path) is None


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from gatehouse_local.runner import control\n"
        "control.claim(Path(sys.argv[1])).publish(control.Address(os.getpid(), 1, 't')); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert control.find(tmp_path) is None
    second = control.claim(tmp_path)
    assert second is not None
    assert second.stale is not None
    assert second.stale.port == 1
    second.release()


def test_only_the_owner_may_read_the_token(tmp_path):
    claim = control.claim(tmp_path)
    assert claim is not None
    assert claim.path.stat().st_mode & 0o077 == 0
    claim.release()


@pytest.fixture
async def address():
    async def greet(request):
        if request.get("name") == "nobody":
            raise Trouble("Nobody has no name.")
        return f"hello {request['name']}"

    server = Server({"greet": greet})
    yield await server.start()
    await server.close()


async def test_a_request_is_answered(address):
    client = await asyncio.to_thread(RunnerClient, address)
    assert await asyncio.to_thread(client.ask, "greet", name="Ada") == "hello Ada"
    client.close()


async def test_an_error_reaches_who_asked(address):
    client = await asyncio.to_thread(RunnerClient, address)
    with pytest.raises(Trouble, match=r"Nobody has no name\."):
        await asyncio.to_thread(client.ask, "greet", name="nobody")
    with pytest.raises(Trouble, match="Unknown request 'dance'"):
        await asyncio.to_thread(client.ask, "dance")
    client.close()


async def test_without_the_token_nothing_is_done(address):
    stranger = Address(address.pid, address.port, "guessed")
    client = await asyncio.to_thread(RunnerClient, stranger)
    with pytest.raises(Trouble, match="The token is wrong"):
        await asyncio.to_thread(client.ask, "greet", name="Ada")
    client.close()


def test_a_runner_that_does_not_answer_is_told(free_port):
    with pytest.raises(Trouble, match=r"The runner \(process 77\) doesn't answer"):
        RunnerClient(Address(77, free_port, "token"))


def test_a_runner_that_ends_meanwhile_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = RunnerClient(Address(77, listener.getsockname()[1], "token"))
        listener.accept()[0].close()
        with pytest.raises(Trouble, match="The runner has exited"):
            client.ask("status")
        client.close()
