"""All of the institute's content is there, under the ids it always had. Digests are of the source, ../shared."""

import hashlib
import json
import re
from collections import Counter
from typing import Any

import pytest

from gatehouse_chassis.testing import InProcessClient

# Names were tidied for people. But for these, only in spaces, capitals and punctuation.
FIXED_RESOURCES = {
    234: "Figma for Beginners (4 parts)",
    235: "Explore Auto Layout",
    237: "Get Started with Prototyping",
    300: "Empirical vs Defined Process Control",
    303: "Planview's view on Agile Frameworks",
    397: "Imitate, Assimilate, Innovate: 3 Steps to Learning Improvisation",
    667: "Write tests. Not too many. Mostly integration.",
}
FIXED_TOPICS = {
    "Accessibility and Universal Design Fundamentals": "Accessibilityand Universal Design Fundament",
    "Express and Mongoose": "Express Mongoose",
}
PATHS = {
    1: ("Cypress Testing", "2ccb733f1c92332e", (1, 3, 18)),
    2: ("Design", "4effd8dedcd5dabd", (2, 9, 57)),
    3: ("Engineer Kit", "f1358284789e8b70", (15, 74, 456)),
    4: ("Odin", "f46eac9d64c08c7b", (7, 40, 153)),
    5: ("Salesforce", "a535b8c8b08b3235", (1, 5, 23)),
    6: ("Practitioner SRE", "13268afe6da05de7", (4, 18, 75)),
    7: ("Practitioner UI/UX Engineer", "3a7305630a1d3c5f", (5, 22, 114)),
}


def digest(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def letters(name: str) -> str:
    return re.sub(r"[^0-9a-z]", "", FIXED_TOPICS.get(name, name).lower())


@pytest.fixture(scope="module")
async def everything(topics: InProcessClient, member: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params = {"sort": "number", "limit": "200"}
    while True:
        answer = await topics.get("/api/topics/resources", params=params, headers=member)
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            return found
        params["cursor"] = page["next"]


async def test_all_725_resources_kept_their_numbers_and_ids(everything: list[dict[str, Any]]) -> None:
    assert [one["number"] for one in everything] == list(range(1, 726))
    assert all(one["id"] == f"019a0000-0004-7000-8000-{one['number']:012d}" for one in everything)


async def test_what_a_resource_is_hasnt_changed(everything: list[dict[str, Any]]) -> None:
    facts = ("number", "url", "kind", "cost", "level", "interests", "link_status")
    assert digest([[one[fact] for fact in facts] for one in everything]) == "97b089d3ec60c34b"


async def test_names_are_the_sources_but_for_those_that_were_fixed(everything: list[dict[str, Any]]) -> None:
    names = {one["number"]: one["name"] for one in everything}
    kept = [letters(name) for number, name in names.items() if number not in FIXED_RESOURCES]
    assert {number: names[number] for number in FIXED_RESOURCES} == FIXED_RESOURCES
    assert digest(kept) == "cd09b15926d70cc7"


async def test_what_was_called_java_is_javascript(everything: list[dict[str, Any]]) -> None:
    used = Counter(technology for one in everything for technology in one["technologies"])
    counts = {"HTML": 78, "CSS": 52, "JavaScript": 27, "MongoDB": 11, "Python": 6}
    assert used == {**counts, "Java": 1, "React": 1, "TypeScript": 1}


async def test_seven_paths_are_listed_with_what_they_hold(topics: InProcessClient, member: dict[str, str]) -> None:
    answer = await topics.get("/api/topics/paths", headers=member)
    counts = ("module_count", "topic_count", "resource_count")
    listed = {one["name"]: tuple(one[count] for count in counts) for one in answer.json()["items"]}
    assert listed == {name: sizes for name, _, sizes in PATHS.values()}


@pytest.mark.parametrize("number", PATHS)
async def test_a_paths_tree_is_the_sources(topics: InProcessClient, member: dict[str, str], number: int) -> None:
    answer = await topics.get(f"/api/topics/paths/019a0000-0005-7000-8000-{number:012d}", headers=member)
    tree = answer.json()
    name, expected, _ = PATHS[number]
    outline = [
        [
            letters(module["name"]),
            [[letters(topic["name"]), [one["number"] for one in topic["resources"]]] for topic in module["topics"]],
        ]
        for module in tree["modules"]
    ]
    assert tree["name"] == name
    assert digest(outline) == expected


async def test_there_are_137_topics_with_names_for_people(topics: InProcessClient, member: dict[str, str]) -> None:
    answer = await topics.get("/api/topics/topics?limit=200", headers=member)
    names = {one["name"] for one in answer.json()["items"]}
    assert len(names) == 137
    assert {"Figma", "Getting Started with Cypress", "JavaScript Basics", "CSS Flexbox", "OWASP Top 10"} <= names
