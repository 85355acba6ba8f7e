"""The commands of a developer's day beside running: test, check, generate, new, doctor, bench.

Each function only reads its arguments and hands over; what a command does is in the module named after it.
"""

import sys

import click

PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": True}


@click.command(context_settings=PASS_ON)
@click.option("--watch", is_flag=True, help="Stay, and rerun what a saved file affects.")
@click.argument("what", nargs=-1, type=click.UNPROCESSED, metavar="[all|unit|blackbox [URL]|journeys|deep|PATH...]")
def test(what: tuple[str, ...], watch: bool) -> None:
    """Run the tests: all of them, a kind, or those below a path.

    Options of pytest (-k, -x, -vv, ...) are passed on to it. `blackbox` tests the platform that runs on this machine,
    or the one at URL; if none runs, it starts one for the time of the tests. `deep` runs the long ones that all other
    runs leave out: thousands of random cases, chaos.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415 - loaded when used

    if watch:
        from gatehouse_local.testing.watch import watch as stay  # noqa: PLC0415

        stay(find_root(), list(what))
    else:
        from gatehouse_local.testing.testrun import run  # noqa: PLC0415

        sys.exit(run(find_root(), list(what)))


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="Run this check only (may be repeated); no tests.")
@click.option("--base", metavar="REVISION", help="Compare with where HEAD left it (default: origin's main).")
@click.option("--all", "everything", is_flag=True, help="Run every test, whatever has changed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts.")
def check(only: tuple[str, ...], base: str | None, everything: bool, as_json: bool) -> None:
    """Check the files (style, types, imports, generated files) and run the tests that a change affects.

    When all is well, a receipt is kept for exactly these files; the hook of `gate hooks install` asks for it before a
    push. What is affected, and why: gate affected.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.checks.checks import checks  # noqa: PLC0415
    from gatehouse_local.checks.run import run_affected, run_only  # noqa: PLC0415

    if only and (base or everything):
        raise click.UsageError("--only excludes --base and --all: it runs these checks and no test.")
    if only:
        sys.exit(run_only(find_root(), only, as_json=as_json))
    root = find_root()
    sys.exit(run_affected(root, checks(root), base=base, everything=everything, as_json=as_json))


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; fail if a file is stale.")
def generate(only_check: bool) -> None:
    """Write the files that are derived from the catalog. They are committed; --check tells if one is stale."""
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.generate import run  # noqa: PLC0415

    sys.exit(run(find_root(), only_check=only_check))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts.")
def doctor(as_json: bool) -> None:
    """Look whether this machine can run Gatehouse. Every finding comes with its fix."""
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.checks.doctor import run  # noqa: PLC0415

    sys.exit(run(find_root(), as_json=as_json))


@click.group()
def new() -> None:
    """Write something new from a template."""


@new.command()
@click.argument("name")
@click.option("--domain", required=True, help="The unit it is promoted with, such as learning.")
@click.option("--new-domain", is_flag=True, help="The domain doesn't exist yet: create it.")
@click.option("--aggregate", default="item", show_default=True, help="What it keeps first: a noun in the singular.")
@click.option("--kind", type=click.Choice(["api"]), default="api", show_default=True)
def service(name: str, domain: str, new_domain: bool, aggregate: str, kind: str) -> None:
    """Write a working, tested service NAME; ./local/up and ./local/test then know it with no other edit."""
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.scaffold import new_service  # noqa: PLC0415

    new_service(
        find_root(), name, domain=domain, new_domain=new_domain, aggregate=aggregate, kind=kind, report=click.echo
    )


@click.command(context_settings=PASS_ON)
@click.argument("name")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(name: str, arguments: tuple[str, ...]) -> None:
    """Measure where we stand against the figures to reach: delivery, services, local, db-manager and others.

    NAME is a script in tests/benchmarks. What it compares with is installed first.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.checks.bench import run  # noqa: PLC0415

    sys.exit(run(find_root(), name, list(arguments)))
