"""What a script needs to be published, and what an answer needs to fit its prompt. Pure functions."""

from collections.abc import Sequence

from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_encounter.enumerators import ScriptState
from gatehouse_encounter.script.structs import Prompt

EDITORS = ("coordinator", "staff")
READERS = ("mentor", "coordinator", "staff")
RESERVED = frozenset({"summary", "notes", "private_notes"})
SCALE = tuple(str(number) for number in range(1, 6))


def refuse_prompts(prompts: Sequence[Prompt]) -> None:
    """Raises Invalid where the prompts can't be used together."""
    errors = {}
    seen: set[str] = set()
    for number, one in enumerate(prompts):
        if one.key in seen:
            errors[f"prompts.{number}.key"] = f"{one.key!r} is used twice; give each prompt a key of its own"
        seen.add(one.key)
        if one.key in RESERVED:
            errors[f"prompts.{number}.key"] = f"{one.key!r} is a text that every encounter has; give another key"
        if one.kind == "radio" and len(set(one.options)) < 2:
            errors[f"prompts.{number}.options"] = "a prompt to choose from has at least two different options"
        if one.kind != "radio" and one.options:
            errors[f"prompts.{number}.options"] = f"a prompt of the kind {one.kind} has no options; use radio"
        if one.kind == "heading" and one.required:
            errors[f"prompts.{number}.required"] = "a heading takes no answer"
    if errors:
        raise Invalid(errors)


def refuse_publishing(state: ScriptState, prompts: Sequence[Prompt]) -> None:
    if state == "retired":
        raise Conflict("This script is retired. Restore it first.")
    if not any(one.kind != "heading" for one in prompts):
        raise Invalid({"prompts": "a script has at least one prompt that takes an answer"})


def choices_of(prompt: Prompt) -> tuple[str, ...]:
    """What may be chosen; empty where there is nothing to choose."""
    return {"check": ("yes",), "scale": SCALE, "radio": tuple(prompt.options)}.get(prompt.kind, ())


def refuse_value(prompt: Prompt, value: str | None) -> None:
    """Raises Invalid for what can't be chosen under this prompt."""
    if value is None:
        return
    choices = choices_of(prompt)
    if value not in choices:
        wanted = f"one of {', '.join(choices)}, or null" if choices else "null: there is nothing to choose here"
        raise Invalid({"value": wanted})
