"""Applies the configuration in services/*/database to a PostgreSQL database while the services keep running.

Names are imported on first use, so that `gate --help` stays fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatehouse_db_manager.api import Applied, DatabaseStatus, Result, apply, plan, reset, status
    from gatehouse_db_manager.config.load import load
    from gatehouse_db_manager.config.model import Configuration
    from gatehouse_db_manager.errors import (
        ConfigurationError,
        DbManagerError,
        FailedError,
        LockError,
        NoDatabaseError,
        RefusedError,
    )
    from gatehouse_db_manager.offline_plan import plan_between
    from gatehouse_db_manager.planning.plan import Plan, Step

_PLACES = {
    "api": ("Applied", "Result", "DatabaseStatus", "apply", "plan", "reset", "status"),
    "offline_plan": ("plan_between",),
    "config.load": ("load",),
    "errors": ("ConfigurationError", "DbManagerError", "FailedError", "LockError", "NoDatabaseError", "RefusedError"),
    "config.model": ("Configuration",),
    "planning.plan": ("Plan", "Step"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "Applied",
    "Configuration",
    "ConfigurationError",
    "DatabaseStatus",
    "DbManagerError",
    "FailedError",
    "LockError",
    "NoDatabaseError",
    "Plan",
    "RefusedError",
    "Result",
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
