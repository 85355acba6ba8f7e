"""A notice reaches a chat by its webhook; the webhook's secret reaches nobody."""

import json
import threading
from collections.abc import Generator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from gatehouse_release.adapters import webhook
from gatehouse_release.notices import Notice
from gatehouse_release.ports import NotConfigured, PortFailed

NOTICE = Notice(
    record="01KXYZ0000ABCDEFGHJKMNPQRS",
    kind="hold",
    title="person is held in Test",
    about="loses mail",
    by="sunita",
    at=datetime(2026, 11, 30, tzinfo=UTC),
)


class Chat(BaseHTTPRequestHandler):
    said: ClassVar[list[str]] = []
    status = 200

    def do_POST(self) -> None:
        self.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def chat() -> Generator[str]:
    Chat.said, Chat.status = [], 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/services/secret"
    server.shutdown()
    server.server_close()


def test_a_notice_is_posted_with_its_link(chat: str):
    webhook.connect({webhook.WEBHOOK: chat, webhook.PORTAL: "https://portal.example"}).tell(NOTICE)
    link = "https://portal.example/releases/records/ABCDEFGHJKMNPQRS"
    assert Chat.said == [f"person is held in Test: loses mail\n{link}"]


def test_a_chat_that_refuses_is_told_without_its_secret(chat: str):
    Chat.status = 404
    with pytest.raises(PortFailed, match=r"127\.0\.0\.1 answers 404") as raised:
        webhook.connect({webhook.WEBHOOK: chat}).tell(NOTICE)
    assert "secret" not in str(raised.value)
    with pytest.raises(PortFailed, match="doesn't answer"):
        webhook.connect({webhook.WEBHOOK: "http://127.0.0.1:9/services/secret"}).tell(NOTICE)


def test_without_an_address_nobody_is_told_and_a_wrong_one_is_refused():
    webhook.connect({}).tell(NOTICE)
    with pytest.raises(NotConfigured, match=webhook.WEBHOOK):
        webhook.connect({webhook.WEBHOOK: "chat"})
