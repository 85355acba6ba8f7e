"""SQL files that move data when a collection passes a version:
migrations/<collection>/<version>/NN_<what>.<kind>.sql.

They run once, ordered by version and number: expand, then backfill, then contract (after everything else, once
approved). A new collection has nothing to migrate.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from gatehouse_db_manager.config.documents import UnreadableError, digest, normalised
from gatehouse_db_manager.config.model import Migration
from gatehouse_db_manager.errors import Problem, nearest

Kind = Literal["expand", "backfill", "contract"]
_NAME = re.compile(r"(\d\d_[a-z0-9_]+)\.(expand|backfill|contract)\.sql\Z")
_VERSION = re.compile(r"(\d{1,5})\.(\d{1,5})\.(\d{1,5})\Z")
_UPDATE = re.compile(r"\s*update\s+([a-z_][a-z0-9_.]*)\s+set\s+(.*)\Z", re.IGNORECASE | re.DOTALL)
_PIECE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|[a-z_][a-z0-9_$]*|.", re.IGNORECASE | re.DOTALL)


def read_migrations(root: Path, folder: Path, known: Iterable[str], problems: list[Problem]) -> list[Migration]:
    """All files below migrations/, in the order they run."""
    found = []
    for file in sorted((folder / "migrations").rglob("*")):
        if file.is_dir():
            continue
        label = file.relative_to(root).as_posix()
        place = file.relative_to(folder / "migrations").parts
        name = _NAME.match(file.name)
        version = _VERSION.match(place[1]) if len(place) == 3 else None
        if not name or not version:
            fix = "Name it migrations/<collection>/1.2.0/01_what.backfill.sql (or .expand.sql, .contract.sql)."
            problems.append(Problem(file=label, message="is not a migration's file name.", fix=fix))
            continue
        if place[0] not in known:
            problems.append(Problem(file=label, message="belongs to no collection.", fix=nearest(place[0], known)))
            continue
        numbers = (int(version[1]), int(version[2]), int(version[3]))
        migration = _read(file, label, place[0], numbers, name, problems)
        if migration is not None:
            found.append(migration)
    return sorted(found, key=lambda one: (one.version, one.name, one.collection))


def _read(
    file: Path,
    label: str,
    collection: str,
    version: tuple[int, int, int],
    name: re.Match[str],
    problems: list[Problem],
) -> Migration | None:
    try:
        text = normalised(file, label)
    except UnreadableError as error:
        problems.append(error.problem)
        return None
    assignments, condition = "", "true"
    if name[2] == "backfill":
        parts = split_update(text)
        if parts is None or parts[0].rpartition(".")[2] != collection:
            fix = f"Write one: update {collection} set ... where ... Other statements belong into an .expand.sql."  # noqa: S608
            problems.append(Problem(file=label, message="is not one UPDATE of its collection.", fix=fix))
            return None
        _, assignments, condition = parts
    kind: Kind = name[2]  # ty: ignore[invalid-assignment]
    return Migration(
        collection=collection,
        version=version,
        name=f"{name[1]}.{name[2]}",
        kind=kind,
        file=label,
        digest=digest(text),
        sql=text,
        assignments=assignments,
        condition=condition,
    )


def split_update(sql: str) -> tuple[str, str, str] | None:
    """Table, assignments and condition of one UPDATE without FROM or RETURNING; None when it is something else."""
    pieces = [piece for piece in _PIECE.findall(sql) if not piece.startswith("--")]
    found = _UPDATE.match("".join(pieces).strip().rstrip(";"))
    if not found:
        return None
    depth, sides = 0, ([], [])
    side = 0
    for piece in _PIECE.findall(found[2]):
        depth += (piece == "(") - (piece == ")")
        word = piece.lower()
        if depth == 0 and (word in {"from", "returning"} or piece == ";"):
            return None
        if depth == 0 and word == "where":
            side += 1
            if side > 1:
                return None
            continue
        sides[side].append(piece)
    assignments, condition = ("".join(one).strip() for one in sides)
    return found[1], assignments, condition or "true"
