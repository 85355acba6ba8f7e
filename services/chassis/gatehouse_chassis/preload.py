"""Importing this imports what every service shares. The local runner does so once, and forks services from there."""

from gatehouse_chassis.base.optional_imports import left_out

with left_out():
    from gatehouse_chassis import app, serve
    from gatehouse_chassis.base.tls import trusted_authorities

    trusted_authorities()

__all__ = ["app", "serve"]
