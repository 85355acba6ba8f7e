"""Logs: one JSON line a request with its ids, and nothing of what people wrote."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, sys
from pathlib import Path
import msgspec
from litestar import post
from gatehouse_chassis import create_app
from gatehouse_chassis.base import logs
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.testing import serving

class Thing(msgspec.Struct):
    name: str

@post("/things", guards=[signed_in], operation_id="CreateThing", sync_to_thread=False)
def create_thing(data: Thing) -> Thing:
    return data

async def main():
    logs.configure("demo", terminal=False)
    folder = Path(sys.argv[1])
    async with serving("demo", lambda service: create_app(service, [create_thing]), folder=folder) as demo:
        headers = demo.tokens.headers("member", account="019a0000-0002-7000-8000-000000000002", name="Noah Adeyemi")
        headers |= {"cookie": "session=sesame", "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
        await demo.post("/api/demo/things?email=noah@example.org", json={"name": "hunter2"}, headers=headers)
        await demo.get("/health/live")

asyncio.run(main())
"""
SERVICE = 'name = "demo"\ndomain = "demo"\nsummary = "Logs"\npath = "/api/demo"\nport = 8499\n'


def test_a_request_is_one_line_with_ids_and_without_personal_data(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "demo"
    folder.mkdir(parents=True)
    (folder / "service.toml").write_text(SERVICE)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, timeout=60, check=True
    )
    (line,) = [json.loads(text) for text in done.stdout.splitlines()]
    assert line["event"] == "request"
    assert (line["service"], line["route"], line["status"]) == ("demo", "/api/demo/things", 201)
    assert line["trace_id"] == "ab" * 16
    assert line["actor_id"] == "019a0000-0002-7000-8000-000000000002"
    assert len(line["request_id"]) >= 8
    for secret in ("hunter2", "sesame", "noah@example.org", "Adeyemi", "Bearer", "eyJ"):
        assert secret not in done.stdout + done.stderr
