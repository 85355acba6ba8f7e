"""A checkout with as many services as are planned: the catalog's, and generated ones in place of those that don't stand
yet, so that a price is one of the whole. Each has a database, and joins the first group of a stack file that has room.
"""

import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gatehouse_catalog import load_catalog
from gatehouse_platform.config.stack_config import PROJECT, read_config
from gatehouse_platform.config.task_groups import MOST_TARGET_GROUPS

SERVICE = """\
name = "{name}"
domain = "planned"
summary = "A service that doesn't stand yet"
kind = "api"
path = "/api/{name}"
port = {port}

[database]
schema = "{name}"
[database.needs]
thing = "1.0.0"

[uses]
services = []
"""
FIRST_PORT = 8990


@contextmanager
def with_planned(root: Path, count: int) -> Generator[tuple[Path, list[str]]]:
    """A folder with the catalog of `root`, its stack files, and generated services up to `count`; and their names."""
    standing = len(load_catalog(root).names)
    names = [f"planned{number}" for number in range(1, count - standing + 1)]
    if not names:
        yield root, []
        return
    with TemporaryDirectory(prefix="gate-planned-") as folder:
        made = Path(folder)
        (made / "pyproject.toml").touch()
        shutil.copytree(root / "stacks", made / "stacks")
        for file in root.glob("services/*/service.toml"):
            (made / "services" / file.parent.name).mkdir(parents=True)
            shutil.copy(file, made / "services" / file.parent.name)
        for number, name in enumerate(names):
            (made / "services" / name).mkdir()
            text = SERVICE.format(name=name, port=FIRST_PORT + number)
            (made / "services" / name / "service.toml").write_text(text)
        yield made, names


def joined(root: Path, stack: str, names: list[str]) -> dict[str, Any]:
    """The stack's configuration with those services in its groups; who finds no room runs alone."""
    config, waiting = read_config(root, stack), list(names)
    groups: Mapping[str, Any] = config.get(f"{PROJECT}:groups") or {}
    filled = {}
    for group, choice in groups.items():
        room = MOST_TARGET_GROUPS - len(choice["services"])
        filled[group] = {**choice, "services": [*choice["services"], *waiting[:room]]}
        waiting = waiting[room:]
    return {**config, **({f"{PROJECT}:groups": filled} if filled else {})}
