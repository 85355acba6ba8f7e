"""Nothing is promoted into an environment that its stack file parks: what would show that it runs there isn't there."""

import re
from collections.abc import Iterator

from gatehouse_release.case import Case
from gatehouse_release.model import Reason

PARKED = re.compile(r"^ +gatehouse:parked: *true\b", re.MULTILINE)


def parked(case: Case) -> Iterator[Reason]:
    file = f"stacks/Pulumi.{case.move.environment}.yaml"
    if PARKED.search(case.state.tree.get(file, "")):
        message = f"{case.move.environment} is parked: nothing runs there."
        yield Reason(rule="parked", message=message, fix=f"Take gatehouse:parked out of {file}, and deploy it first.")
