"""The service as a process of its own, and stock Yjs clients (clients.mjs, in Node) that write through it."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from gatehouse_chassis.testing import TestTokens, account_id, peer, person_id
from gatehouse_local.apps import node

ROOT = Path(__file__).parents[4]
CLIENTS = Path(__file__).with_name("clients.mjs")
BOUND = 150  # seconds; it only ends a hang


class Running:
    """`url` stays the same when the process is killed and started again."""

    def __init__(self, port: int, environ: dict[str, str], tokens: TestTokens, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.tokens = tokens
        self._environ = {**os.environ, **environ, "GATEHOUSE_ENVIRONMENT": "local", "GATEHOUSE_PORT": str(port)}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gatehouse_chassis",
                "curriculum",
                cwd=ROOT,
                env=self._environ,
                stdout=log,
                stderr=log,
            )
        async with httpx.AsyncClient() as client, asyncio.timeout(BOUND):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{self.url}/health/ready")).status_code == 200:
                        return
                assert self._process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.05)

    async def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(with_signal)
        await self._process.wait()

    def token(self, who: int, *roles: str) -> str:
        return self.tokens.token(*roles, person=person_id(who), account=account_id(who))

    @property
    def memory(self) -> int:
        """Of the process, in kB."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0])

    async def texts(self, person: str, token: str) -> dict[str, str]:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
            answer = await client.get(f"{self.url}/api/curriculum/curricula/{person}/texts")
        assert answer.status_code == 200, answer.text
        return {name: one["text"] for name, one in answer.json()["texts"].items()}


@asynccontextmanager
async def running(database_url: str, relationship: Any, log: Path) -> AsyncGenerator[Running]:
    """`relationship`: what person answers of who is what to whom, as (path, headers)."""
    tokens = TestTokens()
    async with peer() as others:
        others.answers["GET", "/api/identity/jwks.json"] = (200, await tokens.jwks())
        for number in range(1, 61):
            others.answers["GET", f"/api/person/people/{person_id(number)}/relationship"] = relationship
        environ = {f"GATEHOUSE_URL_{name}": others.url for name in ("IDENTITY", "PERSON", "TOPICS", "ENCOUNTER")}
        environ |= {"GATEHOUSE_DATABASE_URL": database_url, "GATEHOUSE_PEER_KEY": "k" * 32}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        service = Running(port, environ, tokens, log)
        await service.start()
        try:
            yield service
        finally:
            with contextlib.suppress(ProcessLookupError):
                await service.kill(signal.SIGTERM)


async def clients(service: Running, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What the clients said; at each `kill` that they ask for the service is killed and started again."""
    program = node.find(ROOT)
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        program, CLIENTS, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(asked | {"url": service.url}).encode() + b"\n")
    said = []
    try:
        async with asyncio.timeout(BOUND):
            async for line in process.stdout:
                said.append(json.loads(line))
                if "kill" in said[-1]:
                    await service.kill()
                    await service.start()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said


def two_people_write(transactions: int, seed: int) -> list[dict[str, Any]]:
    """A session in the form of josephg's editing traces: each types words, goes back over them, and sees what the
    other wrote some time later only, so that much of it is written at once."""
    chance = random.Random(seed)
    session: list[dict[str, Any]] = []
    lengths = [0, 0]  # what each has before them, as a bound of where they can write
    last = [-1, -1]
    carets = [0, 0]
    seen_at = [0, 0]
    agent = 0
    for number in range(transactions):
        if chance.random() < 0.12:
            agent = 1 - agent
        parents = [last[agent]] if last[agent] >= 0 else []
        other = last[1 - agent]
        if other >= 0 and (number - seen_at[agent] > chance.randint(5, 60) or not parents):
            parents.append(other)
            seen_at[agent] = number
            # Both have all of it then, or at least as much as the shorter of the two knew.
            lengths[agent] = max(lengths[agent], min(lengths))
        if chance.random() < 0.08 and lengths[agent]:
            carets[agent] = chance.randint(0, lengths[agent])
        at = min(carets[agent], lengths[agent])
        if chance.random() < 0.15 and at > 0:
            size = min(at, chance.randint(1, 4))
            patches = [[at - size, size, ""]]
            carets[agent], lengths[agent] = at - size, lengths[agent] - size
        else:
            text = chance.choice(["a", "b", "c", " ", "é", "word ", "\n"])
            size = len(text)
            patches = [[at, 0, text]]
            carets[agent], lengths[agent] = at + size, lengths[agent] + size
        session.append({"agent": agent, "parents": sorted(set(parents)), "patches": patches})
        last[agent] = number
    return session
