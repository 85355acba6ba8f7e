"""Where private keys of people are: outside the database, so that destroying one reaches its backups too.

A store keeps one small object for each key, by its id, and no versions of it. Locally and in compose it is a folder; in
AWS a bucket without versions (key_bucket.py).
"""

import asyncio
import os
from pathlib import Path
from typing import Protocol
from uuid import UUID


class KeyStore(Protocol):
    """Raises Unavailable when it can't be reached."""

    async def put(self, id: UUID, key: bytes) -> None: ...

    async def get(self, id: UUID) -> bytes | None:
        """None: it was removed, or never there."""
        ...

    async def remove(self, id: UUID) -> None:
        """For good; nothing happens where it is gone already."""
        ...


class KeyFolder:
    """A file for each key, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, id: UUID, key: bytes) -> None:
        await asyncio.to_thread(self._write, id, key)

    def _write(self, id: UUID, key: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._file(id), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(key)
            opened.flush()
            os.fsync(opened.fileno())

    async def get(self, id: UUID) -> bytes | None:
        try:
            return await asyncio.to_thread(self._file(id).read_bytes)
        except FileNotFoundError:
            return None

    async def remove(self, id: UUID) -> None:
        await asyncio.to_thread(self._file(id).unlink, missing_ok=True)

    def _file(self, id: UUID) -> Path:
        return self.folder / str(id)
