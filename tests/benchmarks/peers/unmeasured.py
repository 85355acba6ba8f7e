"""A service without its metrics: what they cost is the difference. No service can be told to be so; it is put together
here, with a module in the place of the chassis's own that counts nothing.
"""

import sys
from types import ModuleType
from typing import Any

METRICS = "gatehouse_chassis.metrics"


class Nothing:
    """Takes what Metrics takes."""

    def inc(self) -> None: ...

    def dec(self) -> None: ...


class Metrics:
    def __init__(self, service: Any) -> None:
        self.in_flight = Nothing()

    def observe(self, *_figures: Any) -> None: ...

    def count_call(self, *_call: Any) -> None: ...

    def watch_pool(self, *_pool: Any) -> None: ...

    def saw_database(self, *_versions: Any, **_unmet: Any) -> None: ...

    def render(self, _accept: str = "") -> tuple[bytes, str]:
        return b"", "text/plain"


def main(name: str) -> None:
    stand_in = ModuleType(METRICS)
    vars(stand_in).update(Metrics=Metrics, UNMATCHED="unmatched")
    sys.modules[METRICS] = stand_in
    from gatehouse_chassis.serve import main as serve  # after the stand-in is in its place

    assert "prometheus_client" not in sys.modules, "something else imports prometheus_client: its memory isn't compared"
    serve(name)


if __name__ == "__main__":
    main(sys.argv[1])
