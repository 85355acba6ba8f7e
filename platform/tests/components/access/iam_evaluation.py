"""Decides a request by IAM's own rules: denied unless a statement allows it and none denies it.

Source: IAM User Guide, Policy evaluation logic, and IAM JSON policy elements. It knows the operators of
iam_reference.OPERATORS, and reads identity policies only: no resource policies, no boundaries.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Statement = dict[str, Any]
# A condition key's value; a key that the request doesn't have is absent.
Context = Mapping[str, str | list[str]]


def allowed(statements: Iterable[Statement], action: str, resource: str, context: Context) -> bool:
    """Whether the action is allowed on one resource (its ARN, or `*` for an action without one)."""
    applying = [each for each in statements if _applies(each, action, resource, context)]
    return any(each["Effect"] == "Allow" for each in applying) and all(each["Effect"] == "Allow" for each in applying)


def _applies(statement: Statement, action: str, resource: str, context: Context) -> bool:
    if "NotAction" in statement:
        named = not any(_matches(action, pattern) for pattern in statement["NotAction"])
    else:
        named = any(_matches(action, pattern) for pattern in statement["Action"])
    return (
        named
        and any(_matches(resource, pattern) for pattern in statement["Resource"])
        and all(
            _holds(operator, key, wanted, context)
            for operator, tests in statement.get("Condition", {}).items()
            for key, wanted in tests.items()
        )
    )


def _holds(operator: str, key: str, wanted: Any, context: Context) -> bool:
    values = [wanted] if isinstance(wanted, str) else list(wanted)
    given = context.get(key)
    if operator == "Null":
        return (given is None) == (values == ["true"])
    if operator == "ForAllValues:StringLike":
        found = [given] if isinstance(given, str) else list(given or [])
        return all(any(_matches(one, pattern) for pattern in values) for one in found)
    if operator == "StringNotEquals":
        return given not in values
    if given is None:
        return False
    if operator in {"StringEquals", "Bool"}:
        return given in values
    if operator in {"ArnEquals", "ArnLike"}:
        return any(_matches(str(given), pattern) for pattern in values)
    raise ValueError(f"the operator {operator} isn't evaluated. Fix: add it to iam_evaluation.py.")


def _matches(text: str, pattern: str) -> bool:
    """IAM's wildcards are `*` and `?`; brackets mean themselves."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))
