"""Scans built images for build tools, dangerous code and packages with known vulnerabilities.

The scanners (bandit, pip-audit) are run by `uv tool run`. bandit needs nothing else; pip-audit asks an advisory
service, and the report says so when that can't be reached. Debian's packages in the base image aren't scanned: every
scanner for them downloads its list from a service of its own.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gatehouse_ci.images.docker import Engine, last

BANDIT, PIP_AUDIT = "bandit==1.9.4", "pip-audit==2.10.1"
# Run in the image: its packages, and what has no place in it.
_LOOK = """
import importlib.metadata, json, os, shutil
tools = [name for name in ("uv", "pip", "pip3", "gcc", "cc", "make", "git", "curl", "wget") if shutil.which(name)]
for module in ("pip", "ensurepip", "setuptools", "uv"):
    try:
        __import__(module)
        tools.append("python module " + module)
    except ImportError:
        pass
try:
    open("/gatehouse/.written", "w").close()
    tools.append("a file system that can be written")
except OSError:
    pass
if os.getuid() == 0:
    tools.append("root as its user")
packages = {found.name: found.version for found in importlib.metadata.distributions()}
print(json.dumps({"tools": tools, "packages": packages}))
"""
_UNREACHABLE = ("ConnectionError", "NameResolutionError", "Max retries", "Failed to resolve", "could not be audited")


class Inside(msgspec.Struct, frozen=True):
    tools: list[str]
    packages: dict[str, str]


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The findings. `not_looked_at`: what no scanner could check."""

    images: list[str]
    findings: list[str]
    packages: int
    not_looked_at: list[str]


def scan_images(engine: Engine, references: Iterable[str]) -> Scan:
    """Scans images on this machine."""
    images = list(references)
    inside = {image: look(engine, image) for image in images}
    findings = [f"{image}: {tool} is inside" for image, one in inside.items() for tool in one.tools]
    ours = {name for one in inside.values() for name in one.packages if name.startswith("gatehouse")}
    pinned = sorted(
        {f"{name}=={version}" for one in inside.values() for name, version in one.packages.items() if name not in ours}
    )
    findings += dangerous_code(engine, images)
    known = vulnerabilities(pinned)
    return Scan(
        images=images,
        findings=findings + (known or []),
        packages=len(pinned),
        not_looked_at=[
            *(["known vulnerabilities of packages: the advisory service can't be reached"] if known is None else []),
            "Debian's packages of the base image",
        ],
    )


def look(engine: Engine, image: str) -> Inside:
    words = ["run", "--rm", "--read-only", "--network", "none", "--entrypoint", "python3", image, "-c", _LOOK]
    said = engine.ask(*words, why=f"{image} can't be inspected")
    return msgspec.json.decode(said, type=Inside)


def dangerous_code(engine: Engine, images: Iterable[str]) -> list[str]:
    """What bandit calls of high severity in our own packages, of all images together: they share most."""
    with tempfile.TemporaryDirectory() as scratch:
        for image in images:
            made = engine.ask("create", image, why=f"{image} can't be inspected")
            try:
                engine.ask("cp", f"{made}:/opt/project", scratch, why=f"{image} has no /opt/project")
            finally:
                engine.ask("rm", made, why="The container can't be removed")
        done = _tool(BANDIT, "--quiet", "--recursive", scratch, "-lll", "--format", "json")
    try:
        found = json.loads(done.stdout)["results"]
    except (json.JSONDecodeError, KeyError):
        return [f"bandit fails: {last(done.stderr, 3)}"]
    return [
        f"{one['filename'].partition('/project/')[2]}:{one['line_number']}: {one['issue_text']} ({one['test_id']})"
        for one in found
    ]


def vulnerabilities(pinned: list[str]) -> list[str] | None:
    """Each package with a known vulnerability; None when the advisory service can't be reached."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "packages.txt")
        file.write_text("\n".join(pinned), encoding="utf-8")
        options = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json")
        done = _tool(PIP_AUDIT, *options, "--vulnerability-service", "osv", "--requirement", str(file))
    try:
        said = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        if any(words in done.stderr for words in _UNREACHABLE):
            return None
        return [f"pip-audit fails: {last(done.stderr, 3)}"]
    return vulnerable(said)


def vulnerable(dependencies: Iterable[dict]) -> list[str]:
    """The findings in what pip-audit prints. It knows no severities, so each counts."""
    return [
        f"{one['name']} {one['version']}: {known['id']} (fixed in {', '.join(known['fix_versions']) or 'none yet'})"
        for one in dependencies
        for known in one.get("vulns", [])
    ]


def _tool(package: str, *words: str) -> subprocess.CompletedProcess[str]:
    own = Path(".gate", "uv")  # where ./local/gate puts one, when there is none on the path
    uv = next(filter(None, map(shutil.which, ["uv", str(own / "bin" / "uv"), str(own / "lib" / "bin" / "uv")])), "uv")
    command = [uv, "tool", "run", "--quiet", "--from", package, package.partition("==")[0], *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
