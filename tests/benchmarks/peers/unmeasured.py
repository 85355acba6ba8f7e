"""A service without its metrics: what they cost is the difference. No service can be told to be so; it is put together
here, on a prometheus_client that does nothing, with traffic that isn't counted and no looks at PostgreSQL's statistics.
"""

import sys
from types import ModuleType
from typing import Any

import msgspec

CLIENT = ("", ".core", ".registry", ".exposition", ".utils", ".openmetrics", ".openmetrics.exposition")


class Nothing:
    """Takes whatever is done with it, and counts nothing."""

    in_flight = shed = 0

    def __init__(self, *_words: Any, **_named: Any) -> None: ...

    def __getattr__(self, _name: str) -> Any:
        return self

    def __call__(self, *_words: Any, **_named: Any) -> Any:
        return self


class NothingModule(ModuleType):
    """Whatever is imported from it is a class that does nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class NoSessions(msgspec.Struct):
    nothing: int


def main(name: str) -> None:
    for part in CLIENT:
        sys.modules[f"prometheus_client{part}"] = NothingModule(f"prometheus_client{part}")
    # Before anything else takes them from there by name.
    from gatehouse_chassis.metrics import pg_sessions, pg_statements, traffic

    vars(traffic)["Traffic"] = Nothing
    vars(pg_sessions).update(SESSIONS="select 0 as nothing", PgSessions=NoSessions)
    vars(pg_statements).update(WHERE="select null::text where false")
    from gatehouse_chassis import serve

    assert isinstance(sys.modules["prometheus_client"], NothingModule), "the real one is loaded, and so is its memory"
    serve.main(name)


if __name__ == "__main__":
    main(sys.argv[1])
