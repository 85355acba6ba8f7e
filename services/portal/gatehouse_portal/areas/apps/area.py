"""The area `apps`: what single-page applications need of the portal. It has no pages."""

from pathlib import Path

from gatehouse_portal.areas.apps import routes
from gatehouse_portal.shell.area import Area

AREA = Area(name="apps", folder=Path(__file__).parent, routes=routes.ROUTES)
