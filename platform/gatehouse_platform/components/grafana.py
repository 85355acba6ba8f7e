"""An environment's data source and dashboards in Amazon Managed Grafana, as one resource.

Not pulumiverse-grafana: its provider needs a token for every preview, Amazon's tokens expire after 30 days, and each
provider is another process. The calls themselves are in `grafana_write.py`.
"""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from gatehouse_platform.components.grafana_write import GrafanaFolder, remove, write

KEYS = ("region", "workspace", "folder", "data_source", "dashboards")


class DashboardsProvider(ResourceProvider):
    """Writes everything whenever anything has changed; that is a dozen calls."""

    # The provider holds no secret; as a secret, it would appear as changed in every preview.
    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        replaces = [key for key in ("region", "workspace", "folder") if _olds.get(key) != _news.get(key)]
        changes = any(_olds.get(key) != _news.get(key) for key in KEYS)
        return DiffResult(changes=changes, replaces=replaces, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        write(_folder(props))
        return CreateResult(id_=f"{props['workspace']}/{props['folder']}", outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        write(_folder(_news))
        return UpdateResult(outs=_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        remove(_folder(_props))


def _folder(props: dict[str, Any]) -> GrafanaFolder:
    return GrafanaFolder(**{key: props[key] for key in KEYS})


class Dashboards(Resource, module="gatehouse", name="Dashboards"):
    """An environment's folder in Grafana."""

    def __init__(
        self, name: str, props: dict[str, pulumi.Input[Any]], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(DashboardsProvider(), name, props, opts)
