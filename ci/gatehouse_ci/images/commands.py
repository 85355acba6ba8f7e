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
@click.option("--base", default="", help="Another base image than the recipes' own.")
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
    wanted = build.images_of(load_catalog(root), services)
    found = build.build(
        docker.find(),
        root,
        wanted,
        tag=tag,
        base=base or build.BASE,
        platform=platform,
        registry=registry.rstrip("/"),
        builder=builder,
        report=lambda line: click.echo(line, err=True),
    )
    _show(found, as_json=as_json)
    build.check_sizes(found)


@image.command()
@click.argument("service")
@click.option("--tag", required=True, help="The release's; TAG-amd64 and TAG-arm64 have been pushed.")
@click.option(
    "--output", type=click.Path(file_okay=False), required=True, help="The folder for SERVICE.json and SBOMs."
)
@click.option("--github", is_flag=True, help="Also write a workflow step's outputs to $GITHUB_OUTPUT.")
def index(service: str, tag: str, output: str, github: bool) -> None:
    """Join the images of both architectures into one index, and write the release.

    Writes SERVICE.json, which `gate promote built` reads, and an SBOM (CycloneDX) for each image.
    """
    import os
    from pathlib import Path

    import msgspec

    from gatehouse_catalog import find_root, load_catalog
    from gatehouse_ci.images import index
    from gatehouse_ci.workflows.outputs import for_workflow
    from gatehouse_release.adapters.registry import connect

    root, folder = find_root(), Path(output)
    catalog = load_catalog(root)
    with connect(root, os.environ) as registry:
        made = index.release(root, catalog, catalog[service], registry, tag)
        name = registry.name(service)
    folder.mkdir(parents=True, exist_ok=True)
    for image, text in index.sbom(root, catalog, catalog[service]).items():
        (folder / f"{image}.cdx.json").write_text(text, encoding="utf-8")
    (folder / f"{service}.json").write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    if github:
        for_workflow({"image": name, "digest": made.digest, "database_digest": made.database_digest or ""})
    click.echo(f"{name}@{made.digest}  {tag}")


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
