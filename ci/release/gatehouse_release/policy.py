"""Who may promote what, when: `stacks/policy.yaml` as frozen structs, and its JSON schema for editors.

What a policy says is data; what each rule means stands in rules.py.
"""

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from gatehouse_catalog.errors import Problem, nearest
from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_catalog.structs import Strict
from gatehouse_release.model import MERGE
from gatehouse_release.yaml_text import TextError, convert, load

POLICY_FILE = "stacks/policy.yaml"
SCHEMA = "stacks/policy.schema.json"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="As in 09:30, in quotes")]
Hours = Annotated[int, Meta(ge=0, le=24 * 30)]
# Rules that break-glass or a rollback may pass. What isn't here can't be passed: digests must exist, tags mustn't have
# moved, the preview must be the one that was shown, nobody approves their own.
Passable = Literal[
    "approvals",
    "black-box",
    "freeze",
    "hold",
    "no-way-back",
    "not-attested",
    "not-running",
    "not-seen-together",
    "preview-incomplete",
    "setting-missing",
    "soak",
    "veto",
    "window",
]
Roles = Annotated[list[str], Meta(description="Roles of identity; one of them is enough")]


class Window(Strict, frozen=True, kw_only=True, rename={"start": "from", "end": "until"}):
    """When a promotion may be applied, in the policy's time zone."""

    days: Annotated[list[Day], Meta(min_length=1)]
    start: TimeOfDay
    end: TimeOfDay


class Approvals(Strict, frozen=True, kw_only=True):
    """How many people approve, beside the one who proposes."""

    count: Annotated[int, Meta(ge=0, le=5)] = 0
    roles: Roles = msgspec.field(default_factory=list)


class PolicyEdge(Strict, frozen=True, kw_only=True, rename={"source": "from"}):
    """How releases come into one environment."""

    source: Annotated[str, Meta(description="merge, or the environment before")]
    unit: Annotated[
        Literal["changed", "domain", "everything"],
        Meta(description="changed: what a merge built; domain: one, or services of it; everything: the whole set"),
    ]
    who: Annotated[Roles, Meta(min_length=1)]
    approvals: Approvals = Approvals()
    needs: Annotated[
        list[Literal["running", "black-box", "seen-together", "unit-tests"]],
        Meta(description="What must have been seen: each service runs, black-box suite, the exact set, unit tests"),
    ] = msgspec.field(default_factory=list)
    reviewed_plans: Annotated[
        bool, Meta(description="Whoever reviewed the pull request approved its schema changes, dangerous ones too")
    ] = False
    soak_hours: Annotated[Hours, Meta(description="How long the set has been verified in the source, at least")] = 0
    windows: Annotated[list[Window], Meta(description="Empty: at any time")] = msgspec.field(default_factory=list)


class BreakGlass(Strict, frozen=True, kw_only=True):
    who: Roles
    passes: list[Passable]


class Rollback(Strict, frozen=True, kw_only=True):
    passes: list[Passable] = msgspec.field(default_factory=list)


class Brakes(Strict, frozen=True, kw_only=True):
    """Who may stop promotions, and who may let them go on."""

    hold: Roles
    lift: Roles
    veto: Roles
    freeze: Roles


class UnitTestExceptions(Strict, frozen=True, kw_only=True):
    """Who may accept a green black-box run in place of one service's failing unit tests."""

    who: Roles = msgspec.field(default_factory=list)


class Policy(Strict, frozen=True, kw_only=True):
    timezone: str
    edges: dict[str, PolicyEdge]
    attestations: Annotated[
        Literal["required", "unavailable"],
        Meta(description="unavailable: a private repository without Enterprise Cloud has none (docs/github.md)"),
    ] = "required"
    rollback: Rollback = Rollback()
    break_glass: BreakGlass
    brakes: Brakes
    test_exceptions: UnitTestExceptions = UnitTestExceptions()
    people: Annotated[
        dict[str, list[str]],
        Meta(description="Roles at the command line and in workflows, by GitHub login or git mail address"),
    ] = msgspec.field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def roles(self, name: str) -> frozenset[str]:
        return frozenset(self.people.get(name, ()))


def parse_policy(text: str) -> Policy:
    """The policy in a text. Raises TextError with each reason."""
    raw = load(text, POLICY_FILE)
    _refuse_former_keys(raw)
    policy = convert(raw, Policy, POLICY_FILE)
    problems = []
    try:
        ZoneInfo(policy.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = "Write one of the IANA list, as Europe/Berlin."
        problems.append(
            Problem(file=POLICY_FILE, key="timezone", value=policy.timezone, message="is unknown.", fix=fix)
        )
    expected = dict(zip(ENVIRONMENTS, (MERGE, *ENVIRONMENTS), strict=False))
    for name in expected.keys() - policy.edges.keys():
        problems.append(Problem(file=POLICY_FILE, key=f"edges.{name}", message="is missing.", fix="Add it."))
    for name, edge in policy.edges.items():
        if expected.get(name) != edge.source:
            fix = f"Write {expected[name]}." if name in expected else nearest(name, ENVIRONMENTS)
            message = f"{name} takes no releases from there."
            problems.append(
                Problem(file=POLICY_FILE, key=f"edges.{name}.from", value=edge.source, message=message, fix=fix)
            )
        if edge.approvals.count and not edge.approvals.roles:
            message = "is empty: nobody could approve."
            problems.append(
                Problem(file=POLICY_FILE, key=f"edges.{name}.approvals.roles", message=message, fix="Name one.")
            )
    if problems:
        raise TextError(problems)
    return policy


def _refuse_former_keys(raw: Any) -> None:
    brakes = raw.get("brakes") if isinstance(raw, dict) else None
    if isinstance(brakes, dict) and "release" in brakes:
        message, fix = "was renamed: a hold is lifted.", "Write `lift` in place of `release`."
        raise TextError([Problem(file=POLICY_FILE, key="brakes.release", message=message, fix=fix)])


def generate(root: Path) -> dict[str, str]:
    """The policy's JSON Schema by its path below the root; `gate generate` writes it."""
    del root  # the schema follows from the structs alone
    schema = msgspec.json.schema(Policy) | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:gatehouse:schema:policy",
        "title": "Who may promote what",
    }
    return {SCHEMA: msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2).decode() + "\n"}
