"""A workflow step's outputs, as GitHub reads them from the file $GITHUB_OUTPUT: what later steps and jobs are told."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


class NoWorkflow(Exception):
    """This isn't a step of a workflow."""


def for_workflow(outputs: Mapping[str, object]) -> None:
    """Appends the outputs: a text as it is, all else as JSON. Raises NoWorkflow outside of a workflow's step."""
    file = os.environ.get("GITHUB_OUTPUT")
    if not file:
        raise NoWorkflow("--github is for a step of a workflow: GITHUB_OUTPUT isn't set. Fix: leave it out.")
    with Path(file).open("a", encoding="utf-8") as output:
        for name, value in outputs.items():
            output.write(f"{name}={value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))}\n")
