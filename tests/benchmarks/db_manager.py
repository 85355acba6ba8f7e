"""`gate bench db-manager`: its figures of docs/figures.md on three million rows, beside Alembic, yoyo-migrations and
SQL written by hand, in one run. `--quick` takes 150,000 rows and a short reader, for a first look.
"""

import argparse
import contextlib
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from harness import Figure, console, root, show, timed

from gatehouse_db_manager import Configuration, apply, load, plan
from gatehouse_local.testing.pytest_plugin import Postgres
from gatehouse_local.testing.shared_process import shared

STARTER = root() / "db-manager" / "tests" / "starter.py"
LOCK_TIMEOUT = 0.1  # seconds; executor.LOCK_TIMEOUT
STARTERS = 50
COLLECTIONS = 30
BATCHES = (2_000, 10_000, 50_000)
OURS = 0
COLUMNS = {"id": {"type": "identity", "primary": True}, "name": {"type": "word", "required": True}}
PLAIN = {"email": {"type": "text"}, "low": {"type": "text"}}


class Checkout:
    """A folder with services/person/database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(root() / "db-manager" / "types", folder / "db-manager" / "types")
        self.write("schema.yaml", json.dumps({"schema": "person", "description": "People"}))

    def write(self, path: str, text: str) -> None:
        file = self.folder / "services" / "person" / "database" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def collection(self, name: str = "person", version: str = "1.0.0.0", columns: Any = None, **more: Any) -> None:
        wanted = {"columns": COLUMNS | (PLAIN if columns is None else columns), "description": name, **more}
        self.write(f"collections/{name}.yaml", json.dumps({"collection": name, "version": version, **wanted}))

    def load(self) -> Configuration:
        return load(self.folder)


class Bench:
    def __init__(self, postgres: Postgres, scratch: Path, rows: int, reader: float) -> None:
        self.postgres, self.scratch, self.rows, self.reader = postgres, scratch, rows, reader
        self.figures: list[Figure] = []

    def add(self, what: str, value: str, reach: str = "", good: bool | None = None) -> None:
        self.figures.append(Figure(what, value, reach, good))
        console.print(f"  {what}: {value}")

    @contextlib.contextmanager
    def database(self) -> Generator[str]:
        url = self.postgres.create_database()
        try:
            yield url
        finally:
            self.postgres.drop_database(url)


# Stalls


@contextlib.contextmanager
def probe(url: str, statement: str) -> Generator[list[float]]:
    """Runs a statement again and again; the list has the seconds of the worst in its only place."""
    worst, begun, stop = [0.0], threading.Event(), threading.Event()

    def ask() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())
            begun.set()
            while not stop.is_set():
                worst[0] = max(worst[0], timed(lambda: connection.execute(statement.encode())))
                stop.wait(0.002)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        begun.wait(10)
        yield worst
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def report_running(url: str, seconds: float) -> Generator[None]:
    """A transaction that has read the table and stays open for so long."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("begin")
        connection.execute("select name from person.person limit 1")
        timer = threading.Timer(seconds, lambda: connection.execute("commit"))
        timer.start()
        try:
            yield
        finally:
            timer.join()


def by_hand(url: str, statement: str, lock_timeout: str = "0") -> None:
    """The statement alone; with a lock timeout, again until it comes through."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"set lock_timeout = '{lock_timeout}'".encode())
        while True:
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                connection.execute(statement.encode())
                return


ENVIRONMENT = """
from alembic import context
from sqlalchemy import create_engine

with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
from alembic import op

revision, down_revision = {this!r}, {before!r}

def upgrade():
    op.execute({statement!r})
"""


class Alembic:
    """A folder of revisions, one after another, as `alembic upgrade head` runs them."""

    def __init__(self, folder: Path) -> None:
        self._command = importlib.import_module("alembic.command")
        self._config = importlib.import_module("alembic.config").Config
        self._folder, self._count = folder, 0
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENVIRONMENT)

    def change(self, url: str, statement: str) -> None:
        before, self._count = self._count, self._count + 1
        named = {"this": str(self._count), "before": str(before) if before else None}
        file = self._folder / "versions" / f"{self._count}.py"
        file.write_text(REVISION.format(statement=statement, **named))
        self.upgrade(url)

    def upgrade(self, url: str) -> None:
        config = self._config()
        config.set_main_option("script_location", str(self._folder))
        config.set_main_option("sqlalchemy.url", url.replace("postgresql:", "postgresql+psycopg:").replace("%", "%%"))
        self._command.upgrade(config, "head")


class Yoyo:
    """A folder of SQL files, as `yoyo apply` runs them."""

    def __init__(self, folder: Path) -> None:
        self._yoyo = importlib.import_module("yoyo")
        self._folder, self._count = folder, 0
        folder.mkdir(parents=True)

    def change(self, url: str, statement: str) -> None:
        self._count += 1
        (self._folder / f"{self._count:04}.sql").write_text(statement)
        self.upgrade(url)

    def upgrade(self, url: str) -> None:
        backend = self._yoyo.get_backend(url.replace("postgresql:", "postgresql+psycopg:"))
        migrations = self._yoyo.read_migrations(str(self._folder))
        with backend.lock():
            backend.apply_migrations(backend.to_apply(migrations))
        backend._connection.close()


def peers(scratch: Path) -> dict[str, Alembic | Yoyo]:
    """Those that are installed (`uv sync --group bench`)."""
    found: dict[str, Alembic | Yoyo] = {}
    for name, tool in (("Alembic", Alembic), ("yoyo-migrations", Yoyo)):
        try:
            found[name] = tool(Path(tempfile.mkdtemp(dir=scratch)) / "migrations")
        except ImportError:
            console.print(f"  {name} isn't installed; going on without")
    return found


def fill(url: str, rows: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            f"insert into person.person (id, name, email) select lpad(to_hex(n), 32, '0')::uuid, 'Person ' || n, "
            f"n || '@example.org' from generate_series(1, {rows}) n".encode()
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze person.person")
        connection.execute("checkpoint")


def stalls(bench: Bench, url: str, checkout: Checkout, tools: dict[str, Alembic | Yoyo]) -> None:
    """The same change by each: add a column while a report reads the table; how long did another SELECT wait?"""
    console.print(
        f"A column comes while a report of {bench.reader:g} s reads {bench.rows:,} rows: the worst SELECT waits"
    )

    def ours() -> None:
        checkout.collection(version="1.0.1.0", columns=PLAIN | {"nick": {"type": "text"}})
        apply(url, checkout.load())

    add = "alter table person.person add column {} text"
    contestants: dict[str, Callable[[], None]] = {
        "db-manager": ours,
        "no lock timeout": lambda: by_hand(url, add.format("hand_0")),
        "lock timeout of 1 s": lambda: by_hand(url, add.format("hand_1"), "1s"),
    }
    for number, (name, tool) in enumerate(tools.items()):
        contestants[name] = lambda tool=tool, number=number: tool.change(url, add.format(f"peer_{number}"))
    worst = {}
    for name, change in contestants.items():
        with report_running(url, bench.reader), probe(url, "select name from person.person limit 1") as waited:
            change()
        worst[name] = waited[0]
        reach = (
            (f"<= {1.2 * LOCK_TIMEOUT * 1000:.0f} ms", waited[0] <= 1.2 * LOCK_TIMEOUT) if name == "db-manager" else ()
        )
        ratio = f" ({waited[0] / worst['db-manager']:.0f} x db-manager)" if name != "db-manager" else ""
        bench.add(f"worst SELECT stall, {name}", f"{waited[0] * 1000:,.0f} ms{ratio}", *reach)


def builds(bench: Bench, url: str, checkout: Checkout, tools: dict[str, Alembic | Yoyo]) -> None:
    """An index on all rows, and a check of all rows: how long did an INSERT wait?"""
    console.print("An index, then a check, on all rows: the worst INSERT waits")
    columns = PLAIN | {"nick": {"type": "text"}}
    insert = "insert into person.person (name) values ('New')"

    def ours(version: str, **more: Any) -> None:
        checkout.collection(version=version, columns=columns, **more)
        apply(url, checkout.load())

    index = {"indexes": {"by_email": {"columns": ["email"]}}}
    rule = {"checks": {"short": "char_length(email) < 99"}}
    changes: list[tuple[str, Callable[[], None], str]] = [
        ("index", lambda: ours("1.0.2.0", **index), "create index {0} on person.person (email)"),
        (
            "check",
            lambda: ours("1.1.0.0", **index, **rule),
            "alter table person.person add constraint {0} check (char_length(email) < 99)",
        ),
    ]
    for what, change, statement in changes:
        contestants: dict[str, Callable[[], None]] = {"db-manager": change}
        for number, (name, tool) in enumerate(tools.items()):
            wanted = statement.format(f"{what}_{number}")
            contestants[name] = lambda tool=tool, wanted=wanted: tool.change(url, wanted)
        first = 0.0
        for name, action in contestants.items():
            with probe(url, insert) as waited:
                seconds = timed(action)
            first = first or waited[0]
            ratio = f", {waited[0] / first:.0f} x" if name != "db-manager" else ""
            bench.add(f"worst INSERT stall, {what}, {name}", f"{waited[0] * 1000:,.0f} ms of {seconds:.1f} s{ratio}")


# Nothing to do


def nothing_to_do(bench: Bench) -> None:
    console.print(f"Nothing to do, {COLLECTIONS} collections")
    checkout = Checkout(Path(tempfile.mkdtemp(dir=bench.scratch)) / "checkout")
    for number in range(COLLECTIONS):
        checkout.collection(f"thing_{number:02}")
    with bench.database() as url:
        configuration = checkout.load()
        apply(url, configuration)

        def bare() -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("select pg_try_advisory_lock(1)")
                connection.execute("select * from dbm.version").fetchall()

        contestants: dict[str, Callable[[], object]] = {"bare": bare, "ours": lambda: apply(url, configuration)}
        for name, tool in peers(bench.scratch).items():
            tool.change(url, "set client_min_messages = notice")
            contestants[name] = lambda tool=tool: tool.upgrade(url)
        taken: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(21):
            for name, action in contestants.items():
                taken[name].append(timed(action))
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    times = statistics.median(one / other for one, other in zip(taken["ours"], taken["bare"], strict=True))
    value = f"{times:.1f} x ({middle['ours'] * 1000:.1f} ms, {middle['bare'] * 1000:.1f} ms)"
    bench.add("no-op apply, to connect + lock + read", value, "<= 4 x", times <= 4)
    for name in contestants.keys() - {"bare", "ours"}:
        bench.add(f"no-op upgrade, {name}", f"{middle[name] / middle['bare']:.1f} x ({middle[name] * 1000:.1f} ms)")


# Backfill


def loop(url: str, column: str, size: int) -> None:
    """What a careful person writes: batches by key, each in its own transaction."""
    statement = f"""with batch as (
        select id from person.person where id > %s order by id limit {size}
    ), done as (
        update person.person p set {column} = lower(p.name) from batch where p.id = batch.id
    ) select max(id::text)::uuid from batch"""
    last: Any = "00000000-0000-0000-0000-000000000000"
    with psycopg.connect(url, autocommit=True) as connection:
        while last is not None:
            ((last,),) = connection.execute(statement.encode(), [last]).fetchall()


def backfill(bench: Bench) -> None:
    rows = min(bench.rows, 1_000_000)
    console.print(f"A backfill of {rows:,} rows")
    checkout = Checkout(Path(tempfile.mkdtemp(dir=bench.scratch)) / "checkout")
    checkout.collection()
    statement = "update person.person set low = lower(name) where low is null"
    speed: dict[int, float] = dict.fromkeys((*BATCHES, OURS), 0.0)
    with bench.database() as template:
        apply(template, checkout.load())
        fill(template, rows)
        checkout.collection(version="1.1.0.0")
        checkout.write("migrations/person/1.1.0/01_low.backfill.sql", statement)
        for size in (*BATCHES, OURS) * 2:  # in turns, the better of two
            url = bench.postgres.create_database(template)
            action = (lambda url=url: apply(url, checkout.load())) if size == OURS else partial(loop, url, "low", size)
            speed[size] = max(speed[size], rows / timed(action))
            bench.postgres.drop_database(url)
    ours = speed.pop(OURS)
    size, best = max(speed.items(), key=lambda item: item[1])
    value = f"{ours / best:.2f} x ({ours:,.0f} rows/s; by hand {best:,.0f}, batches of {size:,})"
    bench.add("keyset backfill, to the best loop by hand", value, ">= 1 x", ours >= best)


# Starters, and deaths


def starters(bench: Bench) -> None:
    console.print(f"{STARTERS} starters on an empty database")
    checkout = Checkout(Path(tempfile.mkdtemp(dir=bench.scratch)) / "checkout")
    for number in range(10):
        checkout.collection(f"thing_{number}")
    with (
        bench.database() as url,
        subprocess.Popen(
            [sys.executable, STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):

        def ask(question: dict[str, Any]) -> int:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        words = ["apply", "--root", str(checkout.folder), "--url", url]
        ask({"wait": ask({"words": ["check", "--root", str(checkout.folder)], "output": os.devnull})})
        started = time.perf_counter()
        running = [ask({"words": words, "output": os.devnull}) for _ in range(STARTERS)]
        codes = [ask({"wait": one}) for one in running]
        seconds = time.perf_counter() - started
        assert process.stdin
        process.stdin.close()
        with psycopg.connect(url) as connection:
            query = (
                "select count(*), count(distinct (run, what)), count(distinct what) from dbm.step where state = 'done'"
            )
            counts = connection.execute(query).fetchone()
        good = not any(codes) and len(set(counts or ())) == 1 and plan(url, checkout.load()).empty
    value = f"{codes.count(0)} exit 0, {counts[0] if counts else 0} steps, each once, {seconds:.1f} s"
    bench.add(f"{STARTERS} starters at once", value, "each step exactly once, all exit 0", good)


def deaths(bench: Bench) -> None:
    console.print("Killed at every write, and inside what takes long")
    test = root() / "db-manager" / "tests" / "execution" / "test_kill.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", str(test)],
        cwd=root(),
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "no tests"
    bench.add("kill -9 and terminate, then rerun", last, "the same catalog fingerprint", done.returncode == 0)


PARTS: dict[str, Callable[[Bench], None]] = {
    "nothing": nothing_to_do,
    "backfill": backfill,
    "starters": starters,
    "deaths": deaths,
}


def changes(bench: Bench) -> None:
    checkout = Checkout(bench.scratch / "checkout")
    checkout.collection()
    with bench.database() as url:
        apply(url, checkout.load())
        seconds = timed(lambda: fill(url, bench.rows))
        console.print(f"{bench.rows:,} rows in {seconds:.0f} s")
        tools = peers(bench.scratch)
        stalls(bench, url, checkout, tools)
        builds(bench, url, checkout, tools)


def main() -> None:
    parser = argparse.ArgumentParser(prog="gate bench db-manager")
    parser.add_argument("--quick", action="store_true", help="fewer rows, a shorter reader")
    parser.add_argument("--only", default=",".join(("changes", *PARTS)), help="parts, with commas between")
    given = parser.parse_args()
    rows, reader = (150_000, 2.0) if given.quick else (3_000_000, 6.0)
    wanted = given.only.split(",")
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        with shared(scratch / "servers", "postgres") as facts:
            bench = Bench(Postgres(facts["url"], scratch / "servers"), scratch, rows, reader)
            for name, part in ({"changes": changes} | PARTS).items():
                if name in wanted:
                    part(bench)
    show(f"db-manager: where we stand ({rows:,} rows)", bench.figures)


if __name__ == "__main__":
    main()
