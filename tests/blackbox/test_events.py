"""A change in one service has its effect in another, which follows its events."""

import time
from typing import Any

import pytest


@pytest.fixture
def account(callers: Any, coordinator: Any, learner: dict[str, Any]) -> dict[str, Any]:
    """An account of the learner."""
    new = {"name": learner["name"], "email": learner["email"], "person_id": learner["id"]}
    return coordinator.create("/api/identity/accounts", new).json()


def test_who_is_archived_as_a_person_signs_in_no_more(
    coordinator: Any, learner: dict[str, Any], account: dict[str, Any]
) -> None:
    path = f"/api/person/people/{learner['id']}"
    etag = coordinator.get(path).headers["etag"]
    assert coordinator.post(f"{path}/archive", version=etag).status_code == 200
    ends = time.monotonic() + 60
    while (found := coordinator.read(f"/api/identity/accounts/{account['id']}"))["status"] != "archived":
        assert time.monotonic() < ends, "identity didn't follow person.archived"
        time.sleep(0.02)
    assert found["archived_at"]


@pytest.mark.parametrize("path", ["/events?types=person.joined", "/followed"])
def test_what_is_at_the_root_of_a_service_s_port_is_not_reached_from_outside(stranger: Any, path: str) -> None:
    # 503: where the portal, which has the rest of the paths, isn't started (a compose profile).
    assert stranger.get(path).status_code in (404, 405, 302, 303, 503)
