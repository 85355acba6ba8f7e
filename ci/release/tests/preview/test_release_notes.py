"""Release notes: each commit once, whatever number of services it came to."""

from datetime import UTC, datetime

from gatehouse_release.preview.page import Commit, ReleaseMove
from gatehouse_release.preview.release_notes import in_markdown, release_notes


def commit(number: int, subject: str, pull_request: int | None = None) -> Commit:
    at = datetime(2026, 11, number, tzinfo=UTC)
    return Commit(id=f"{number:040d}", subject=subject, by="Eva", at=at, pull_request=pull_request)


def test_a_commit_stands_once_with_its_services_and_pull_request():
    both, old = commit(12, "Ask for an address once (#7)", 7), commit(3, "Say how partners are found")
    merges = commit(13, "Merge branch 'x'"), commit(14, "Merge pull request #9 from y", 9)
    moves = [
        ReleaseMove(service="partner", before="v1", after="v2", commits=(both, old, *merges)),
        ReleaseMove(service="portal", before="v1", after="v2", commits=(both,)),
    ]
    text = in_markdown("Production, 30 November", release_notes(moves))
    assert text.splitlines()[2:] == [
        "- Merge pull request #9 from y (#9): partner `0000000000`",
        "- Ask for an address once (#7): partner, portal `0000000000`",
        "- Say how partners are found: partner `0000000000`",
    ]
    assert "No commit" in in_markdown("Production", release_notes([]))
