"""`gate image`: builds, measures and scans images. What a command does is in the module it imports."""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatehouse_ci.images import Built

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
@click.option("--push", "registry", metavar="REGISTRY", default="", help="Push to REGISTRY/SERVICE:TAG as well.")
@_json
def build(services: tuple[str, ...], tag: str, platform: str, base: str, registry: str, as_json: bool) -> None:
    """Build each service's image and its database's (default: of all services), and say how large they are."""
    from gatehouse_catalog import find_root, load_catalog
    from gatehouse_ci import engine, images

    root = find_root()
    wanted = images.images_of(load_catalog(root), services)
    found = images.build(
        engine.find(),
        root,
        wanted,
        tag=tag,
        base=base or images.BASE,
        platform=platform,
        registry=registry.rstrip("/"),
        report=lambda line: click.echo(line, err=True),
    )
    _show(found, as_json=as_json)
    images.check_sizes(found)


def _show(found: "list[Built]", *, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    width = max(len(one.reference) for one in found)
    for one in found:
        pushed = f"  {one.digest}" if one.digest else ""
        click.echo(f"{one.reference:{width}}  {one.platform}  {one.above_base / 1e6:5.1f} MB above the base{pushed}")
