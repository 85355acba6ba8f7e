"""The test data is what seeds.py makes, and worth looking at."""

from . import seeds
from .conftest import API, account


def test_the_files_are_what_the_program_makes():
    made = {f"{name}.json": seeds.written(of) for name, of in seeds.rows().items()}
    found = {file.name: file.read_text(encoding="utf-8") for file in seeds.FOLDER.glob("*.json")}
    assert found == made, "Fix: .venv/bin/python services/ledger/tests/seeds.py"


async def test_there_is_something_to_do(ledger, by):
    queue = (await ledger.get(f"{API}/queues/{account(1010)}", headers=by("finance"))).json()
    assert {one["kind"] for one in queue["suggestions"]} == {"one_to_one", "one_to_many"}
    assert [one["text"] for one in queue["others"]].count("PINE STREET COFFEE") == 2
    closing = await ledger.get(f"{API}/periods", headers=by("board"), params={"state": "closing"})
    (october,) = closing.json()["items"]
    path, version = f"{API}/periods/{october['id']}", f'"{october["version"]}"'
    assert (await ledger.post(f"{path}/close", headers=by("finance", if_match=version))).status_code == 403
    assert (await ledger.post(f"{path}/close", headers=by("board", if_match=version))).status_code == 200
