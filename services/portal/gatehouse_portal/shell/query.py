"""The query of a page: what the reader searches and filters by."""

from typing import Any

from litestar import Request


def chosen(request: Request[Any, Any, Any], *names: str) -> dict[str, str]:
    """Those query parameters that are given and not empty; others, which no page of ours makes, are left out."""
    values = {name: request.query_params.get(name, "").strip() for name in names}
    return {name: value for name, value in values.items() if value}
