"""Orders of the institute's site at Squarespace: a notification only says which, so they are asked for.

Source: https://developers.squarespace.com/commerce-apis/retrieve-specific-order
"""

import httpx
import msgspec

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Conflict, Unavailable
from gatehouse_chassis.base.tls import trusted_authorities
from gatehouse_intake.door.structs import Order

PATIENCE = 5.0  # seconds


class Orders:
    def __init__(self, service: ServiceContext) -> None:
        """`secret`: empty where notifications can't be checked."""
        settings = service.settings
        self._url, self._key = settings.url("squarespace_url"), settings.text("squarespace_api_key")
        self.secret = _bytes(settings.text("squarespace_secret"))

    @property
    def is_ready(self) -> bool:
        return bool(self.secret and self._key)

    async def get(self, id: str) -> Order:
        """Raises Unavailable where it may work later, Conflict where somebody has to do something first."""
        if not self._key:
            raise Conflict("No key for Squarespace's orders is configured (squarespace_api_key).")
        headers = {"Authorization": f"Bearer {self._key}", "User-Agent": "Gatehouse"}
        try:
            async with httpx.AsyncClient(
                base_url=self._url, timeout=PATIENCE, trust_env=False, verify=trusted_authorities()
            ) as http:
                answer = await http.get(f"/1.0/commerce/orders/{id}", headers=headers)
        except httpx.HTTPError:
            raise Unavailable("Squarespace doesn't answer.") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unavailable(f"Squarespace answers {answer.status_code}.")
        if answer.status_code != 200:
            raise Conflict(f"Squarespace answers {answer.status_code} to a question about this order.")
        try:
            return msgspec.json.decode(answer.content, type=Order)
        except msgspec.MsgspecError:
            raise Conflict("Squarespace answers something else than an order.") from None


def _bytes(secret: str) -> bytes:
    """What a secret was made up for until Squarespace's own is known checks nothing: then the door isn't set up."""
    try:
        return bytes.fromhex(secret)
    except ValueError:
        return b""
