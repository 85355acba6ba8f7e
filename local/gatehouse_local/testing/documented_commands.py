"""Finds the commands in documentation and asserts that each exists with its options; for tests of README files."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import click

FENCE = re.compile(r"```bash\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
# Commands of the AWS CLI without an API operation of the same name, and its global options.
CLI_ONLY = {("logs", "tail"), ("s3", "rm")}
GLOBAL_OPTIONS = {"query", "output", "region", "max-results"}


def commands(pages: Iterable[Path], *tools: str) -> list[str]:
    """Every command of these tools in the pages, up to a pipe or a redirection."""
    typed = set()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        lines = [line.strip() for block in FENCE.findall(text) for line in block.splitlines()]
        for line in [*lines, *INLINE.findall(FENCE.sub("", text))]:
            tool, space, _ = line.partition(" ")
            if space and tool in tools:
                typed.add(re.split(r" [|>] ", line)[0])
    return sorted(typed)


def options(words: list[str]) -> list[str]:
    return [word.removeprefix("--").partition("=")[0] for word in words if word.startswith("--")]


def assert_gate_knows(typed: str) -> None:
    """Asserts that the subcommand and each option exist."""
    from gatehouse_local.gate import gate  # noqa: PLC0415 - not needed to check other tools

    words = shlex.split(typed)[1:]
    command: click.Command = gate
    while isinstance(command, click.Group):
        name = words.pop(0)
        subcommand = command.get_command(click.Context(command), name)
        assert subcommand is not None, f"there is no {name}"
        command = subcommand
    known = {option for parameter in command.params for option in parameter.opts}
    used = [word.partition("=")[0] for word in words if re.fullmatch(r"-\w|--[a-z].*", word)]
    assert [option for option in used if option not in known] == []


def assert_aws_knows(typed: str) -> None:
    """Asserts, from botocore's API description, that the operation, its parameters and all required ones are there.
    Raises KeyError or UnknownServiceError if there is no such operation.
    """
    import botocore.session  # noqa: PLC0415 - a quarter of a second
    from botocore import xform_name  # noqa: PLC0415

    _, service, action, *words = shlex.split(typed)
    if (service, action) in CLI_ONLY:
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
    used = [option for option in options(words) if option not in GLOBAL_OPTIONS]
    assert [option for option in used if option not in members.keys() | flags] == []
    required = {xform_name(name, "-") for name in (shape.required_members if shape else [])}
    assert required <= set(used)
