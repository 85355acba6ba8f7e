"""The colours of the style sheet against each other, in light and dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest

from gatehouse_portal.areas import all_areas
from gatehouse_portal.shell.assets import style_sheet

CSS = style_sheet(all_areas())
TOKENS = {name: colours for name, *colours in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", CSS)}
TEXT = [
    *[(ink, ground) for ink in ("ink", "muted", "accent") for ground in ("paper", "surface")],
    ("ink", "lamp-soft"),
    ("muted", "lamp-soft"),
    ("accent", "lamp-soft"),
    ("accent-hover", "surface"),
    ("accent-hover", "lamp-soft"),
    ("lamp", "lamp-soft"),
    ("muted", "sunken"),
    ("accent", "accent-soft"),
    ("ink", "accent-soft"),
    ("muted", "accent-soft"),
    ("good", "good-soft"),
    ("bad", "bad-soft"),
    ("surface", "bad"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-lintel", "lintel"),
    ("on-lintel-muted", "lintel"),
    ("lintel-lamp", "lintel"),
]
# Borders of controls, the ring of the focus, and shapes that say something.
SHAPES = [
    ("edge", "surface"),
    ("edge", "paper"),
    ("accent", "paper"),
    ("accent", "surface"),
    ("accent", "lamp-soft"),
    ("lintel-lamp", "lintel"),
    ("good", "surface"),
    ("bad", "surface"),
    ("lamp", "paper"),
    ("lamp", "surface"),
    ("edge", "accent-soft"),
    ("edge", "bad-soft"),
]


def luminance(colour: str) -> float:
    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[start : start + 2], 16)) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, scheme: int) -> None:
    assert contrast(TOKENS[ink][scheme], TOKENS[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_can_be_seen(shape: str, ground: str, scheme: int) -> None:
    assert contrast(TOKENS[shape][scheme], TOKENS[ground][scheme]) >= 3


def test_no_colour_stands_outside_the_tokens() -> None:
    """But for translucent ones, and two that the sign-in scene and the lamp-coloured face have."""
    rules = CSS.partition("/* Elements")[2]
    opaque = set(re.findall(r"#[0-9a-f]{6}\b(?![0-9a-f])", rules))
    assert opaque <= {"#14202a", "#2b1a02"}
    assert contrast("#2b1a02", TOKENS["lintel-lamp"][0]) >= 4.5


def test_placeholders_have_the_muted_colour_in_full() -> None:
    """On a field's ground, `surface`: a pair of TEXT, so at least 4.5. A browser's own grey is fainter."""
    assert "::placeholder { color: var(--muted); opacity: 1; }" in CSS
    assert re.search(r"^input:not.*background: var\(--surface\)", CSS, re.MULTILINE)
    assert ("muted", "surface") in TEXT


def test_movement_can_be_switched_off_and_focus_is_seen() -> None:
    assert "prefers-reduced-motion: reduce" in CSS
    assert ":focus-visible { outline: 3px solid" in CSS
    assert not re.search(r"(?<!main:focus \{ )outline: none", CSS)
