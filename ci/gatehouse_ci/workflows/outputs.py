"""A workflow step's outputs, as GitHub reads them from the file $GITHUB_OUTPUT, for later steps and jobs."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


class NoWorkflow(Exception):
    """Not a step of a workflow."""


def for_workflow(outputs: Mapping[str, object]) -> None:
    """Appends the outputs: a string as it is, anything else as JSON. Raises NoWorkflow outside a workflow's step."""
    file = os.environ.get("GITHUB_OUTPUT")
    if not file:
        raise NoWorkflow("--github works in a workflow's step only, where GITHUB_OUTPUT is set. Fix: leave it out.")
    with Path(file).open("a", encoding="utf-8") as output:
        for name, value in outputs.items():
            output.write(f"{name}={value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))}\n")
