"""Whether a service's log reaches back to a backup: what it doesn't tell can't be done again."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatehouse_catalog import find_root
from gatehouse_local.backups import made_at, new_name
from gatehouse_local.recovery import forgotten, recovering
from gatehouse_local.runner.logs import previous

ROOT = find_root(Path(__file__).parent)
BACKUP = datetime(2026, 11, 30, 12, tzinfo=UTC)


def write(log: Path, at: datetime) -> None:
    line = json.dumps({"event": "audit", "timestamp": at.isoformat().replace("+00:00", "Z")})
    log.write_text(f"starting\n{line}\n")


def test_a_log_that_was_cut_after_the_backup_has_forgotten_what_came_between(tmp_path: Path):
    assert recovering(ROOT) == ["identity"]
    log = tmp_path / "identity.log"
    assert forgotten(ROOT, tmp_path, BACKUP) == [], "no log: nothing was decided here"
    write(log, BACKUP + timedelta(days=1))
    assert forgotten(ROOT, tmp_path, BACKUP) == [], "it is whole: nothing was cut off before it"
    write(previous(log), BACKUP - timedelta(minutes=1))
    assert forgotten(ROOT, tmp_path, BACKUP) == []
    write(previous(log), BACKUP + timedelta(minutes=1))
    assert forgotten(ROOT, tmp_path, BACKUP) == ["identity"]


def test_a_backup_is_as_old_as_its_name_says_though_it_was_copied(tmp_path: Path):
    file = tmp_path / new_name(tmp_path, BACKUP).name
    file.touch()
    assert made_at(file) == BACKUP
    other = tmp_path / "before-the-exam.dump"
    other.touch()
    os.utime(other, (BACKUP.timestamp(), BACKUP.timestamp()))
    assert made_at(other) == BACKUP
