"""The release page without git: GitHub, played, gives main as an archive, and its workflows' forms are linked."""

import io
import tarfile

import httpx
import pytest

from gatehouse_chassis.testing import serving
from gatehouse_portal.app import create
from gatehouse_portal.areas import all_areas
from gatehouse_portal.areas.releases.area import releases
from gatehouse_portal.areas.releases.via_github import OnGitHub
from gatehouse_portal.tables import DB
from gatehouse_release.model import PromotionRequest, Requester
from gatehouse_release.ports import NotConfigured, PortFailed
from gatehouse_release.stack_file import set_releases
from gatehouse_release.state import read_state
from gatehouse_release.testing.in_memory import STACK, release

REPOSITORY = "institute/house"
REVISION = "a" * 40


def archive(texts):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for path, text in texts.items():
            entry = tarfile.TarInfo(f"house-{REVISION}/{path}")
            entry.size = len(text.encode())
            made.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


class Played:
    """GitHub as far as it is asked; `asked` are the addresses."""

    def __init__(self, root):
        # Each environment has another release, so that there is something to promote to each.
        names = ("dev", "test", "staging", "production")
        texts = {
            f"stacks/Pulumi.{name}.yaml": set_releases(STACK, {"person": release("person", number)}, name)
            for number, name in enumerate(names, start=1)
        }
        texts["stacks/policy.yaml"] = (root / "stacks" / "policy.yaml").read_text()
        texts["services/person/service.toml"] = (root / "services" / "person" / "service.toml").read_text()
        texts["services/person/gatehouse_person/app.py"] = "not asked for"
        self.archive, self.status, self.asked = archive(texts), 200, []

    def answer(self, request):
        self.asked.append(str(request.url))
        if request.url.host == "api.github.com":
            assert request.headers["accept"] == "application/vnd.github.sha"
            assert "authorization" not in request.headers
            return httpx.Response(self.status, text=REVISION)
        return httpx.Response(self.status, content=self.archive)

    def core(self):
        return OnGitHub(REPOSITORY, httpx.Client(transport=httpx.MockTransport(self.answer)))


@pytest.fixture
def github(workspace_root):
    return Played(workspace_root)


def test_main_is_read_as_one_archive_of_just_that_commit_and_not_twice(github):
    core = github.core()
    revision, tree = core.read()
    assert revision == REVISION
    assert "services/person/gatehouse_person/app.py" not in tree
    assert read_state(revision, tree).domains == {"people": ["person"]}
    core.read()
    assert github.asked[1] == f"https://codeload.github.com/{REPOSITORY}/tar.gz/{REVISION}"
    assert len(github.asked) == 3


@pytest.mark.parametrize(("status", "words"), [(404, "no public repository"), (429, "asked too often")])
def test_a_refusal_says_what_it_means(github, status, words):
    github.status = status
    with pytest.raises(PortFailed, match=words):
        github.core().read()


def test_a_broken_archive_is_no_empty_repository(github):
    github.archive = github.archive[:200]
    with pytest.raises(PortFailed, match="can't be read"):
        github.core().read()


def test_nothing_is_promoted_from_here(github):
    request = PromotionRequest(action="promote", environment="test", domain="people")
    with pytest.raises(NotConfigured):
        github.core().run(request, Requester(name="sunita@example.org", roles=frozenset({"sre"})), print)


async def test_the_buttons_lead_to_the_workflows_forms(github, service_url, peers):
    peers.reset()
    await DB.close()
    async with serving(
        "portal",
        lambda service: create(service, all_areas(releases(github.core()))),
        database_url=service_url,
        environ=peers.environ,
    ) as portal:
        peers.tokens = portal.tokens
        me = {"name": "Sunita", "roles": ["sre"], "email": "sunita@example.org"}
        peers.says("identity", "GET", "/api/identity/me", me)
        async with peers.browser(portal) as browser:
            await browser.sign_in("sre")
            text = (await browser.see("/releases")).text
            again = await browser.see("/releases", headers={"HX-Request": "true"})
    assert "main at <span" in text
    for workflow in ("promote.yml", "go-live.yml"):
        assert f'href="https://github.com/{REPOSITORY}/actions/workflows/{workflow}"' in text
    assert 'action="/releases/' not in text
    assert again.status_code == 200
    assert len(github.asked) == 2  # looked at twice, asked once
