"""The statements of a service's role that take the most of the database's time, as pg_stat_statements counts them.

In their text, values are $1, $2, ...: nothing that was stored or asked for is in it. Each role may read the text of its
own statements only. Where the server doesn't load the extension, nothing is reported.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

MOST = 10  # statements of a service: a bound on its time series
LONGEST = 160  # characters of one that are shown
SECONDS_BETWEEN = 15.0  # looks: the server scans all statements of all roles, which takes milliseconds

WHERE = """
    select quote_ident(n.nspname) || '.pg_stat_statements'
    from pg_extension x join pg_namespace n on n.oid = x.extnamespace where x.extname = 'pg_stat_statements'
        and current_setting('pg_stat_statements.max', true) is not null
"""


def statements_sql(view: str) -> str:
    """The query for the statements; `view` is what WHERE answers."""
    return f"""
    select left(btrim(regexp_replace(query, '[[:space:]]+', ' ', 'g')), {LONGEST}) as statement,
        sum(calls)::float8 as calls, (sum(total_exec_time) / 1000)::float8 as seconds
    from {view}
    where userid = (select oid from pg_roles where rolname = current_user)
        and dbid = (select oid from pg_database where datname = current_database())
    group by 1 order by 3 desc limit {MOST}
"""  # noqa: S608 - the name of a view, quoted by PostgreSQL


class StatementTime(msgspec.Struct, frozen=True, kw_only=True):
    """One statement: how often it ran, and for how long in all, since the server began to count."""

    statement: str
    calls: float
    seconds: float


class StatementsCollector(Collector):
    def __init__(self, service: str, look: Callable[[], Sequence[StatementTime]]) -> None:
        self._service = service
        self._look = look

    def collect(self) -> Iterable[Metric]:
        labels = ["service", "statement"]
        calls = CounterMetricFamily(
            "gatehouse_db_statement_calls", "Runs of the statements that take the most time", labels=labels
        )
        seconds = CounterMetricFamily(
            "gatehouse_db_statement_seconds", "Time in the database of those that take the most of it", labels=labels
        )
        for one in self._look():
            calls.add_metric([self._service, one.statement], one.calls)
            seconds.add_metric([self._service, one.statement], one.seconds)
        yield calls
        yield seconds
