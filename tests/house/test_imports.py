"""Who may import whom: the contracts say what house.md says, break when it is broken, and hold a new service too."""

import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_local.checks.import_contracts import contracts
from gatehouse_local.workspace import Member, members


def member(name: str, folder: Path, *, service: bool = True) -> Member:
    (folder / f"gatehouse_{name}").mkdir(parents=True, exist_ok=True)
    (folder / f"gatehouse_{name}" / "__init__.py").touch()
    if service:
        (folder / "service.toml").touch()
    return Member(f"gatehouse-{name}", folder, f"gatehouse_{name}", frozenset())


@pytest.fixture
def house(tmp_path: Path) -> list[Member]:
    services = [member(name, tmp_path / name) for name in ("person", "topics")]
    return [
        *services,
        member("catalog", tmp_path / "catalog", service=False),
        member("chassis", tmp_path / "chassis", service=False),
    ]


def linted(known: list[Member], tmp_path: Path) -> subprocess.CompletedProcess:
    """Runs import-linter over these members in an interpreter that knows no others."""
    lines = ["[tool.importlinter]", f"root_packages = {[one.package for one in known]}"]
    for contract in contracts(known):
        lines += ["[[tool.importlinter.contracts]]", *(f"{key} = {value!r}" for key, value in contract.items())]
    (tmp_path / "contracts.toml").write_text("\n".join(lines))
    places = ", ".join(repr(str(one.folder)) for one in known)
    code = f"import sys; sys.path[:0] = [{places}]; from importlinter import cli; cli.lint_imports_command()"
    command = [sys.executable, "-c", code, "--config", "contracts.toml", "--no-cache"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_what_may_be_imported_may(house: list[Member], tmp_path: Path):
    (tmp_path / "person" / "gatehouse_person" / "app.py").write_text("import gatehouse_chassis\n")
    (tmp_path / "chassis" / "gatehouse_chassis" / "app.py").write_text("import gatehouse_catalog\n")
    done = linted(house, tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("importer", "imported"), [("person", "topics"), ("chassis", "person"), ("catalog", "chassis")]
)
def test_what_may_not_is_refused(house: list[Member], tmp_path: Path, importer: str, imported: str):
    (tmp_path / importer / f"gatehouse_{importer}" / "bad.py").write_text(f"import gatehouse_{imported}\n")
    done = linted(house, tmp_path)
    assert done.returncode != 0
    assert f"gatehouse_{importer}.bad" in done.stdout


def test_a_circle_between_packages_of_a_member_is_refused(house: list[Member], tmp_path: Path):
    package = tmp_path / "person" / "gatehouse_person"
    for name, text in {
        "data/rows.py": "from gatehouse_person.http import routes\n",
        "http/routes.py": "import typing\nif typing.TYPE_CHECKING:\n    from gatehouse_person.data import rows\n",
        "data/__init__.py": "",
        "http/__init__.py": "",
    }.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text)
    done = linted(house, tmp_path)
    assert done.returncode != 0
    assert "gatehouse_person: its packages import one another in one direction BROKEN" in done.stdout


def test_every_service_is_held_to_a_contract(root: Path):
    services = {one.package for one in members(root).values() if one.is_service}
    held = {
        contract["id"]: set(contract["forbidden_modules"])
        for contract in contracts([*members(root).values()])
        if contract["type"] == "forbidden"
    }
    for service in services:
        assert services - {service} <= held[service]


def test_every_folder_of_a_package_is_a_package(root: Path):
    """Without `__init__.py` import-linter doesn't see a folder, and holds it to no contract."""
    folders = {
        module.parent
        for member in members(root).values()
        for module in (member.folder / member.package).rglob("*.py")
        if "templates" not in module.parts
    }
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").is_file()) == []


def test_help_imports_nothing_but_click():
    code = (
        "import sys\n"
        "from gatehouse_local.gate import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "from sysconfig import get_paths\n"
        "place = get_paths()['purelib']\n"
        "own = [n for n in sys.modules if n.startswith('gatehouse_')]\n"
        "others = [n for n, m in sys.modules.items() if (getattr(m, '__file__', None) or '').startswith(place)]\n"
        "print(sorted({n.split('.')[0] for n in others} | set(own)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout
    allowed = {
        "click",
        "gatehouse_local",
        "gatehouse_local.gate",
        "gatehouse_local.hints",
        "_virtualenv",
        "_distutils_hack",
    }
    assert set(eval(done.stderr.strip().splitlines()[-1])) <= allowed, "imported when it is used, not before"
