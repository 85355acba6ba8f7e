"""Which repository the release page reads and writes: only one that somebody named is written to."""

import subprocess

import pytest

from gatehouse_chassis import ServiceContext
from gatehouse_portal.areas.releases import in_process
from gatehouse_portal.areas.releases.via_github import OnGitHub
from gatehouse_release.model import PromotionRequest, Requester
from gatehouse_release.ports import NotConfigured
from gatehouse_release.testing.in_memory import STACK

SRE = Requester(name="sunita@example.org", roles=frozenset({"sre"}))
HOLD = PromotionRequest(action="hold", environment="test", services=("person",), reason="loses mail")


@pytest.fixture
def repository(tmp_path, workspace_root):
    """Somebody's checkout, with main."""
    files = {f"stacks/Pulumi.{name}.yaml": STACK for name in ("dev", "test", "staging", "production")}
    files["stacks/policy.yaml"] = (workspace_root / "stacks/policy.yaml").read_text()
    files["services/person/service.toml"] = (workspace_root / "services/person/service.toml").read_text()
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def subjects(repository):
    log = ["git", "log", "--format=%s", "main"]
    return subprocess.run(log, cwd=repository, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture
def core(workspace_root, request):
    """`core(key="value")`: what these settings name."""

    def made(**settings):
        environ = {"GATEHOUSE_ENVIRONMENT": "local", "GATEHOUSE_SECRET_SESSION_SECRET": "x" * 32}
        environ |= {f"GATEHOUSE_SETTING_{key.upper()}": str(value) for key, value in settings.items()}
        found = in_process.core_of(ServiceContext.load(workspace_root / "services" / "portal", environ))
        if found:
            request.addfinalizer(found.close)
        return found

    return made


def test_nothing_named_is_nothing(core):
    assert core() is None


def test_a_checkout_is_shown_and_never_written_to(core, repository):
    found = core(checkout=repository)
    assert "stacks/policy.yaml" in found.read()[1]
    assert "release_remote" in found.refusal
    with pytest.raises(NotConfigured):
        found.run(HOLD, SRE, print)
    assert subjects(repository) == ["Begin"]


def test_a_named_remote_is_written_to_and_the_checkout_isnt(core, repository, tmp_path_factory):
    remote = tmp_path_factory.mktemp("remote") / "institute.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repository), str(remote)], check=True)
    found = core(checkout=repository, release_remote=remote)
    assert found.refusal == ""
    assert str(remote) in found.where
    assert found.run(HOLD, SRE, lambda line: None) == []
    assert subjects(remote) == ["Hold in test: person", "Begin"]
    assert subjects(repository) == ["Begin"]


def test_where_there_is_no_git_github_is_read(core):
    found = core(release_github="institute/house")
    assert isinstance(found, OnGitHub)
    assert found.where == "the branch main of github.com/institute/house"


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://kofi:secret@example.org/house.git", "https://example.org/house.git"),
        ("git@example.org:institute/house.git", "git@example.org:institute/house.git"),
        ("/srv/kofi/house.git", "/srv/kofi/house.git"),
    ],
)
def test_no_page_shows_how_a_remote_is_signed_in_to(remote, shown):
    assert in_process.shown(remote) == shown
