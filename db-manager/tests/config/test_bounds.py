"""Input has bounds: hostile or mistaken files are refused with file and line, quickly, and never with a traceback."""

from pathlib import Path

import pytest

from gatehouse_db_manager import ConfigurationError
from gatehouse_db_manager.config.documents import MOST_VALUES

INPUTS = Path(__file__).parents[1] / "importer" / "inputs"
COLLECTIONS = "services/person/database/collections"
PLAIN = "collection: item\ndescription: d\nversion: 1.0.0.0\ncolumns:\n  id: {type: bigint, primary: true}\n"
IMPORTED = "imported: true\ncollection: item\nversion: 1.0.0.0\ncolumns:\n  id: {type: bigint"

REFUSED = {
    "aliases of aliases": ((INPUTS / "24-yaml-that-grows/item.yaml").read_text(), "item.yaml:1: has more than 20,000"),
    "an alias of itself": ((INPUTS / "24-yaml-that-grows/self.yaml").read_text(), "item.yaml:6: has more than"),
    "100,000 keys": (PLAIN + "".join(f"k{n}: 1\n" for n in range(100_000)), "item.yaml:40001: has more than"),
    "one long list": (PLAIN + f"more: [{'1, ' * 2 * MOST_VALUES}1]\n", "item.yaml:6: has more than"),
    "aliases by the thousand": (f"a: &a [1]\nb: [{'*a, ' * MOST_VALUES}*a]\n", "item.yaml:1: has more than"),
    "open brackets": ("collection: " + "[" * 5000, "item.yaml:1: has more than"),
    "nesting": ("\n".join(" " * n + "a:" for n in range(2000)), "has more than"),
    "a long text": (PLAIN + f'deprecated: {{id: "{"x" * 1_000_000}"}}\n', "item.yaml:7: has more than"),
    "NUL, escaped": (
        (INPUTS / "25-check-passes-what-cannot-be/nul.yaml").read_text(),
        "yaml:2: description: has a",
    ),
    "half a pair": (PLAIN.replace("description: d", 'description: "\\ud800"'), "yaml:2: description: has a"),
    "a second statement": (
        (INPUTS / "25-check-passes-what-cannot-be/semicolon.yaml").read_text(),
        "item.yaml:6: columns.n.default = 'a'; drop schema s cascade: is not a single SQL expression.",
    ),
    "one in a generated column": (
        PLAIN + '  n: {type: text, generated: "1); drop table x; --"}\n',
        "item.yaml:6: columns.n",
    ),
    "one in an exclusion": (PLAIN + 'exclusions: {e: {elements: {"id) --": "="}}}\n', "item.yaml:6: exclusions.e"),
    "an open quote": (PLAIN + 'checks: {c: "id > \'1"}\n', "item.yaml:6: checks.c"),
    "1,601 columns": (PLAIN + "".join(f"  c{n}: {{type: text}}\n" for n in range(1600)), "is column 1,601."),
    "an imported second statement": (IMPORTED + ', default: "1; drop table x"}\n', "item.yaml:5: columns.id.default"),
    "an imported name": (
        IMPORTED + "}\n  drop: {type: int}\n  a-b: {type: int}\n",
        "a-b = a-b: is not a legal",
    ),
}
ALLOWED = {
    "anchors": PLAIN.replace("id: {", "id: &key {") + "  other: {type: bigint}\n",
    "a quoted semicolon": PLAIN + "  n: {type: text, default: {expression: \"'a;b -- c'\"}}\n",
    "quoted brackets": PLAIN + "checks: {c: \"id::text <> ')'\"}\n",
    "1,600 columns": PLAIN + "".join(f"  c{n}: {{type: text}}\n" for n in range(1599)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_can_not_be_is_refused_with_file_and_line(checkout, what):
    text, expected = REFUSED[what]
    checkout.write(f"{COLLECTIONS}/item.yaml", text)
    with pytest.raises(ConfigurationError) as caught:
        checkout.load()
    assert expected in str(caught.value)
    assert all(problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize("what", ALLOWED)
def test_what_only_looks_so_is_allowed(checkout, what):
    checkout.write(f"{COLLECTIONS}/item.yaml", ALLOWED[what])
    assert [one.name for one in checkout.load()["person"].collections] == ["item"]


def test_of_two_files_by_one_name_none_is_left_out_silently(checkout):
    checkout.write(f"{COLLECTIONS}/item.yaml", PLAIN)
    checkout.write(f"{COLLECTIONS}/item.yml", PLAIN)
    with pytest.raises(ConfigurationError, match=r"item.yml: is there as item.yaml too. Delete one of the two."):
        checkout.load()


def test_a_schema_under_another_name_is_not_left_out_silently(checkout):
    checkout.write("services/topics/database/schema.yml", "schema: topics\ndescription: d\n")
    with pytest.raises(ConfigurationError, match=r"topics/database/schema.yml: is not read under this name"):
        checkout.load()


def test_a_dangling_link_is_a_wrong_file(checkout):
    (checkout.root / COLLECTIONS).mkdir(parents=True)
    (checkout.root / COLLECTIONS / "item.yaml").symlink_to("nowhere.yaml")
    with pytest.raises(ConfigurationError, match=r"item.yaml: can't be read: No such file"):
        checkout.load()


@pytest.mark.parametrize("rows", ['[{"id": ' + "[" * 100_000, "[1, 2", '[{"id": 1, "n": "a\\u0000"}]'])
def test_rows_that_can_not_be_are_refused(checkout, rows):
    checkout.write(f"{COLLECTIONS}/item.yaml", PLAIN + "  n: {type: text}\n")
    checkout.write("services/person/database/reference-data/item.json", rows)
    with pytest.raises(ConfigurationError, match=r"reference-data/item.json"):
        checkout.load()
