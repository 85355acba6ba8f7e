"""The pages of the portal, one folder an area. What an area is: shell/area.py."""

from importlib import import_module
from pkgutil import iter_modules

from gatehouse_portal.shell.area import Area


def all_areas(*instead: Area) -> list[Area]:
    """The AREA of every folder here; `instead` replaces those of the same name, or is added (for tests)."""
    folders = sorted(module.name for module in iter_modules(__path__) if module.ispkg)
    areas = {folder: import_module(f"{__name__}.{folder}.area").AREA for folder in folders}
    return [*(areas | {area.name: area for area in instead}).values()]
