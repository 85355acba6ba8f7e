"""The rehearsal's registry: a digest stands for an image's files, and proves them."""

from pathlib import Path

import pytest

from gatehouse_release.adapters.rehearsal import Rehearsal
from gatehouse_release.adapters.rehearsal_registry import REVISION, BuiltImage, RehearsalRegistry
from gatehouse_release.git.checkout import Checkout
from gatehouse_release.ports import PortFailed
from gatehouse_release.testing.checkout import commit

FOLDERS = ("services/person",)


def test_the_same_files_give_the_same_digest_and_others_another(tmp_path: Path):
    git = Checkout(tmp_path)
    git.git("init", "--quiet", "--initial-branch", "main", env={"HOME": str(tmp_path)})
    for key, value in (("user.email", "a@example.org"), ("user.name", "A"), ("commit.gpgsign", "false")):
        git.git("config", key, value)
    first = commit(git, "One", **{"services/person/a.py": "one\n", "services/person/tests/t.py": "1\n"})
    document = commit(git, "Two", **{"services/person/README.md": "x\n", "services/person/tests/t.py": "2\n"})
    code = commit(git, "Three", **{"services/person/a.py": "two\n"})
    rehearsal = Rehearsal(tmp_path)
    git.git("clone", "--quiet", "--bare", str(tmp_path), str(rehearsal.remote))
    registry = RehearsalRegistry(rehearsal)

    def push(sha: str, tag: str) -> str:
        return registry.push("person", BuiltImage(commit=sha, folders=FOLDERS), tag)

    digest = push(first, "v1")
    assert push(document, "v2") == digest
    assert push(code, "v3") != digest
    assert registry.digest("person", "v1") == registry.digest("person", digest) == digest
    assert registry.digest("person", "v4") is None
    assert registry.annotations("person", digest) == {REVISION: first}
    registry.tag("person", digest, "dev")
    assert registry.digest("person", "dev") == digest
    assert registry.unattested("person", digest) == ""
    text = rehearsal.registry.read_text()
    rehearsal.registry.write_text(text.replace(first, code))
    assert f"the files of {code[:12]} give" in registry.unattested("person", digest)
    with pytest.raises(PortFailed):
        registry.tag("person", f"sha256:{'0' * 64}", "dev")
