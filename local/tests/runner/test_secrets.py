"""Secrets are made once, kept for the owner only, and the same for everyone who asks."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatehouse_local.runner.secrets import Secrets, SecretsError


def test_a_secret_is_made_once_and_kept(tmp_path: Path):
    first = Secrets(tmp_path).get("person", "mail_signing_key")
    assert len(first) >= 40
    assert Secrets(tmp_path).get("person", "mail_signing_key") == first
    assert Secrets(tmp_path).get("person", "another") != first


def test_only_the_owner_may_read_them(tmp_path: Path):
    Secrets(tmp_path).get("person", "key")
    assert stat.S_IMODE((tmp_path / "secrets.toml").stat().st_mode) == 0o600


def test_a_secret_written_by_hand_is_used(tmp_path: Path):
    (tmp_path / "secrets.toml").write_text('[person]\nmail = "by-hand"\n')
    assert Secrets(tmp_path).get("person", "mail") == "by-hand"
    assert Secrets(tmp_path).get("person", "other")
    assert Secrets(tmp_path).get("person", "mail") == "by-hand"


def test_many_who_ask_at_once_get_the_same(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(lambda _: Secrets(tmp_path).role_password("person_service"), range(40)))
    assert len(given) == 1


@pytest.mark.parametrize("text", ["[person\n", "person = 1\n", "[person]\nkey = 1\n"])
def test_a_broken_file_is_named_and_left_alone(tmp_path: Path, text: str):
    (tmp_path / "secrets.toml").write_text(text)
    with pytest.raises(SecretsError, match=r"secrets\.toml"):
        Secrets(tmp_path).get("person", "key")
    assert (tmp_path / "secrets.toml").read_text() == text
