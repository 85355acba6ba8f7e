"""What the README teaches is what the code says."""

from pathlib import Path

import pytest

from gatehouse_db_manager.hazards.lessons import LESSONS, in_readme

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_every_lesson():
    text = README.read_text(encoding="utf-8")
    assert text == in_readme(text), (
        "Write it anew: python -c 'from pathlib import Path; "
        "from gatehouse_db_manager.hazards.lessons import in_readme; "
        'file = Path("db-manager/README.md"); file.write_text(in_readme(file.read_text()))\''
    )


@pytest.mark.parametrize("key", LESSONS)
def test_a_lesson_says_what_why_and_how_else(key: str):
    lesson = LESSONS[key]
    for part in (lesson.danger, lesson.said(lesson.bad, {}), lesson.said(lesson.good, {})):
        assert part
        assert "|" not in part
        assert "\n" not in part
    assert lesson.danger.endswith(".")
