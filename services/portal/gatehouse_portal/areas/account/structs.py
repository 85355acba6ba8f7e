"""What identity answers, as far as signing in needs it. Fields that aren't named here are skipped."""

from msgspec import Struct


class Persona(Struct, frozen=True):
    key: str
    name: str
    title: str
    roles: list[str]


class SignInOptions(Struct, frozen=True):
    """`provider`: the name on the button, or None when none is configured. `github`: also with GitHub."""

    provider: str | None = None
    github: bool = False
    personas: bool = False
