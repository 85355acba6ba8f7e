"""For tests of pages that people type from: the commands in them, and whether each exists with its options."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import click

FENCE = re.compile(r"```bash\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
# What the AWS CLI adds to the API, and its options everywhere.
ADDED = {("logs", "tail"), ("s3", "rm")}
EVERYWHERE = {"query", "output", "region", "max-results"}


def commands(pages: Iterable[Path], *tools: str) -> list[str]:
    """Every command of these tools in the pages, with the part before a pipe or a redirection."""
    found = set()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        lines = [line.strip() for block in FENCE.findall(text) for line in block.splitlines()]
        for line in [*lines, *INLINE.findall(FENCE.sub("", text))]:
            tool, space, _ = line.partition(" ")
            if space and tool in tools:
                found.add(re.split(r" [|>] ", line)[0])
    return sorted(found)


def options(words: list[str]) -> list[str]:
    return [word.removeprefix("--").partition("=")[0] for word in words if word.startswith("--")]


def assert_gate_knows(typed: str) -> None:
    """Its subcommand and each option."""
    from gatehouse_local.gate import gate  # noqa: PLC0415 - who checks another tool's commands needs none of it

    words = shlex.split(typed)[1:]
    command: click.Command = gate
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"there is no {name}"
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    given = [word.partition("=")[0] for word in words if re.fullmatch(r"-\w|--[a-z].*", word)]
    assert [option for option in given if option not in known] == []


def assert_aws_knows(typed: str) -> None:
    """As botocore describes the API: operation, parameters, and those that are needed. Raises KeyError or
    UnknownServiceError where there is no such operation.
    """
    import botocore.session  # noqa: PLC0415 - a quarter of a second
    from botocore import xform_name  # noqa: PLC0415

    _, service, action, *words = shlex.split(typed)
    if (service, action) in ADDED:
        return
    session = botocore.session.get_session()
    model = session.get_service_model(service)
    if action == "wait":
        waiters = session.get_component("data_loader").load_service_model(service, "waiters-2")["waiters"]
        by_name = {xform_name(name, "-"): waiter["operation"] for name, waiter in waiters.items()}
        operation = by_name[words.pop(0)]
    else:
        operation = {xform_name(name, "-"): name for name in model.operation_names}[action]
    shape = model.operation_model(operation).input_shape
    members = {xform_name(name, "-"): member for name, member in (shape.members if shape else {}).items()}
    flags = {f"no-{name}" for name, member in members.items() if member.type_name == "boolean"}
    given = [option for option in options(words) if option not in EVERYWHERE]
    assert [option for option in given if option not in members.keys() | flags] == []
    needed = {xform_name(name, "-") for name in (shape.required_members if shape else [])}
    assert needed <= set(given)
