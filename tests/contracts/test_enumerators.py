"""An enumerator's YAML is the one list of its values: code, filters, forms, labels and OpenAPI follow from it."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from gatehouse_catalog import find_root
from gatehouse_db_manager import load
from gatehouse_db_manager.cli.enumerator_modules import generate
from gatehouse_db_manager.config.model import Snapshot

ROOT = find_root(Path(__file__).parent)
PEOPLE = """
import importlib, json, sys
sys.path[:0] = sys.argv[1:]
from gatehouse_catalog import load_service
from gatehouse_chassis import ServiceContext
from pathlib import Path
context = ServiceContext.load(Path(sys.argv[1]), {"GATEHOUSE_ENVIRONMENT": "local", "GATEHOUSE_URL_IDENTITY": "http://x"})
document = importlib.import_module("gatehouse_person.app").create(context).openapi_schema.to_schema()
listing = document["paths"]["/api/person/people"]["get"]["parameters"]
from gatehouse_portal.areas.people.routes import FILTERS
from gatehouse_portal.enumerators import LABELS
print(json.dumps({
    "field": document["components"]["schemas"]["Person"]["properties"]["status"],
    "filter": next(one["schema"] for one in listing if one["name"] == "status"),
    "form": FILTERS["status"].values,
    "label": LABELS["person_status"].get("on_leave"),
}, default=str))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The services of this checkout, to change."""
    ignore = shutil.ignore_patterns("__pycache__", "test-data", "tests", "static", "node_modules")
    shutil.copytree(ROOT / "services", tmp_path / "services", ignore=ignore)
    shutil.copytree(ROOT / "db-manager" / "types", tmp_path / "db-manager" / "types")
    return tmp_path


def write_generated(root: Path) -> None:
    for path, text in generate(root).items():
        (root / path).write_text(text, encoding="utf-8")


def test_a_new_value_reaches_forms_filters_labels_and_openapi_with_no_other_edit(checkout: Path) -> None:
    database = checkout / "services/person/database"
    snapshot = (database / "enumerators/1.yaml").read_text()
    leave = '  - {value: on_leave, label: "On leave", description: Comes back}\n'
    (database / "enumerators/2.yaml").write_text(snapshot.replace("person_status:\n", f"person_status:\n{leave}"))
    collection = database / "collections/person.yaml"
    collection.write_text(collection.read_text().replace("version: 1.0.0.1", "version: 1.0.0.2"))
    write_generated(checkout)
    folders = [checkout / "services/person", checkout / "services/portal"]
    done = subprocess.run([sys.executable, "-c", PEOPLE, *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert "on_leave" in str(shown["field"])
    assert "on_leave" in str(shown["filter"])
    assert "on_leave" in shown["form"]
    assert shown["label"] == "On leave"


def left_uses(root: Path) -> list[str]:
    """`file:line` where code or pages still name a value that the newest snapshot of its schema doesn't have.

    All services are searched, and the chassis: a role of identity's is named by the guards of every service. What is
    also a value of another schema is left out where that schema's service, or the portal, may mean the other.
    """
    schemas = {schema.name: schema for schema in load(root).schemas}
    newest = {name: values_of(schema.snapshots[-1:]) for name, schema in schemas.items()}
    everywhere = frozenset().union(*newest.values())
    packages = {folder: folder.parent.name for folder in sorted(root.glob("services/*/gatehouse_*"))}
    found = []
    for name, schema in schemas.items():
        for folder, service in packages.items():
            also = everywhere if service not in schemas or service == "portal" else newest[service]
            gone = values_of(schema.snapshots) - newest[name] - (frozenset() if service == name else also)
            if gone:
                found += [f"{file.relative_to(root)}:{line}" for file, line in naming(folder, gone)]
    return found


def values_of(snapshots: Sequence[Snapshot]) -> frozenset[str]:
    return frozenset(item.value for snapshot in snapshots for item in snapshot.values)


def naming(folder: Path, values: frozenset[str]) -> Iterator[tuple[Path, int]]:
    """The files below a folder, with the lines that hold one of these values in quotes."""
    quoted = re.compile(rf"""['"]({"|".join(map(re.escape, sorted(values)))})['"]""")
    for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.html")]):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if quoted.search(line):
                yield file, number


def test_no_use_is_left_of_a_value_that_was_removed() -> None:
    assert left_uses(ROOT) == []


def test_removing_a_value_names_every_use_that_is_left(checkout: Path) -> None:
    folder = checkout / "services/person/database/enumerators"
    lines = (folder / "1.yaml").read_text().splitlines(keepends=True)
    (folder / "2.yaml").write_text("".join(line for line in lines if "value: hold" not in line))
    write_generated(checkout)
    found = left_uses(checkout)
    person = (checkout / "services/person/gatehouse_person/person/rules.py").read_text().splitlines()
    rules = [
        f"services/person/gatehouse_person/person/rules.py:{n}" for n, line in enumerate(person, 1) if '"hold"' in line
    ]
    assert rules
    assert set(rules) < set(found)
    assert [place for place in found if "gatehouse_portal/areas/people/templates" in place]
    assert not [place for place in found if "enumerators.py" in place]


def test_removing_a_role_names_the_guards_of_all_services(checkout: Path) -> None:
    folder = checkout / "services/identity/database/enumerators"
    newest = max(int(file.stem) for file in folder.iterdir())
    lines = (folder / f"{newest}.yaml").read_text().splitlines(keepends=True)
    (folder / f"{newest + 1}.yaml").write_text("".join(line for line in lines if "value: coordinator" not in line))
    found = left_uses(checkout)
    assert {place.split("/")[1] for place in found} == {
        "communication",
        "credential",
        "curriculum",
        "encounter",
        "identity",
        "intake",
        "partner",
        "person",
        "portal",
        "topics",
    }


def test_no_code_holds_a_second_list_of_an_enumerators_values() -> None:
    lists = {
        (schema.name, name): set(schema.snapshots[-1].of(name) or ())
        for schema in load(ROOT).schemas
        if schema.snapshots
        for name in schema.snapshots[-1].enumerators
    }
    found = []
    for file in sorted(ROOT.glob("services/*/gatehouse_*/**/*.py")):
        if file.name == "enumerators.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                texts = {item.value for item in node.elts if isinstance(item, ast.Constant)}
                if len(texts) == len(node.elts) > 2 and texts in lists.values():
                    found.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_what_is_generated_is_valid_python_in_any_length(tmp_path: Path, checkout: Path) -> None:
    file = checkout / "services/partner/database/enumerators/1.yaml"
    values = msgspec.json.encode([{"value": f"value-{n}", "description": 'A "quoted" one'} for n in range(30)]).decode()
    file.write_text(f"{file.read_text()}\nnumbers: {values}\n")
    for path, text in generate(checkout).items():
        compile(text, path, "exec")
