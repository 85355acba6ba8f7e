"""What a set brings, for people: each commit of its services once, with its pull request. Pure."""

from collections.abc import Iterable

from gatehouse_release.model import ReleaseNote
from gatehouse_release.preview.page import Commit, ReleaseMove

MERGED = "Merge "  # a merge says what its commits say


def release_notes(moves: Iterable[ReleaseMove]) -> tuple[ReleaseNote, ...]:
    """The newest first; a merge only if it names a pull request."""
    found: dict[str, tuple[Commit, list[str]]] = {}
    for move in moves:
        for one in move.commits:
            if one.pull_request is not None or not one.subject.startswith(MERGED):
                found.setdefault(one.id, (one, []))[1].append(move.service)
    newest = sorted(found.values(), key=lambda entry: entry[0].at, reverse=True)
    return tuple(
        ReleaseNote(
            text=one.subject.removesuffix(f" (#{one.pull_request})"),
            commit=one.id,
            by=one.by,
            services=tuple(services),
            pull_request=one.pull_request,
        )
        for one, services in newest
    )


def in_markdown(title: str, notes: Iterable[ReleaseNote]) -> str:
    lines = [f"# {title}", ""]
    for note in notes:
        number = f" (#{note.pull_request})" if note.pull_request else ""
        lines.append(f"- {note.text}{number}: {', '.join(note.services)} `{note.commit[:10]}`")
    return "\n".join([*lines, *([] if len(lines) > 2 else ["No commit of these services is known here."]), ""])
