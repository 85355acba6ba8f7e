"""A browser shows that it has worked for a form: the puzzle that the ALTCHA widget (MIT, altcha.org) solves by itself.

The puzzle comes from the form's token alone, so a solution is good for that form only, and nothing has to be kept.
Without a script a form is taken as well, once it was open for longer, and few of those within a minute: whoever sends
a thousand forms works for each, or waits.
"""

import base64
import hashlib
import hmac
from datetime import timedelta

import msgspec

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.problems import Invalid

ALGORITHM, KEY_LENGTH = "PBKDF2/SHA-256", 32
KEY_PREFIX = "00"
"""What the key begins with, in hexadecimal: one of 256 counters has it."""
LONGEST = 4_000
MOST_COUNTED = 2**32
UNPROVEN_AFTER = timedelta(seconds=30)
UNPROVEN = "needs a moment longer without a script: wait half a minute, then send it again"
WRONG = "couldn’t be checked; send it again"


class PuzzleParameters(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """As the widget reads them (protocol 2). `cost`: rounds of PBKDF2 for each counter."""

    algorithm: str
    nonce: str
    salt: str
    cost: int
    key_length: int
    key_prefix: str


class Puzzle(msgspec.Struct, frozen=True, kw_only=True):
    parameters: PuzzleParameters


class _Solution(msgspec.Struct, frozen=True):
    counter: int


class _Payload(msgspec.Struct, frozen=True):
    solution: _Solution


class FormProofs:
    """Sets puzzles and checks solutions. `cost`: rounds for each counter; a browser tries some 256 of them."""

    def __init__(self, secret: str, cost: int) -> None:
        self._key, self._cost = secret.split(maxsplit=1)[0].encode(), cost

    def puzzle(self, token: str) -> Puzzle:
        nonce, salt = self._numbers(token)
        return Puzzle(
            parameters=PuzzleParameters(
                algorithm=ALGORITHM,
                nonce=nonce.hex(),
                salt=salt.hex(),
                cost=self._cost,
                key_length=KEY_LENGTH,
                key_prefix=KEY_PREFIX,
            )
        )

    def refuse_wrong(self, token: str, proof: str) -> None:
        """Raises Invalid for what is no solution of this form's puzzle."""
        try:
            counter = msgspec.json.decode(base64.b64decode(proof, validate=True), type=_Payload).solution.counter
        except (ValueError, msgspec.MsgspecError):
            raise Invalid({"form": WRONG}) from None
        if not 0 <= counter < MOST_COUNTED or not self.fits(token, counter):
            raise Invalid({"form": WRONG})

    def fits(self, token: str, counter: int) -> bool:
        nonce, salt = self._numbers(token)
        found = hashlib.pbkdf2_hmac("sha256", nonce + counter.to_bytes(4, "big"), salt, self._cost, KEY_LENGTH)
        return found.hex().startswith(KEY_PREFIX)

    def _numbers(self, token: str) -> tuple[bytes, bytes]:
        made = hmac.digest(self._key, b"puzzle\x00" + token.encode(), "sha256")
        return made[:16], made[16:]


def form_proofs(service: ServiceContext) -> FormProofs:
    return FormProofs(service.settings.text("form_secret") or "-", service.settings.integer("form_proof_cost"))
