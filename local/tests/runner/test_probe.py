import asyncio

import pytest

from gatehouse_local.runner import probe


def test_an_answer_is_read():
    answer = probe.parse(b'HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\n{"detail": "the database is away"}')
    assert (answer.status, answer.ready) == (503, False)
    assert probe.reason(answer) == "not ready: the database is away"


def test_a_page_that_is_no_problem_still_gives_a_reason():
    assert probe.reason(probe.ProbeResult(404, b"<html>")) == "not ready: /health/ready answers 404"


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 fine\r\n\r\n"])
def test_what_is_not_http_is_no_answer(data):
    with pytest.raises(probe.NoAnswer, match="the answer isn't HTTP"):
        probe.parse(data)


async def test_nobody_there_is_no_answer(free_port):
    with pytest.raises(probe.NoAnswer, match=f"port {free_port}"):
        await probe.get(free_port, "/health/ready")


async def test_a_silent_port_is_given_up(free_port):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", free_port)
    async with server:
        with pytest.raises(probe.NoAnswer, match=r"gave no answer to /health/ready in 0\.1 s"):
            await probe.get(free_port, "/health/ready", seconds=0.1)


async def test_waiting_ends_with_the_first_200_and_tells_why_it_waits(free_port):
    answers = iter([b"HTTP/1.1 503 x\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n"])

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        writer.close()

    whys = []
    async with await asyncio.start_server(answer, "127.0.0.1", free_port):
        await probe.until_ready(free_port, "/health/ready", on_wait=whys.append, pause=0.001)
    assert whys == ["not ready: /health/ready answers 503"]
