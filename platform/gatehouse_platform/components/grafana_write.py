"""Writes an environment's data source and dashboards to Amazon Managed Grafana. Plain boto3 and HTTP; knows no Pulumi.

Every run creates a token for ten minutes and deletes it: Amazon's tokens live at most 30 days, so a stored one would be
in Pulumi's state, and expired when it is needed.
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
# Only an administrator may create data sources.
ROLE = "ADMIN"
ACCOUNT = "gatehouse"


class GrafanaError(Exception):
    """Grafana may not show what it should. The message says which call failed, and what to do."""


class GrafanaFolder(msgspec.Struct, frozen=True, kw_only=True):
    """An environment's folder in Grafana: its data source, and its dashboards by name, as JSON text."""

    region: str
    workspace: str
    folder: str
    data_source: Mapping[str, Any]
    dashboards: Mapping[str, str]
    # Set by tests only: their client, and the address of their Grafana.
    client: Any = None
    address: str = ""


def write(folder: GrafanaFolder) -> None:
    """Creates or updates the folder, the data source and every dashboard, and deletes dashboards that are gone."""
    with _signed_in(folder) as grafana:
        uid, source = folder.folder, dict(folder.data_source)
        if not grafana.has(f"/api/folders/{uid}"):
            grafana.call("POST", "/api/folders", {"uid": uid, "title": folder.folder})
        if grafana.has(f"/api/datasources/uid/{source['uid']}"):
            grafana.call("PUT", f"/api/datasources/uid/{source['uid']}", source)
        else:
            grafana.call("POST", "/api/datasources", source)
        contents = [msgspec.json.decode(text) for text in folder.dashboards.values()]
        for content in contents:
            # The id is Grafana's own. overwrite: changes made by hand are replaced.
            body = {"dashboard": {**content, "id": None}, "folderUid": uid, "overwrite": True, "message": "gatehouse"}
            grafana.call("POST", "/api/dashboards/db", body)
        for stored in grafana.call("GET", f"/api/search?type=dash-db&folderUIDs={uid}"):
            if stored["uid"] not in {content["uid"] for content in contents}:
                grafana.call("DELETE", f"/api/dashboards/uid/{stored['uid']}")


def remove(folder: GrafanaFolder) -> None:
    """Removes the folder with its dashboards, and the data source."""
    with _signed_in(folder) as grafana:
        for path in (f"/api/folders/{folder.folder}", f"/api/datasources/uid/{folder.data_source['uid']}"):
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
            reason = content.get("message", "") if isinstance(content, dict) else ""
            raise GrafanaError(
                f"{method} {path}: Grafana answered {status} {reason}. Fix: see its log; then `up` again."
            )
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
def _signed_in(folder: GrafanaFolder) -> Generator[_Grafana]:
    """Grafana with a token that is deleted afterwards. The account is kept, one for all environments: AWS charges for
    each by the month, and who administers one folder administers all."""
    aws = folder.client or boto3.client("grafana", region_name=folder.region)
    workspace = folder.workspace
    try:
        account = _account(aws, workspace, ACCOUNT)
        address = folder.address or f"https://{aws.describe_workspace(workspaceId=workspace)['workspace']['endpoint']}"
        token = aws.create_workspace_service_account_token(
            workspaceId=workspace, serviceAccountId=account, name="up", secondsToLive=TOKEN_SECONDS
        )["serviceAccountToken"]
    except (ClientError, BotoCoreError) as error:
        fix = "Fix: is gatehouse:grafana_workspace right, and in this account?"
        raise GrafanaError(f"the Grafana workspace {workspace} gives no token: {error}. {fix}") from error
    try:
        yield _Grafana(address, token["key"])
    finally:
        aws.delete_workspace_service_account_token(workspaceId=workspace, serviceAccountId=account, tokenId=token["id"])


def _account(aws: Any, workspace: str, name: str) -> str:
    """The id of that service account in Grafana; created when there is none."""
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
