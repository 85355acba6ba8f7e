"""Tells a chat of what happens to releases: one POST for each notice, as Slack, Mattermost and Zulip take it.

GATEHOUSE_RELEASE_WEBHOOK is the address that the chat gave; without it nobody is told this way. Its path is a secret:
no message shows more than its host. GATEHOUSE_PORTAL is where the links lead.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from gatehouse_release.notices import Notice, in_text
from gatehouse_release.ports import NotConfigured, Notices, PortFailed

WEBHOOK, PORTAL = "GATEHOUSE_RELEASE_WEBHOOK", "GATEHOUSE_PORTAL"
SECONDS = 5.0


class Webhook:
    def __init__(self, address: str, portal: str = "") -> None:
        self._address, self._portal = address, portal

    def tell(self, notice: Notice) -> None:
        import httpx  # noqa: PLC0415 - 60 ms that who tells nobody doesn't need

        host = urlsplit(self._address).hostname
        try:
            answer = httpx.post(self._address, json={"text": "\n".join(in_text(notice, self._portal))}, timeout=SECONDS)
        except httpx.HTTPError as error:
            raise PortFailed(
                f"the webhook at {host} doesn't answer ({type(error).__name__}). Fix: check {WEBHOOK}"
            ) from None
        if not answer.is_success:
            raise PortFailed(f"the webhook at {host} answers {answer.status_code}. Fix: check {WEBHOOK}")


class Nobody:
    def tell(self, notice: Notice) -> None:
        """No chat is configured: the notice can be read in the portal alone."""


def connect(environ: Mapping[str, str]) -> Notices:
    """Raises NotConfigured for an address that is none."""
    address = environ.get(WEBHOOK, "")
    if not address:
        return Nobody()
    if urlsplit(address).scheme not in ("https", "http") or not urlsplit(address).hostname:
        raise NotConfigured(f"{WEBHOOK} is no address.", "Fix: set it to the https address that the chat gave.")
    return Webhook(address, environ.get(PORTAL, ""))
