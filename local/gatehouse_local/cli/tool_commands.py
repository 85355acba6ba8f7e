"""The developer commands that don't run the platform: test, check, generate, new, doctor, bench.

Each function only parses arguments; the work is in the module named after the command.
"""

import sys

import click

PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": True}


@click.command(context_settings=PASS_ON)
@click.option("--watch", is_flag=True, help="Keep running; rerun the tests that a saved file affects.")
@click.argument("what", nargs=-1, type=click.UNPROCESSED, metavar="[all|unit|blackbox [URL]|journeys|deep|PATH...]")
def test(what: tuple[str, ...], watch: bool) -> None:
    """Run the tests: all of them, one kind, or those below a path.

    Options of pytest (-k, -x, -vv, ...) are passed on. `blackbox` tests the platform running on this machine, or the
    one at URL; if none is running, it starts one for the tests. `deep` runs the long tests that every other run leaves
    out: thousands of random cases, chaos.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415 - loaded when used

    if watch:
        from gatehouse_local.testing.watch import rerun_on_save  # noqa: PLC0415

        rerun_on_save(find_root(), list(what))
    else:
        from gatehouse_local.testing.testrun import run  # noqa: PLC0415

        sys.exit(run(find_root(), list(what)))


@click.command()
@click.argument("parts", nargs=-1, metavar="[promotion|planner|auth]...")
@click.option("--count", default=300, show_default=True, help="The size of the sample.")
@click.option("--minutes", default=1e9, help="Stop after so long; the next run continues.")
def mutate(parts: tuple[str, ...], count: int, minutes: float) -> None:
    """Change one thing at a time in the riskiest code, and check whether a test notices.

    Mutants that survive must stand in local/gatehouse_local/mutation/survivors.toml with a reason, and be few.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.mutation.run import run  # noqa: PLC0415

    sys.exit(run(find_root(), parts, count=count, minutes=minutes))


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="Run this check only (may be repeated); no tests.")
@click.option(
    "--base", metavar="REVISION", help="Compare with the merge base of HEAD and REVISION (default: origin's main)."
)
@click.option("--all", "everything", is_flag=True, help="Run every test, not only the affected ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts.")
def check(only: tuple[str, ...], base: str | None, everything: bool, as_json: bool) -> None:
    """Check the files (style, types, imports, generated files) and run the tests that a change affects.

    If everything passes, a receipt is written for exactly these files; the git hook of `gate hooks install` requires it
    before a push. `gate affected` shows what is affected and why.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.checks.checks import checks  # noqa: PLC0415
    from gatehouse_local.checks.run import run_affected, run_only  # noqa: PLC0415

    if only and (base or everything):
        raise click.UsageError("--only runs checks and no tests, so it can't be combined with --base or --all.")
    if only:
        sys.exit(run_only(find_root(), only, as_json=as_json))
    root = find_root()
    sys.exit(run_affected(root, checks(root), base=base, everything=everything, as_json=as_json))


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if a file is stale.")
def generate(only_check: bool) -> None:
    """Write the committed files that are derived from the catalog."""
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.generate import run  # noqa: PLC0415

    sys.exit(run(find_root(), only_check=only_check))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts.")
def doctor(as_json: bool) -> None:
    """Check whether this machine can run Gatehouse. Every problem comes with a fix."""
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.checks.doctor import run  # noqa: PLC0415

    sys.exit(run(find_root(), as_json=as_json))


@click.group()
def new() -> None:
    """Create something new from a template."""


@new.command()
@click.argument("name")
@click.option("--domain", required=True, help="The domain it is promoted with, such as learning.")
@click.option("--new-domain", is_flag=True, help="Create the domain, which doesn't exist yet.")
@click.option("--aggregate", default="item", show_default=True, help="Its first aggregate: a singular noun.")
@click.option("--kind", type=click.Choice(["api"]), default="api", show_default=True)
def service(name: str, domain: str, new_domain: bool, aggregate: str, kind: str) -> None:
    """Create a working, tested service NAME. ./local/up and ./local/test include it without further edits."""
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.scaffold import new_service  # noqa: PLC0415

    new_service(
        find_root(), name, domain=domain, new_domain=new_domain, aggregate=aggregate, kind=kind, report=click.echo
    )


@new.command("app")
@click.argument("name")
@click.option("--domain", required=True, help="The domain it is promoted with, such as learning.")
@click.option("--new-domain", is_flag=True, help="Create the domain, which doesn't exist yet.")
def created_app(name: str, domain: str, new_domain: bool) -> None:
    """Create a working, tested single-page application NAME (TypeScript, Vue) at /apps/NAME."""
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.scaffold import new_app  # noqa: PLC0415

    new_app(find_root(), name, domain=domain, new_domain=new_domain, report=click.echo)


@click.group()
def remove() -> None:
    """Remove something from this checkout."""


@remove.command("service")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
def removed_service(name: str, yes: bool) -> None:
    """Remove the service NAME: its folder, its place in the lock, and what is generated from it.

    Refused while another service calls it. Where it is released it runs on, until a promotion takes it out.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.remove_service import remove_service  # noqa: PLC0415

    def confirm(question: str) -> None:
        if not yes:
            click.confirm(question, abort=True)

    remove_service(find_root(), name, confirm=confirm, report=click.echo)


@click.command(context_settings=PASS_ON)
@click.argument("name")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(name: str, arguments: tuple[str, ...]) -> None:
    """Run a benchmark against its targets: delivery, services, local, db-manager and others.

    NAME is a script in tests/benchmarks. The peers it compares with are installed first.
    """
    from gatehouse_catalog import find_root  # noqa: PLC0415
    from gatehouse_local.checks.bench import run  # noqa: PLC0415

    sys.exit(run(find_root(), name, list(arguments)))
