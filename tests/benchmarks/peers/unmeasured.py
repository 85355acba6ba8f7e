"""A service without its metrics: what they cost is the difference. No service can be told to be so; it is put together
here, with modules in the places of the chassis's own that count nothing.
"""

import sys
from types import ModuleType
from typing import Any

import msgspec


class Nothing:
    """Takes whatever is done with it."""

    def __getattr__(self, _name: str) -> Any:
        return self._nothing

    def _nothing(self, *_words: Any, **_named: Any) -> None: ...


class Traffic:
    in_flight = 0

    def answered(self, *_words: Any) -> None: ...


class Metrics(Nothing):
    def __init__(self, service: Any) -> None:
        self.traffic = Traffic()

    def render(self, _accept: str = "") -> tuple[bytes, str]:
        return b"", "text/plain"


class PgSessions(msgspec.Struct):
    nothing: int


STAND_INS: dict[str, dict[str, Any]] = {
    "gatehouse_chassis.metrics.registry": {"Metrics": Metrics},
    "gatehouse_chassis.metrics.traffic": {"UNMATCHED": "unmatched"},
    "gatehouse_chassis.metrics.pg_sessions": {"SESSIONS": "select 0 as nothing", "PgSessions": PgSessions},
}


def main(name: str) -> None:
    for module, content in STAND_INS.items():
        sys.modules[module] = ModuleType(module)
        vars(sys.modules[module]).update(content)
    from gatehouse_chassis import serve  # after the stand-ins are in their places

    assert "prometheus_client" not in sys.modules, "something else imports prometheus_client: its memory isn't compared"
    serve.main(name)


if __name__ == "__main__":
    main(sys.argv[1])
