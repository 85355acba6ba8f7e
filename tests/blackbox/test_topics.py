"""The real content: 725 resources and 7 paths are listed, filtered, searched and paged."""

from typing import Any

import pytest

RESOURCES = "/api/topics/resources"
PATHS = "/api/topics/paths"
# The ids of the real content; what tests add has others.
CONTENT = {RESOURCES: "019a0000-0004-7000-8000-", PATHS: "019a0000-0005-7000-8000-"}


def content(caller: Any, path: str, **params: Any) -> list[dict[str, Any]]:
    return [item for item in caller.all(path, **params) if item["id"].startswith(CONTENT[path])]


@pytest.fixture(scope="module")
def resources(callers: Any) -> list[dict[str, Any]]:
    return content(callers("member"), RESOURCES)


def test_725_resources_and_7_paths_are_there_each_once(member: Any, resources: list[dict[str, Any]]) -> None:
    assert sorted(item["number"] for item in resources) == list(range(1, 726))
    assert len({item["id"] for item in resources}) == 725
    assert len({path["id"] for path in content(member, PATHS)}) == 7


@pytest.mark.parametrize("limit", [7, 50])
@pytest.mark.parametrize("sort", ["name", "-name", "number", "-level", "changed"])
def test_walking_all_pages_meets_everything_exactly_once(
    member: Any, resources: list[dict[str, Any]], sort: str, limit: int
) -> None:
    chosen = {"interest": "design"} if limit == 7 else {}
    expected = [item for item in resources if not chosen or "design" in item["interests"]]
    walked = [item["id"] for item in content(member, RESOURCES, sort=sort, limit=limit, **chosen)]
    assert len(walked) == len(set(walked))
    assert set(walked) == {item["id"] for item in expected}


def test_a_reversed_sort_is_the_exact_reverse(member: Any) -> None:
    there = [item["id"] for item in content(member, RESOURCES, sort="name", interest="ux")]
    back = [item["id"] for item in content(member, RESOURCES, sort="-name", interest="ux")]
    assert there == back[::-1]


@pytest.mark.parametrize("field", ["kind", "cost", "level"])
def test_a_filter_finds_what_the_whole_list_shows(member: Any, resources: list[dict[str, Any]], field: str) -> None:
    for value in {item[field] for item in resources}:
        found = {item["id"] for item in content(member, RESOURCES, **{field: value})}
        assert found == {item["id"] for item in resources if item[field] == value}, value


def test_an_interest_finds_those_who_have_it_among_others(member: Any, resources: list[dict[str, Any]]) -> None:
    for value in {interest for item in resources for interest in item["interests"]}:
        found = {item["id"] for item in content(member, RESOURCES, interest=value)}
        assert found == {item["id"] for item in resources if value in item["interests"]}, value


def test_filters_narrow_each_other_and_repeated_ones_widen(member: Any, resources: list[dict[str, Any]]) -> None:
    found = {item["id"] for item in content(member, RESOURCES, kind=["video", "book"], interest="design")}
    expected = {item["id"] for item in resources if item["kind"] in ("video", "book") and "design" in item["interests"]}
    assert found == expected
    assert expected


@pytest.mark.parametrize("words", ["python", "PYTHON", "100%", "a_b", "'", "no such thing anywhere"])
def test_search_finds_part_of_the_name_in_any_case(member: Any, resources: list[dict[str, Any]], words: str) -> None:
    found = {item["id"] for item in content(member, RESOURCES, search=words)}
    assert found == {item["id"] for item in resources if words.lower() in item["name"].lower()}


def test_a_path_shows_modules_topics_and_resources_that_exist(member: Any, resources: list[dict[str, Any]]) -> None:
    known = {item["id"] for item in resources}
    for path in content(member, PATHS):
        tree = member.read(f"{PATHS}/{path['id']}")
        topics = [topic for module in tree["modules"] for topic in module["topics"]]
        used = {resource["id"] for topic in topics for resource in topic["resources"]}
        assert used, path["name"]
        assert {id for id in used if id.startswith(CONTENT[RESOURCES])} <= known
        assert (len(tree["modules"]), len(topics), len(used)) == (
            path["module_count"],
            path["topic_count"],
            path["resource_count"],
        )


def test_paths_are_found_by_name_and_interest(member: Any) -> None:
    for path in content(member, PATHS):
        assert path["id"] in {item["id"] for item in content(member, PATHS, search=path["name"].upper())}
        for interest in path["interests"]:
            assert path["id"] in {item["id"] for item in content(member, PATHS, interest=interest)}


def test_a_cursor_of_another_list_is_refused(member: Any) -> None:
    cursor = member.read(RESOURCES, limit=1)["next"]
    answer = member.get(RESOURCES, limit=1, cursor=cursor, kind="video")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"kind": "podcast"}, "kind"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"sort": "price"}, "sort"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"archived": "perhaps"}, "archived"),
    ],
)
def test_a_wrong_parameter_is_named(member: Any, params: dict[str, str], field: str) -> None:
    answer = member.get(RESOURCES, **params)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_look_at_a_link_says_how_it_is_until_taken_back(mentor: Any, member: Any, resource: dict[str, Any]) -> None:
    path = f"/api/topics/resources/{resource['id']}"
    before = mentor.read(path)
    gone = mentor.post(f"{path}/link-checks", {"result": "gone", "http_status": 404})
    assert (gone.status_code, gone.json()["link_status"]) == (201, "failed")
    assert member.read(gone.headers["location"])["url"] == before["url"]
    assert member.post(f"{path}/link-checks", {"result": "ok"}).status_code == 403
    back = mentor.post(f"{gone.headers['location']}/withdraw")
    assert (back.status_code, back.json()["link_status"]) == (200, before["link_status"])


def test_a_length_says_where_it_comes_from(mentor: Any, resource: dict[str, Any]) -> None:
    path = f"/api/topics/resources/{resource['id']}"
    said = mentor.patch(path, {"length_minutes": 40}, mentor.get(path).headers["etag"])
    assert (said.status_code, said.json()["length_source"]) == (200, "stated")
    none = mentor.patch(path, {"length_minutes": None}, said.headers["etag"])
    assert (none.json()["length_minutes"], none.json()["length_source"]) == (None, None)
