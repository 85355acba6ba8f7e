"""Terminal output: consoles, colours, problems and lessons.

Every colour repeats what a word already says, so nothing is lost in a pipe, under NO_COLOR or to colour-blind
readers; all are legible on dark and light backgrounds.
"""

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatehouse_db_manager.errors import DbManagerError, Problem, Refusal
from gatehouse_db_manager.planning.plan import Hazard

GOOD, BAD, CARE, QUIET = "green", "bold red", "bold dark_orange3", "dim"
# Longer lines are hard to read, and a log has no width of its own.
_WIDTH = 120

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def is_log(console: Console = out) -> bool:
    """A file or a pipe: sentences stay on one line, so that grep finds them."""
    return not console.is_terminal


def width(console: Console = out) -> int:
    if is_log(console):
        console.width = _WIDTH
    return min(console.width, _WIDTH)


def say(*parts: str | tuple[str, str], console: Console = out, indent: int = 0) -> None:
    """Prints a paragraph of plain and (text, style) parts, wrapped at its indent."""
    if is_log(console):
        console.print(Text.assemble(" " * indent, *parts), soft_wrap=True)
    else:
        show(Text.assemble(*parts), console=console, indent=indent)


def show(what: RenderableType, *, console: Console = out, indent: int = 0) -> None:
    console.print(Padding(what, (0, 0, 0, indent), expand=False) if indent else what, width=width(console))


def beside(word: str, word_style: str, text: str, style: str = "", *, console: Console = out, indent: int = 0) -> None:
    """Prints a label and a text wrapped beside it."""
    if is_log(console):
        say((word, word_style), " ", (text, style), console=console, indent=indent)
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(word, word_style), Text(text, style))
    show(grid, console=console, indent=indent)


def to_be_typed(command: str, *, console: Console = out, indent: int = 0) -> None:
    """Prints a command on one line, so that it can be copied."""
    console.print(" " * indent + command, style="bold", soft_wrap=True, markup=False)


def about(seconds: float) -> str:
    if seconds < 0.1:
        return "< 0.1 s"
    if seconds < 1:
        return "< 1 s"
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"


def many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def show_error(error: DbManagerError) -> None:
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    for problem in problems:
        show_problem(problem, err)
    if not problems:
        say(("✗ ", BAD), str(error), console=err)


def show_problem(problem: Problem, console: Console = out) -> None:
    """Prints where it is, what is wrong, and how to fix it."""
    where = [(f"{problem.file}", "bold"), f"  {problem.key}" if problem.key else ""]
    value = (" = ", (problem.value, CARE)) if problem.value else ()
    say(("✗ ", BAD), *where, *value, console=console)
    if isinstance(problem, Refusal):
        say(problem.danger + _rows(problem), console=console, indent=2)
        show_lesson(problem, console)
    else:
        say(problem.message, console=console, indent=2)
        if problem.fix:
            say((f"→ {problem.fix}", GOOD), console=console, indent=2)


def show_lesson(lesson: Refusal | Hazard, console: Console = out, indent: int = 2) -> None:
    """Prints why it is dangerous, a bad and a good example."""
    for word, style, text in (("why", "", lesson.why), ("bad", "red", lesson.bad), ("good", GOOD, lesson.good)):
        if text.strip():
            beside(f"{word:>4}", style or QUIET, text, style, console=console, indent=indent)
    if isinstance(lesson, Refusal) and lesson.approve:
        say("If this is intended, add ", (f"--approve {lesson.approve}", "bold"), console=console, indent=indent)


def danger(hazard: Hazard) -> str:
    return hazard.danger + _rows(hazard)


def _rows(lesson: Refusal | Hazard) -> str:
    return "" if lesson.rows is None else f" ({many(lesson.rows, 'row')})"
