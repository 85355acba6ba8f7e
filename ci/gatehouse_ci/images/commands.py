"""`gate image`: builds, measures and scans images. Each command calls the module that it imports."""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatehouse_ci.images.build import Built

_services = click.argument("services", nargs=-1, metavar="[SERVICE]...")
_tag = click.option("--tag", default="local", show_default=True, help="The images' tag, and their version.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def image() -> None:
    """Build and scan the images of services and their databases."""


@image.command()
@_services
@_tag
@click.option("--platform", default="", help="Such as linux/arm64; default: the engine's own.")
@click.option("--base", default="", help="Another base image than the one that ci/base-images names.")
@click.option(
    "--builder", default="", help="With --platform: an image that runs here, in which packages are installed."
)
@click.option("--push", "registry", metavar="REGISTRY", default="", help="Push to REGISTRY/SERVICE:TAG as well.")
@_json
def build(
    *, services: tuple[str, ...], tag: str, platform: str, base: str, builder: str, registry: str, as_json: bool
) -> None:
    """Build each service's image and its database's (default: of all services), and show their sizes."""
    from gatehouse_catalog import find_root, load_catalog
    from gatehouse_ci.images import build, docker

    root = find_root()
    wanted = build.images_of(load_catalog(root), _words(services))
    found = build.build(
        docker.find(),
        root,
        wanted,
        tag=tag,
        base=base or build.base_of(root),
        platform=platform,
        registry=registry.rstrip("/"),
        builder=builder,
        report=lambda line: click.echo(line, err=True),
    )
    _show(found, as_json=as_json)
    build.check_sizes(found)


@image.command()
@click.option("--check", is_flag=True, help="Only say which isn't the newest; 1 where one isn't.")
def pin(*, check: bool) -> None:
    """Pin the base images to the digests that their tags lead to now.

    Asks their registries, and writes ci/base-images/Dockerfile, which builds read. A pin that is older is kept until
    you, or Dependabot, renew it.
    """
    import gatehouse_catalog
    from gatehouse_ci.images.base_digests import pin_all
    from gatehouse_release.adapters.registry import RegistryError

    try:
        newest = pin_all(gatehouse_catalog.find_root(), check=check)
    except (RegistryError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if check and not newest:
        raise click.exceptions.Exit(1)


@image.command("unit-tests")
@click.argument("services", nargs=-1, required=True, metavar="SERVICE...")
@click.option("--output", type=click.Path(dir_okay=False), required=True, help="The file for the results (JSON).")
def unit_tests(services: tuple[str, ...], output: str) -> None:
    """Run the unit tests of each service, and write what came of them, for `gate image index --tests`.

    Ends well even where some fail: a release carries its result, and a promotion to Test asks for it.
    """
    from pathlib import Path

    import msgspec

    from gatehouse_catalog import find_root, load_catalog
    from gatehouse_ci.images import unit_tests

    root = find_root()
    catalog = load_catalog(root)
    names = [catalog[name].name for name in _words(services)]
    found = unit_tests.run(root, names, report=click.echo)
    Path(output).write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


@image.command()
@click.argument("services", nargs=-1, required=True, metavar="SERVICE...")
@click.option("--tag", required=True, help="The release's; TAG-amd64 and TAG-arm64 have been pushed.")
@click.option(
    "--output", type=click.Path(file_okay=False), required=True, help="The folder for SERVICE.json and SBOMs."
)
@click.option(
    "--tests",
    type=click.Path(dir_okay=False),
    help="What `gate image unit-tests` wrote: each release carries its own. Without it they count as not run.",
)
def index(services: tuple[str, ...], tag: str, output: str, tests: str | None) -> None:
    """Join the images of both architectures into one index, and write the releases.

    Writes SERVICE.json, which `gate promote built` reads, in the folder sbom an SBOM (CycloneDX) for each image, and in
    the folder attest subjects.txt: the digests of all these, for one attestation.
    """
    import os
    from pathlib import Path

    import msgspec

    from gatehouse_catalog import find_root, load_catalog
    from gatehouse_catalog.releases import UnitTests
    from gatehouse_ci.images import index
    from gatehouse_release.adapters.registry import connect

    root, folder = find_root(), Path(output)
    catalog = load_catalog(root)
    try:
        results = msgspec.json.decode(Path(tests).read_bytes(), type=dict[str, UnitTests]) if tests else {}
    except (OSError, msgspec.DecodeError) as error:
        raise click.ClickException(f"{tests}: {error}. Fix: gate image unit-tests writes it.") from None
    subjects: dict[str, str] = {}
    for part in ("sbom", "attest"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with connect(root, os.environ) as registry:
        for service in _words(services):
            made = index.release(root, catalog, catalog[service], registry, tag, results.get(service))
            for image, digest in ((service, made.digest), (f"{service}-database", made.database_digest)):
                subjects |= {registry.name(image): digest} if digest else {}
            for image, text in index.sbom(root, catalog, catalog[service]).items():
                (folder / "sbom" / f"{image}.cdx.json").write_text(text, encoding="utf-8")
                subjects[f"{image}.cdx.json"] = index.digest_of(text)
            (folder / f"{service}.json").write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
            click.echo(f"{registry.name(service)}@{made.digest}  {tag}")
    (folder / "attest" / "subjects.txt").write_text(index.checksums(subjects), encoding="utf-8")


def _words(services: tuple[str, ...]) -> list[str]:
    """The names; a workflow gives all of them as one quoted word."""
    return " ".join(services).split()


def _show(found: "list[Built]", *, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    width = max(len(one.reference) for one in found)
    for one in found:
        pushed = f"  {one.digest}" if one.digest else ""
        click.echo(f"{one.reference:{width}}  {one.platform}  {one.above_base / 1e6:5.1f} MB above the base{pushed}")


@image.command()
@_services
@_tag
@_json
def scan(services: tuple[str, ...], tag: str, as_json: bool) -> None:
    """Scan built images for build tools, dangerous code and packages with known vulnerabilities."""
    import msgspec

    from gatehouse_catalog import find_root, load_catalog
    from gatehouse_ci.images import build, docker
    from gatehouse_ci.images.scan import scan_images

    wanted = build.images_of(load_catalog(find_root()), services)
    report = scan_images(docker.find(), [f"{build.LOCAL}/{one.name}:{tag}" for one in wanted])
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        click.echo("\n".join(report.findings) or f"No findings in {len(report.images)} images.")
        click.echo(f"{report.packages} packages. Not scanned: {'; '.join(report.not_looked_at)}.")
    if report.findings:
        raise click.exceptions.Exit(1)


@image.command("prune")
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="Keep what is younger.")
@click.option("--delete", is_flag=True, help="Delete them; without it they are only listed.")
def prune_images(days: int, delete: bool) -> None:
    """List the images that nobody runs and no record could return to, or delete them.

    Kept is whatever a stack file or a record of any environment names. Needs GITHUB_TOKEN.
    """
    import os
    from datetime import UTC, datetime, timedelta

    from gatehouse_catalog import find_root
    from gatehouse_ci.images import prune
    from gatehouse_release.adapters import registry, wiring
    from gatehouse_release.adapters.github import API
    from gatehouse_release.git.files import stack_config
    from gatehouse_release.state import read_state

    root, token = find_root(), os.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise click.ClickException("There is no token for GitHub. Fix: set GITHUB_TOKEN (packages: write).")
    repository = os.environ.get("GITHUB_REPOSITORY") or str(stack_config(root, "dev").get("gatehouse:repository"))
    packages = prune.Packages(repository, token, os.environ.get("GITHUB_API_URL") or API)
    with registry.connect(root, os.environ) as opened:
        count = prune.prune(
            read_state(*wiring.connect(root, os.environ).repository.read()),
            opened,
            packages,
            datetime.now(UTC),
            younger_than=timedelta(days=days),
            delete=delete,
            report=click.echo,
        )
    click.echo(f"{count} image versions {'were deleted' if delete else 'would be deleted: add --delete'}.")
