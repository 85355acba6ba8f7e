"""Puts an environment's data source and dashboards into Amazon Managed Grafana. Plain boto3 and HTTP; knows no Pulumi.

Every call signs in with a token of ten minutes and takes it back: Amazon's tokens live 30 days at most, so one that
was kept would stand in Pulumi's state, and be expired when it is needed.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import msgspec
import urllib3
from botocore.exceptions import BotoCoreError, ClientError

TOKEN_SECONDS = 600
WAIT_SECONDS = 30.0
# Reading dashboards needs less, but only an administrator may make data sources.
ROLE = "ADMIN"


class GrafanaError(Exception):
    """Grafana isn't known to show what it should. The message says what it refused, and what to do."""


class GrafanaFolder(msgspec.Struct, frozen=True, kw_only=True):
    """What one environment has in Grafana: a folder, a data source, and dashboards by name, as JSON text."""

    region: str
    workspace: str
    folder: str
    data_source: Mapping[str, Any]
    dashboards: Mapping[str, str]
    # Only tests set these: a client of theirs, and where their Grafana answers.
    client: Any = None
    address: str = ""


def write(board: GrafanaFolder) -> None:
    """Makes or changes the folder, the data source and every dashboard, and removes those that are no longer there."""
    with _signed_in(board) as grafana:
        uid, source = board.folder, dict(board.data_source)
        if not grafana.has(f"/api/folders/{uid}"):
            grafana.call("POST", "/api/folders", {"uid": uid, "title": board.folder})
        if grafana.has(f"/api/datasources/uid/{source['uid']}"):
            grafana.call("PUT", f"/api/datasources/uid/{source['uid']}", source)
        else:
            grafana.call("POST", "/api/datasources", source)
        contents = [msgspec.json.decode(text) for text in board.dashboards.values()]
        for content in contents:
            # Its id is Grafana's own; overwrite: what was changed by hand goes, here is the truth.
            body = {"dashboard": {**content, "id": None}, "folderUid": uid, "overwrite": True, "message": "gatehouse"}
            grafana.call("POST", "/api/dashboards/db", body)
        for found in grafana.call("GET", f"/api/search?type=dash-db&folderUIDs={uid}"):
            if found["uid"] not in {content["uid"] for content in contents}:
                grafana.call("DELETE", f"/api/dashboards/uid/{found['uid']}")


def remove(board: GrafanaFolder) -> None:
    """Removes the folder with its dashboards, and the data source."""
    with _signed_in(board) as grafana:
        for path in (f"/api/folders/{board.folder}", f"/api/datasources/uid/{board.data_source['uid']}"):
            if grafana.has(path):
                grafana.call("DELETE", path)


class _Grafana:
    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = urllib3.PoolManager(timeout=WAIT_SECONDS, retries=urllib3.Retry(3, allowed_methods=None))

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises GrafanaError unless it is a success."""
        status, content = self._ask(method, path, body)
        if status >= 300:
            said = content.get("message", "") if isinstance(content, dict) else ""
            raise GrafanaError(f"{method} {path}: Grafana answered {status} {said}. Fix: see its log; then `up` again.")
        return content

    def has(self, path: str) -> bool:
        status, _ = self._ask("GET", path, None)
        if status not in {200, 404}:
            raise GrafanaError(f"GET {path}: Grafana answered {status}. Fix: see its log; then `up` again.")
        return status == 200

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        try:
            answer = self._http.request(method, self._address + path, json=body, headers=self._headers)
            return answer.status, answer.json() if answer.data else None
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise GrafanaError(f"{method} {path}: {error}. Fix: is Grafana's workspace active?") from error


@contextmanager
def _signed_in(board: GrafanaFolder) -> Generator[_Grafana]:
    """Grafana with a token that is taken back afterwards. The account stays: AWS charges for each by the month."""
    aws = board.client or boto3.client("grafana", region_name=board.region)
    workspace = board.workspace
    try:
        account = _account(aws, workspace, f"gatehouse-{board.folder}")
        address = board.address or f"https://{aws.describe_workspace(workspaceId=workspace)['workspace']['endpoint']}"
        made = aws.create_workspace_service_account_token(
            workspaceId=workspace, serviceAccountId=account, name="up", secondsToLive=TOKEN_SECONDS
        )["serviceAccountToken"]
    except (ClientError, BotoCoreError) as error:
        fix = "Fix: is gatehouse:grafana_workspace right, and in this account?"
        raise GrafanaError(f"the Grafana workspace {workspace} gives no token: {error}. {fix}") from error
    try:
        yield _Grafana(address, made["key"])
    finally:
        aws.delete_workspace_service_account_token(workspaceId=workspace, serviceAccountId=account, tokenId=made["id"])


def _account(aws: Any, workspace: str, name: str) -> str:
    """The id of the environment's service account in Grafana, made when there is none."""
    page: dict[str, Any] = {}
    while True:
        page = aws.list_workspace_service_accounts(
            workspaceId=workspace, **({"nextToken": page["nextToken"]} if page.get("nextToken") else {})
        )
        for account in page["serviceAccounts"]:
            if account["name"] == name:
                return str(account["id"])
        if not page.get("nextToken"):
            break
    return str(aws.create_workspace_service_account(workspaceId=workspace, name=name, grafanaRole=ROLE)["id"])
