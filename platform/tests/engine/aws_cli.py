"""The AWS CLI, as far as the runbooks use it: a command is read by the SDK's description of the API, and then called.

For machines without the CLI, and so that a misspelt word is found without a call. An operation that moto hasn't got is
read to the end and answers nothing. Called as `aws`, with AWS_ENDPOINT_URL.
"""

import json
import os
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from botocore import xform_name

REGION = "eu-central-1"
NOT_IN_MOTO = {"PutAccountDetails", "LookupEvents", "DescribeDBEngineVersions"}
OUTPUTS = ("json", "text")


class WrongCommand(Exception):
    """What the AWS CLI would refuse before it calls anything."""


@cache
def session() -> Any:
    return botocore.session.get_session()


@cache
def model(service: str) -> Any:
    return session().get_service_model(service)


@cache
def waiters(service: str) -> dict[str, str]:
    """The operation that each waiter of a service asks, by the name that the CLI has for the waiter."""
    described = session().get_component("data_loader").load_service_model(service, "waiters-2")["waiters"]
    return {xform_name(name, "-"): waiter["operation"] for name, waiter in described.items()}


class Call:
    """One command, read. Raises WrongCommand with what is wrong."""

    def __init__(self, words: list[str], folder: Path) -> None:
        if len(words) < 2:
            raise WrongCommand("a service and an operation are needed")
        self.service, action, *rest = words
        if self.service not in session().get_available_services():
            raise WrongCommand(f"there is no service {self.service}")
        self._model = model(self.service)
        self._folder = folder
        self.waiter = ""
        if action == "wait":
            known = waiters(self.service)
            if not rest or rest[0] not in known:
                raise WrongCommand(f"{self.service} has no waiter {' '.join(rest[:1])}")
            self.waiter = rest.pop(0)
            self.operation = known[self.waiter]
        else:
            operations = {xform_name(name, "-"): name for name in self._model.operation_names}
            if action not in operations:
                raise WrongCommand(f"{self.service} has no operation {action}")
            self.operation = operations[action]
        self.query, self.output = "", "json"
        self.parameters = self._parameters(rest)

    def _parameters(self, words: list[str]) -> dict[str, Any]:
        shape = self._model.operation_model(self.operation).input_shape
        members = {xform_name(name, "-"): (name, member) for name, member in (shape.members if shape else {}).items()}
        found: dict[str, Any] = {}
        while words:
            option = words.pop(0)
            if not option.startswith("--"):
                raise WrongCommand(f"{option} belongs to no option")
            values = []
            while words and not words[0].startswith("--"):
                values.append(words.pop(0))
            key = option.removeprefix("--")
            if key == "query":
                self.query = values[0]
                jmespath.compile(self.query)
            elif key == "output":
                self.output = values[0]
                if self.output not in OUTPUTS:
                    raise WrongCommand(f"--output {self.output}")
            elif key in members:
                name, member = members[key]
                found[name] = self._value(member, values) if values or member.type_name != "boolean" else True
            elif key.startswith("no-") and members.get(key[3:], ("", None))[1] is not None and not values:
                found[members[key[3:]][0]] = False
            else:
                raise WrongCommand(f"{self.operation} has no option {option}")
        missing = [name for name in (shape.required_members if shape else ()) if name not in found]
        if missing:
            raise WrongCommand(f"{self.operation} needs --{xform_name(missing[0], '-')}")
        return found

    def _value(self, shape: Any, values: list[str]) -> Any:
        if shape.type_name == "list":
            return [self._item(shape.member, value) for value in values]
        if len(values) != 1:
            raise WrongCommand(f"one value is needed, not {values}")
        return self._item(shape, values[0])

    def _item(self, shape: Any, text: str) -> Any:
        if text.startswith("file://"):
            text = (self._folder / text.removeprefix("file://")).read_text()
        if shape.type_name == "structure":
            return self._structure(shape, text)
        if shape.type_name in {"integer", "long"}:
            return int(text)
        if getattr(shape, "enum", None) and text not in shape.enum:
            raise WrongCommand(f"{text} is none of {', '.join(shape.enum)}")
        return text

    def _structure(self, shape: Any, text: str) -> dict[str, Any]:
        """The shorthand: Key=name,Values=one."""
        found = {}
        for pair in text.split(","):
            key, _, value = pair.partition("=")
            if key not in shape.members:
                raise WrongCommand(f"{key} is none of {', '.join(shape.members)}")
            found[key] = self._value(shape.members[key], [value])
        return found

    def run(self) -> str:
        if self.operation in NOT_IN_MOTO:
            return ""
        client = session().create_client(self.service, region_name=REGION)
        if self.waiter:
            waiter = client.get_waiter(self.waiter.replace("-", "_"))
            waiter.wait(**self.parameters, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
            return ""
        answer = getattr(client, xform_name(self.operation))(**self.parameters)
        answer.pop("ResponseMetadata", None)
        shown = jmespath.search(self.query, answer) if self.query else answer
        return as_text(shown) if self.output == "text" else json.dumps(shown, indent=2, default=str)


def as_text(value: Any) -> str:
    if isinstance(value, list):
        nested = any(isinstance(each, list) for each in value)
        return ("\n" if nested else "\t").join(as_text(each) for each in value)
    return str(value)


def main() -> int:
    os.environ.pop("AWS_ENDPOINT_URL_ECS", None)  # the played ECS runs tasks, and knows no services
    try:
        said = Call(sys.argv[1:], Path.cwd()).run()
    except WrongCommand as error:
        sys.stderr.write(f"aws {shlex.join(sys.argv[1:3])}: {error}\n")
        return 2
    sys.stdout.write(said + "\n" if said else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
