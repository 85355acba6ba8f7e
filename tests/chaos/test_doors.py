"""Fifty identical deliveries at once, over HTTP, through each door: one person, one account, one mail.

On a platform of its own, whose intake is run here, so that it knows a played Squarespace. Each delivery is repeated
until it is taken, as senders do: a busy service says 503. Who comes through all doors at once is one person, too.
"""

import base64
import hmac
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gatehouse_local.runner import control
from gatehouse_local.runner.control import RunnerClient
from gatehouse_local.runner.port_conflicts import bind
from gatehouse_local.testing.shared_process import Facts, shared
from gatehouse_local.testing.waiting import until

from ..blackbox.test_intake import solved

pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]
AT_ONCE = 50
READ_SECONDS = 3.1  # nobody fills a form in more quickly, and who does is refused
SECRET = "0f" * 32
NAME = "Zoë 🌱 O'Neil"
DOORS = ("squarespace_order", "sheet_row", "form", "csv")


class Squarespace(BaseHTTPRequestHandler):
    """Each order is of the address that its number is made of."""

    def do_GET(self) -> None:
        address = f"{self.path.rpartition('/')[2]}@example.org"
        first, _, last = NAME.partition(" ")
        order = {"customerEmail": address, "billingAddress": {"firstName": first, "lastName": last}}
        content = json.dumps(order).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def institute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    with shared(tmp_path_factory.mktemp("doors"), "platform", timeout=240) as facts:
        address = control.find(Path(facts["state"]))
        assert address is not None
        runner = RunnerClient(address)
        squarespace = ThreadingHTTPServer(("127.0.0.1", 0), Squarespace)
        threading.Thread(target=squarespace.serve_forever, daemon=True).start()
        runner.ask("settled database")
        how = runner.ask("debug", name="intake")
        own = {
            "GATEHOUSE_SECRET_SQUARESPACE_SECRET": SECRET,
            "GATEHOUSE_SECRET_SQUARESPACE_API_KEY": "a key of tests",
            "GATEHOUSE_SETTING_SQUARESPACE_URL": f"http://127.0.0.1:{squarespace.server_address[1]}",
        }
        with bind({"intake": how["port"]})["intake"] as listener:
            process = subprocess.Popen(
                how["command"],
                env={**os.environ, **how["environment"], **own, "GATEHOUSE_LISTEN_FD": str(listener.fileno())},
                cwd=how["folder"],
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
            )
        try:
            until(lambda: _is_ready(facts), "intake, run here", seconds=60)
            yield facts
        finally:
            process.terminate()
            process.wait()
            squarespace.shutdown()
            runner.close()


def _is_ready(facts: Facts) -> bool:
    try:
        return httpx.get(f"{facts['services']['intake']}/health/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


class IntakeCoordinator:
    """The platform, as a coordinator."""

    def __init__(self, facts: Facts) -> None:
        self.intake = facts["services"]["intake"]
        self.http = httpx.Client(base_url=facts["url"], timeout=60)
        token = self.http.post("/api/identity/personas/coordinator/sessions").json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        made = self.http.post("/api/intake/doors/sheet_row/token")
        assert made.status_code == 201, made.text
        self.script = {"Authorization": f"Bearer {made.json()['token']}"}

    def sends(self, door: str, who: str) -> Callable[[int], httpx.Response]:
        """What delivers this person through a door, always the same; a form from another address each time."""
        address = f"{who}@example.org"
        if door == "squarespace_order":
            body = b'{"topic":"order.create","data":{"orderId":"%s"}}' % who.encode()
            signature = hmac.digest(bytes.fromhex(SECRET), body, "sha256").hex()
            headers = {"Squarespace-Signature": signature, "Content-Type": "application/json"}
            return lambda _: self._post("webhooks/squarespace", content=body, headers=headers)
        if door == "sheet_row":
            row = {"row_id": who, "name": NAME, "email": address}
            return lambda _: self._post("sheet-rows", json=row, headers=self.script)
        if door == "csv":
            file = {"content": base64.b64encode(f"name,email\n{NAME},{address}\n".encode()).decode()}
            return lambda _: self._post("imports", json=file, headers=dict(self.http.headers))
        opened = httpx.get(f"{self.intake}/api/intake/form", timeout=60).json()
        proof = solved(opened["puzzle"]["parameters"])
        time.sleep(READ_SECONDS)
        form = {"form": opened["form"], "proof": proof, "name": NAME, "email": address}
        return lambda number: self._post("sign-ups", json=form, headers={"X-Forwarded-For": f"203.0.113.{number}"})

    def _post(self, path: str, **options: Any) -> httpx.Response:
        return httpx.post(f"{self.intake}/api/intake/{path}", timeout=60, **options)

    def read(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.http.get(path, params={"limit": "200", **query})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found if isinstance(found, list) else found["items"]

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        return [one for one in self.read("/api/communication/mailbox") if one["recipient"] == address]


def deliver(sends: Callable[[int], httpx.Response], number: int, begin: threading.Barrier) -> int:
    begin.wait(timeout=60)
    while (answer := sends(number)).status_code in (429, 503):
        time.sleep(0.05)
    return answer.status_code


def delivered(ways: list[Callable[[int], httpx.Response]]) -> None:
    begin = threading.Barrier(len(ways))
    with ThreadPoolExecutor(len(ways)) as threads:
        answers = list(threads.map(lambda number: deliver(ways[number], number, begin), range(len(ways))))
    assert set(answers) <= {200, 202}, answers


def one_of_each(desk: IntakeCoordinator, who: str) -> list[dict[str, Any]]:
    """One person, one account, one mail. Returns the sign-ups."""
    address = f"{who}@example.org"

    def is_welcomed() -> bool:
        states = {one["state"] for one in desk.read("/api/intake/sign-ups", search=address)}
        return states <= {"welcomed", "duplicate"} and "welcomed" in states

    until(is_welcomed, f"the welcome of {address}", seconds=120)
    people = [one for one in desk.read("/api/person/people", search=NAME) if one["email"] == address]
    assert len(people) == 1
    assert len(desk.read("/api/identity/invitations", person=people[0]["id"])) == 1
    assert len(desk.mails_to(address)) == 1
    return desk.read("/api/intake/sign-ups", search=address)


@pytest.mark.parametrize("door", DOORS)
def test_fifty_identical_deliveries_are_one_person_one_account_and_one_mail(institute: Facts, door: str) -> None:
    desk, who = IntakeCoordinator(institute), f"{door[:5].strip('_')}-{uuid4().hex[:12]}"
    delivered([desk.sends(door, who)] * AT_ONCE)
    (sign_up,) = one_of_each(desk, who)
    assert (sign_up["state"], sign_up["source"], sign_up["name"]) == ("welcomed", door, NAME)


def test_through_all_doors_at_once_they_are_one_person_with_one_account_and_one_mail(institute: Facts) -> None:
    desk, who = IntakeCoordinator(institute), f"all-{uuid4().hex[:12]}"
    ways = [desk.sends(door, who) for door in DOORS]
    delivered([ways[number % len(ways)] for number in range(AT_ONCE)])
    found = one_of_each(desk, who)
    assert sorted(one["source"] for one in found) == sorted(DOORS)
    assert [one["state"] for one in found].count("welcomed") == 1
