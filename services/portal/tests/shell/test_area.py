"""Areas: a new one is a folder and nothing else; none knows another, and the shell knows none."""

import ast
from pathlib import Path

import pytest
import pytest_asyncio

from gatehouse_chassis.testing import serving
from gatehouse_portal import areas
from gatehouse_portal.app import create
from gatehouse_portal.shell.area import Area
from gatehouse_portal.shell.assets import SHELL, Assets
from gatehouse_portal.shell.templates import template_config
from gatehouse_portal.tables import DB

FILES = {
    "__init__.py": "",
    "area.py": """
from pathlib import Path

from litestar import Request, get
from litestar.response import Template

from gatehouse_portal.shell import guards
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry
from gatehouse_portal.shell.page import page


@get("/garden", guards=[guards.pages_for("mentor")], include_in_schema=False)
async def garden(request: Request) -> Template:
    return page(request, "garden/garden.html", trees=["oak"])


async def load(request, actor):
    return {"trees": ["elm"]} if actor.has("mentor") else None


AREA = Area(
    name="garden",
    folder=Path(__file__).parent,
    navigation=(NavEntry(name="Garden", path="/garden", order=25, seen_by=("mentor",)),),
    routes=(garden,),
    filters={"shout": str.upper},
    sections=(HomeSection(title="Your garden", order=5, template="garden/home.html", load=load),),
)
""",
    "garden.css": ".garden { color: var(--good); }\n",
    "templates/garden.html": '{% extends "shell/base.html" %}{% block title %}Garden{% endblock %}{% block main %}'
    '<h1 class="garden">{% for tree in trees %}{{ tree|label|shout }}{% endfor %}</h1>{% endblock %}',
    "templates/home.html": "<h2>{{ values.trees|join }}</h2>",
}


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory):
    """A folder `garden` below the package's areas, as far as Python can tell."""
    folder = tmp_path_factory.mktemp("areas")
    for name, text in FILES.items():
        file = folder / "garden" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(areas, "__path__", [*areas.__path__, str(folder)])
        yield


@pytest_asyncio.fixture(loop_scope="module")
async def gardener(garden, service_url, peers):
    """A browser of a portal that has the new area."""
    peers.reset()
    await DB.close()
    async with serving("portal", create, database_url=service_url, environ=peers.environ) as portal:
        peers.tokens = portal.tokens
        async with peers.browser(portal) as browser:
            yield browser


async def test_a_new_folder_is_a_new_area(gardener, elements):
    await gardener.sign_in("mentor")
    home = (await gardener.see("/")).text
    assert "<h2>elm</h2>" in home
    page = (await gardener.see("/garden")).text
    assert "OAK" in page
    links = [attributes for tag, attributes in elements(page).found if tag == "a" and "href" in attributes]
    assert {"href": "/garden", "aria-current": "page"} in links
    (sheet,) = [one["href"] for tag, one in elements(page).found if tag == "link" and one.get("rel") == "stylesheet"]
    assert ".garden { color" in (await gardener.get(sheet)).text


async def test_whom_an_area_isnt_for_doesnt_see_it(gardener):
    await gardener.sign_in("member")
    home = (await gardener.see("/")).text
    assert "Garden" not in home
    assert "elm" not in home
    assert (await gardener.get("/garden")).status_code == 404


def test_two_areas_with_one_filter_are_refused(tmp_path: Path):
    both = [
        Area(name="first", folder=tmp_path, routes=(), filters={"shout": str.upper}),
        Area(name="second", folder=tmp_path, routes=(), filters={"shout": str.lower}),
    ]
    with pytest.raises(ValueError, match="the filter 'shout'"):
        template_config(both, Assets(both))


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return modules | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def test_no_area_imports_another_and_the_shell_imports_none():
    root = SHELL.parent
    for file in root.rglob("*.py"):
        inside = file.relative_to(root).parts
        if inside[0] not in ("shell", "areas") or inside == ("areas", "__init__.py"):
            continue
        own = f"gatehouse_portal.areas.{inside[1]}" if inside[0] == "areas" else "gatehouse_portal.shell"
        others = {module for module in imports(file) if module.startswith("gatehouse_portal.areas.")}
        assert {module for module in others if not f"{module}.".startswith(f"{own}.")} == set(), file
