"""Dashboards get into Grafana, and out again. AWS is botocore's stubber, which refuses what its API doesn't know;
Grafana is a server here that keeps what it is given: the real one couldn't be had.
"""

import json
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import msgspec
import pytest
from botocore.stub import Stubber

from gatehouse_platform.components.grafana import DashboardsProvider
from gatehouse_platform.components.grafana_write import GrafanaError, GrafanaFolder, remove, write
from gatehouse_platform.config.settings import ENVIRONMENTS
from gatehouse_platform.offline.graph import Graph

WORKSPACE = "g-0123456789"
Graphs = Callable[[str], Graph]


class Grafana(ThreadingHTTPServer):
    """The few calls of its HTTP API that are made, as documented; in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept: dict[str, dict[str, Any]] = {"folders": {}, "datasources": {}, "dashboards": {}}
        self.calls: list[str] = []
        self.broken = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        grafana = self.server
        assert isinstance(grafana, Grafana)
        method, kept = self.command, grafana.kept
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        grafana.calls.append(f"{method} {path}")
        status, content = 200, {}
        kind, uid = path.split("/")[2], path.rpartition("/")[2]
        if self.headers["Authorization"] != "Bearer a-token":
            status = 401
        elif path == grafana.broken:
            status, content = 500, {"message": "database is locked"}
        elif path == "/api/search":
            folder = query.rpartition("=")[2]
            content = [{"uid": key} for key, one in kept["dashboards"].items() if one["folderUid"] == folder]
        elif path == "/api/dashboards/db":
            kept["dashboards"][body["dashboard"]["uid"]] = body
        elif method == "POST":
            kept[kind][body["uid"]] = body
        elif uid not in kept[kind]:
            status = 404
        elif method == "DELETE":
            del kept[kind][uid]
            if kind == "folders":
                kept["dashboards"] = {k: v for k, v in kept["dashboards"].items() if v["folderUid"] != uid}
        elif method == "PUT":
            kept[kind][uid] = body
        sent = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def grafana() -> Generator[Grafana]:
    server = Grafana()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def aws(*, accounts: list[str], token: str = "a-token") -> tuple[Any, Stubber]:
    """Amazon's side of one visit: the service account looked for (or made), a token given and taken back."""
    client: Any = boto3.client("grafana", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    own = {"id": "7", "name": "gatehouse", "grafanaRole": "ADMIN", "isDisabled": "false"}
    found = [{**own, "id": str(number), "name": name} for number, name in enumerate(accounts, start=7)]
    stub.add_response("list_workspace_service_accounts", {"serviceAccounts": found, "workspaceId": WORKSPACE})
    where = {"workspaceId": WORKSPACE}
    if "gatehouse" not in accounts:
        made = {"id": "7", "name": "gatehouse", "grafanaRole": "ADMIN", "workspaceId": WORKSPACE}
        asked = {**where, "name": "gatehouse", "grafanaRole": "ADMIN"}
        stub.add_response("create_workspace_service_account", made, asked)
    stub.add_response(
        "create_workspace_service_account_token",
        {**where, "serviceAccountId": "7", "serviceAccountToken": {"id": "3", "name": "up", "key": token}},
        {**where, "serviceAccountId": "7", "name": "up", "secondsToLive": 600},
    )
    stub.add_response(
        "delete_workspace_service_account_token",
        {**where, "serviceAccountId": "7", "tokenId": "3"},
        {**where, "serviceAccountId": "7", "tokenId": "3"},
    )
    stub.activate()
    return client, stub


def board(grafana: Grafana, client: Any, **changes: Any) -> GrafanaFolder:
    dashboards = {name: json.dumps({"uid": name, "title": name}) for name in changes.pop("names", ("one", "two"))}
    source = {"uid": "gatehouse-dev", "name": "gatehouse-dev", "type": "prometheus", "url": "https://amp/"}
    given = {"region": "eu-central-1", "workspace": WORKSPACE, "folder": "dev", "data_source": source}
    return GrafanaFolder(**given, dashboards=dashboards, client=client, address=grafana.address)


def test_everything_is_made_and_the_token_is_taken_back(grafana: Grafana):
    client, stub = aws(accounts=["somebody-else"])
    write(board(grafana, client))
    assert set(grafana.kept["dashboards"]) == {"one", "two"}
    assert grafana.kept["dashboards"]["one"]["overwrite"] is True
    assert grafana.kept["folders"]["dev"]["title"] == "dev"
    assert grafana.kept["datasources"]["gatehouse-dev"]["url"] == "https://amp/"
    stub.assert_no_pending_responses()


def test_a_second_time_changes_what_differs_and_removes_what_is_gone(grafana: Grafana):
    write(board(grafana, aws(accounts=["gatehouse"])[0]))
    grafana.kept["dashboards"]["by hand"] = {"folderUid": "other"}
    write(board(grafana, aws(accounts=["gatehouse"])[0], names=("two", "three")))
    assert set(grafana.kept["dashboards"]) == {"two", "three", "by hand"}
    assert grafana.calls.count("POST /api/folders") == 1
    assert "PUT /api/datasources/uid/gatehouse-dev" in grafana.calls


def test_what_grafana_refuses_is_said_and_the_token_is_taken_back_all_the_same(grafana: Grafana):
    grafana.broken = "/api/dashboards/db"
    client, stub = aws(accounts=["gatehouse"])
    with pytest.raises(GrafanaError, match=r"POST /api/dashboards/db: Grafana answered 500 database is locked"):
        write(board(grafana, client))
    stub.assert_no_pending_responses()


def test_a_token_that_isnt_taken_is_an_error_and_not_an_empty_grafana(grafana: Grafana):
    with pytest.raises(GrafanaError, match="answered 401"):
        write(board(grafana, aws(accounts=[], token="expired")[0]))


def test_a_wrong_workspace_is_said_with_the_key_to_fix():
    client: Any = boto3.client("grafana", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("list_workspace_service_accounts", "ResourceNotFoundException")
        given = GrafanaFolder(
            region="r", workspace=WORKSPACE, folder="dev", data_source={}, dashboards={}, client=client
        )
        with pytest.raises(GrafanaError, match=r"gives no token.*gatehouse:grafana_workspace"):
            write(given)


def test_nothing_is_left_behind(grafana: Grafana):
    write(board(grafana, aws(accounts=["gatehouse"])[0]))
    remove(board(grafana, aws(accounts=["gatehouse"])[0]))
    assert grafana.kept == {"folders": {}, "datasources": {}, "dashboards": {}}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_has_its_own_data_source_and_dashboards(graph: Graphs, name: str):
    (shown,) = [one for one in graph(name).resources if one.kind == "Dashboards"]
    source = shown.properties["data_source"]
    assert source["url"].startswith("https://aps-workspaces.")
    assert (source["uid"], source["jsonData"]["sigV4Region"]) == (f"gatehouse-{name}", graph(name).region)
    for uid, text in shown.properties["dashboards"].items():
        content = json.loads(text)
        assert content["uid"] == f"{uid}-{name}"
        assert len(content["uid"]) <= 40  # Grafana's longest
        (choice,) = [one for one in content["templating"]["list"] if one["type"] == "datasource"]
        assert choice["regex"] == f"/^gatehouse-{name}$/"


def test_it_is_written_anew_when_anything_of_it_changes(graph: Graphs):
    (shown,) = [one for one in graph("dev").resources if one.kind == "Dashboards"]
    provider, old = DashboardsProvider(), shown.properties
    assert not provider.diff("", old, msgspec.json.decode(msgspec.json.encode(old))).changes
    changed = provider.diff("", old, {**old, "dashboards": {}})
    assert (changed.changes, changed.replaces) == (True, [])
    assert provider.diff("", old, {**old, "workspace": "g-1111111111"}).replaces == ["workspace"]
