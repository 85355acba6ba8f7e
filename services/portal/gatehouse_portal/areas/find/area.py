"""The area `find`."""

from pathlib import Path

from gatehouse_portal.areas.find import routes
from gatehouse_portal.shell.area import Area

AREA = Area(name="find", folder=Path(__file__).parent, routes=routes.ROUTES)
