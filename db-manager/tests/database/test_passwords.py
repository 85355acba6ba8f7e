"""A password that lasts minutes (RDS: an IAM token lasts 15) is minted for each connection, and kept by nobody."""

import shlex
import sys

import pytest
from psycopg.conninfo import make_conninfo

from gatehouse_db_manager import NoDatabaseError, api
from gatehouse_db_manager.cli.http_server import Watcher
from gatehouse_db_manager.database.address import minting

# Gives the role a new password, which ends the one before, and prints it.
MINT = """
import sys, uuid, psycopg
token = uuid.uuid4().hex
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute(f"alter role {sys.argv[2]} password '{token}'")
print(token)
open(sys.argv[3], "a").write(token + chr(10))
"""


@pytest.fixture
def minted(database, tmp_path):
    """The address of somebody whose password changes, the command that gives it, and the file of those given."""
    role = f"minted_{database.url.rpartition('_')[2]}"
    database.run(f"create role {role} login superuser password 'none'")
    script, given = tmp_path / "mint.py", tmp_path / "given.txt"
    script.write_text(MINT)
    yield (
        make_conninfo(database.url, user=role, password=""),
        shlex.join([sys.executable, str(script), database.url, role, str(given)]),
        given,
    )
    database.run(f"reassign owned by {role} to current_user; drop owned by {role}; drop role {role}")


def test_a_token_is_minted_for_each_connection(checkout, database, minted, starter):
    url, command, given = minted
    checkout.collection()
    for word in ("plan", "apply", "status"):
        done = starter.start(word, checkout, url, "--password-command", command)
        assert done.wait() == 0, done.said
        assert not any(token in done.said for token in given.read_text().split())
    assert len(given.read_text().split()) == 3


def test_what_serves_for_long_mints_one_whenever_it_looks(checkout, database, minted):
    url, command, given = minted
    checkout.collection()
    database.apply(checkout)
    watcher = Watcher(minting(url, command), checkout.load(), max_age=0)
    for count in (1, 2):
        assert watcher.answer("/health").status == 200
        assert len(given.read_text().split()) == count


@pytest.mark.parametrize(
    ("command", "words"),
    [("false", "ended with 1: it printed nothing"), ("no-such-program", "can't be run: No such file")],
)
def test_a_command_that_gives_none_is_said(database, command, words):
    with pytest.raises(NoDatabaseError, match=words), api.connect(minting(database.url, command)):
        pass
