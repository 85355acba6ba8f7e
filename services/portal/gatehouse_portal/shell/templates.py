"""The template engine: the shell's templates and filters, and those that areas bring."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from gatehouse_portal.shell import format
from gatehouse_portal.shell.area import Area
from gatehouse_portal.shell.assets import SHELL, Assets
from gatehouse_portal.shell.forms import FIELD


def template_config(areas: Iterable[Area], assets: Assets) -> TemplateConfig[JinjaTemplateEngine]:
    """Templates that escape everything and stop at a name that isn't there. Raises ValueError for a name used twice."""
    areas = list(areas)
    loaders = {"shell": jinja2.FileSystemLoader(SHELL / "templates")}
    loaders |= {area.name: jinja2.FileSystemLoader(area.folder / "templates") for area in areas}
    environment = jinja2.Environment(
        loader=jinja2.PrefixLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    everywhere: dict[str, Any] = {"asset": assets.address, "FORM_FIELD": FIELD}
    environment.globals.update(everywhere)
    environment.filters.update(_filters([format.FILTERS, *(area.filters for area in areas)]))
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def _filters(mappings: Iterable[Mapping[str, Callable[..., Any]]]) -> dict[str, Callable[..., Any]]:
    merged: dict[str, Callable[..., Any]] = {}
    for mapping in mappings:
        for name, value in mapping.items():
            if merged.setdefault(name, value) != value:
                raise ValueError(f"Two areas declare the filter {name!r}. Rename one of them in its area.py.")
    return merged
