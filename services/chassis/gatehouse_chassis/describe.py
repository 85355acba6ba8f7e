"""`python -m gatehouse_chassis describe NAME...`: prints the OpenAPI documents of services of a checkout, by name.

Typed clients, the operations that apps may call, and contract tests are made from them. Nothing is started: each
application is put together with addresses and secrets that lead nowhere.
"""

import importlib
import sys
from typing import Any

import msgspec
from litestar import Litestar

from gatehouse_catalog import Catalog, find_root, load_catalog
from gatehouse_chassis.http.openapi import described
from gatehouse_chassis.service.service import ServiceContext


def application(catalog: Catalog, name: str) -> Litestar:
    """A service's application, not started."""
    entry = catalog[name]
    addresses = {other.address_variable: "http://127.0.0.1:9" for other in catalog}
    hidden = {f"GATEHOUSE_SECRET_{key.upper()}": "0" * 43 for key, one in entry.settings.items() if one.secret}
    context = ServiceContext.load(entry.folder, {"GATEHOUSE_ENVIRONMENT": "local", **addresses, **hidden})
    return importlib.import_module(f"{entry.package}.app").create(context)


def document(app: Litestar) -> dict[str, Any]:
    """The OpenAPI document of an application, as it serves it."""
    return msgspec.json.decode(msgspec.json.encode(described(app), enc_hook=str))


def main(names: list[str]) -> None:
    catalog = load_catalog(find_root())
    documents = {name: document(application(catalog, name)) for name in names}
    sys.stdout.buffer.write(msgspec.json.encode(documents))
