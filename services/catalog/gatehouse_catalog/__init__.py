"""Reads every `service.toml`, in which a service declares what it is and needs, into typed structs.

It knows files and rules only: it starts nothing and imports no other part of Gatehouse.
"""

from gatehouse_catalog.catalog import Catalog
from gatehouse_catalog.errors import CatalogError, Fixable, Problem
from gatehouse_catalog.load import find_root, load_catalog, load_service
from gatehouse_catalog.structs import DatabaseEntry, Service, Setting

__all__ = [
    "Catalog",
    "CatalogError",
    "DatabaseEntry",
    "Fixable",
    "Problem",
    "Service",
    "Setting",
    "find_root",
    "load_catalog",
    "load_service",
]
