"""Brings a PostgreSQL database to the configuration in services/*/database, while the services keep serving.

Names are loaded when first used: importing the package costs nothing, so `gate --help` stays quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatehouse_db_manager.api import Applied, Result, Status, apply, plan, reset, status
    from gatehouse_db_manager.between import plan_between
    from gatehouse_db_manager.configuration import load
    from gatehouse_db_manager.errors import (
        ConfigurationError,
        DbManagerError,
        FailedError,
        LockError,
        NoDatabaseError,
        RefusedError,
    )
    from gatehouse_db_manager.model import Configuration
    from gatehouse_db_manager.plan_structs import Plan, Step

_PLACES = {
    "api": ("Applied", "Result", "Status", "apply", "plan", "reset", "status"),
    "between": ("plan_between",),
    "configuration": ("load",),
    "errors": ("ConfigurationError", "DbManagerError", "FailedError", "LockError", "NoDatabaseError", "RefusedError"),
    "model": ("Configuration",),
    "plan_structs": ("Plan", "Step"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "Applied",
    "Configuration",
    "ConfigurationError",
    "DbManagerError",
    "FailedError",
    "LockError",
    "NoDatabaseError",
    "Plan",
    "RefusedError",
    "Result",
    "Status",
    "Step",
    "apply",
    "load",
    "plan",
    "plan_between",
    "reset",
    "status",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"gatehouse_db_manager.{_MODULES[name]}"), name)
