"""Lists of resources, topics, paths and skills: filters, search, sorting and paging."""

from typing import Any

import pytest

from gatehouse_chassis.testing import InProcessClient

RESOURCE = "019a0000-0004-7000-8000-{:012d}"
TOPIC = "019a0000-0003-7000-8000-{:012d}"
PATH = "019a0000-0005-7000-8000-{:012d}"


async def listed(
    service: InProcessClient, headers: dict[str, str], what: str, /, **params: Any
) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await service.get(f"/api/topics/{what}", params={"limit": 100, **params}, headers=headers)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next"] is None:
            return found
        params["cursor"] = answer.json()["next"]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"kind": "article"}, 444),
        ({"kind": "video"}, 91),
        ({"kind": ["online-class", "membership"]}, 22),
        ({"cost": "free"}, 651),
        ({"cost": ["subscription-low", "subscription-medium", "subscription-high"]}, 8),
        ({"level": "apprentice"}, 85),
        ({"level": ["master", "distinguished"]}, 5),
        ({"interest": "api"}, 601),
        ({"interest": "iot"}, 1),
        ({"interest": ["ux", "data"]}, 22),
        ({"technology": "CSS"}, 52),
        ({"technology": "JavaScript"}, 27),
        ({"technology": "Fortran"}, 0),
        ({"link_status": "failed"}, 3),
        ({"topic": TOPIC.format(4)}, 10),
        ({"path": PATH.format(6)}, 75),
        ({"path": [PATH.format(1), PATH.format(5)]}, 41),
        ({"number": [7, 70, 700]}, 3),
        ({"kind": "video", "level": "candidate", "interest": "api"}, 11),
        ({"search": "figma"}, 3),
        ({"search": "GIT", "kind": "tutorial"}, 8),
        ({"search": "100%"}, 0),
        ({"archived": "true"}, 0),
    ],
)
async def test_resources_are_filtered(
    topics: InProcessClient, member: dict[str, str], filters: dict[str, Any], count: int
) -> None:
    assert len(await listed(topics, member, "resources", **filters)) == count


async def test_resources_are_fetched_by_a_batch_of_ids(topics: InProcessClient, member: dict[str, str]) -> None:
    ids = [RESOURCE.format(number) for number in range(100, 150)]
    found = await listed(topics, member, "resources", id=ids)
    assert sorted(one["id"] for one in found) == ids


async def test_more_ids_than_a_batch_takes_are_refused(topics: InProcessClient, member: dict[str, str]) -> None:
    ids = [RESOURCE.format(number) for number in range(1, 52)]
    answer = await topics.get("/api/topics/resources", params={"id": ids}, headers=member)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "id"


@pytest.mark.parametrize(
    "sort", ["name", "-name", "number", "-number", "level", "-level", "changed", "-changed", "rating", "-rating"]
)
async def test_a_walk_through_the_pages_meets_every_resource_once(
    topics: InProcessClient, member: dict[str, str], sort: str
) -> None:
    found = await listed(topics, member, "resources", sort=sort, limit=97)
    assert sorted(one["number"] for one in found) == list(range(1, 726))


async def test_levels_sort_by_mastery(topics: InProcessClient, member: dict[str, str]) -> None:
    order = ["candidate", "apprentice", "practitioner", "craftsperson", "master", "distinguished"]
    ranks = [order.index(one["level"]) for one in await listed(topics, member, "resources", sort="level")]
    assert ranks == sorted(ranks)


async def test_topics_are_found_by_resource_path_and_name(topics: InProcessClient, member: dict[str, str]) -> None:
    with_shared_resource = await listed(topics, member, "topics", resource=RESOURCE.format(314))
    of_path = await listed(topics, member, "topics", path=PATH.format(5))
    searched = await listed(topics, member, "topics", search="working with")
    assert [one["name"] for one in with_shared_resource] == [
        "Inter-team Coordination",
        "Intra-team Coordination",
        "Introduction to Design Thinking",
    ]
    assert len(of_path) == 5
    assert len(searched) == 4


async def test_paths_are_found_by_interest_topic_and_name(topics: InProcessClient, member: dict[str, str]) -> None:
    assert {one["name"] for one in await listed(topics, member, "paths", interest="sre")} == {
        "Cypress Testing",
        "Practitioner SRE",
    }
    assert {one["name"] for one in await listed(topics, member, "paths", topic=TOPIC.format(4))} == {
        "Design",
        "Practitioner UI/UX Engineer",
    }
    assert [one["name"] for one in await listed(topics, member, "paths", search="odin")] == ["Odin"]


async def test_skills_say_how_many_resources_teach_them(topics: InProcessClient, member: dict[str, str]) -> None:
    skills = {one["name"]: one["resource_count"] for one in await listed(topics, member, "skills")}
    assert skills["HTML"] == 78
    assert len(skills) == 8


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=film", "kind"),
        ("cost=cheap", "cost"),
        ("level=5", "level"),
        ("interest=", "interest"),
        ("link_status=dead", "link_status"),
        ("topic=12", "topic"),
        ("path=x", "path"),
        ("number=0", "number"),
        ("number=99999999999999999999", "number"),
        ("id=1", "id"),
        ("technology=%00", "technology"),
        ("search=%00", "search"),
        ("search=" + "x" * 201, "search"),
        ("sort=url", "sort"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=nonsense", "cursor"),
        ("archived=maybe", "archived"),
        ("colour=red", "colour"),
    ],
)
async def test_a_wrong_parameter_is_named(
    topics: InProcessClient, member: dict[str, str], query: str, field: str
) -> None:
    answer = await topics.get(f"/api/topics/resources?{query}", headers=member)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
