"""Receipts: the trees for which `gate check` passed. The pre-push hook needs one; CI ignores them and checks again.

Keyed by git's tree hash, so a receipt is valid for exactly these files, in whatever commit. They are kept in git's own
folder, where work trees share them and cleaning the checkout doesn't remove them.
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from gatehouse_ci.affected.working_tree import WorkingTree

KEPT = 200


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What passed. `base` None: everything was checked, not only what differs from a revision."""

    tree: str
    at: datetime
    base: str | None
    checks: tuple[str, ...]
    tests: tuple[str, ...]


def write(checkout: WorkingTree, receipt: Receipt) -> Path:
    """Stores a receipt; one that covers everything isn't replaced by one that covers less."""
    there = find(checkout, receipt.tree)
    file = _file(checkout, receipt.tree)
    if there and there.base is None and receipt.base is not None:
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n")
    new.replace(file)
    _forget_old(file.parent)
    return file


def find(checkout: WorkingTree, tree: str) -> Receipt | None:
    """The receipt for a tree; None when there is none or it can't be read."""
    try:
        return msgspec.json.decode(_file(checkout, tree).read_bytes(), type=Receipt)
    except (OSError, msgspec.DecodeError):
        return None


def revoke(checkout: WorkingTree, tree: str) -> None:
    """Removes the receipt of a tree whose checks now fail: a test that fails sometimes proves nothing."""
    _file(checkout, tree).unlink(missing_ok=True)


def _file(checkout: WorkingTree, tree: str) -> Path:
    return checkout.common() / "gatehouse" / "receipts" / f"{tree}.json"


def _forget_old(folder: Path) -> None:
    def age(file: Path) -> float:
        try:
            return file.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    for file in sorted(folder.glob("*.json"), key=age)[:-KEPT]:
        file.unlink(missing_ok=True)
