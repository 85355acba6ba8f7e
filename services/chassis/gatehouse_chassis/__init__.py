"""What every service shares: assembly, health, configuration, metrics, logs, errors, identity, data, lists, calls.

Knows no domain. A service needs `create_app` and `ServiceContext` from here, and its other modules by name.
"""

from gatehouse_chassis.base.optional_imports import left_out

with left_out():
    from gatehouse_chassis.app import create_app
    from gatehouse_chassis.base.actor import Actor
    from gatehouse_chassis.service.service import ServiceContext

__all__ = ["Actor", "ServiceContext", "create_app"]
