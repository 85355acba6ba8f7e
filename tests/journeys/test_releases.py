"""Releases by buttons: from dev to Go-Live and back, in Chromium, against a real bare remote of git.

Played are what can't be had here: ECS (`MemoryRuntime`: it runs what main says once it was deployed), the image
registry's content, the page's preview beyond its fingerprint, and the black-box suite. Git, records, policy, decisions,
the portal, identity and its database are the real ones. The portal is a second one beside the platform's, in this
process, because a test has to hold a deployment for as long as somebody looks at it.
"""

import asyncio
import contextlib
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import uvicorn
from playwright.sync_api import Page, expect

from gatehouse_chassis import ServiceContext
from gatehouse_local.runner.secrets import Secrets
from gatehouse_portal.app import create
from gatehouse_portal.areas import all_areas
from gatehouse_portal.areas.releases.area import releases
from gatehouse_portal.areas.releases.in_process import InProcess
from gatehouse_release.git.repository import GitRepository
from gatehouse_release.model import PromotionRequest, Requester
from gatehouse_release.promoter import Promoter
from gatehouse_release.state import RepositoryState, read_state
from gatehouse_release.testing.in_memory import MemoryPorts, release

pytestmark = [pytest.mark.browser, pytest.mark.platform]
NARROW = 360
AUTOMATION = Requester(name="github-actions[bot]", roles=frozenset({"automation"}))
SRE = Requester(name="sunita.rao@example.org", roles=frozenset({"sre"}))
# At any time, since tests run at night as well.
POLICY = {
    r"soak_hours: 24\n(    #.*\n)?    windows:\n.*\n": "soak_hours: 0\n",
}


class World:
    """The remote, what is played beside it, and a portal that promotes there."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        self.remote = bare_remote(folder, checkout)
        self.ports = MemoryPorts({}, lambda texts, environment: read_state("", texts).releases[environment])
        self.ports.repository = self.ports.runtime.repository = GitRepository(str(self.remote), folder / "work")
        self.ports.clock.now = lambda: datetime.now(UTC)  # the page says how long ago things were
        self.gate = threading.Event()
        self.gate.set()
        self.ports.fault_hook = self._hold
        self.core = InProcess(self.ports, where=f"the branch main of {self.remote}")

    def _hold(self, point: str) -> None:
        if point == "before deploy":
            self.gate.wait(60)

    @property
    def state(self) -> RepositoryState:
        return read_state(*self.ports.repository.read())

    def merge(self, number: int, *names: str) -> None:
        """The nth releases of these services (or all) to dev, as the workflow on main does."""
        entries = self.state.services
        wanted = {name: release(name, number, database=entries[name].has_database) for name in names or entries}
        for name, one in wanted.items():
            self.ports.registry.add(name, one)
        self.promote("dev", AUTOMATION, releases=wanted)

    def promote(self, environment: str, actor: Requester, **wanted: Any) -> None:
        """As somebody does at the command line."""
        asked = PromotionRequest(action="promote", environment=environment, **wanted)
        shown = Promoter(self.ports).preview(asked).fingerprint
        outcome = Promoter(self.ports).run(msgspec.structs.replace(asked, fingerprint=shown), actor)
        assert outcome.ok, outcome.decision.reasons

    def commits(self) -> list[str]:
        log = ["git", "log", "--format=%an: %s", "main"]
        return subprocess.run(log, cwd=self.remote, capture_output=True, text=True, check=True).stdout.splitlines()


def bare_remote(folder: Path, checkout: Path) -> Path:
    """A repository with this checkout's catalog and stacks, in which nothing was released, as a bare remote."""
    source, remote = folder / "source", folder / "institute.git"
    for file in [*checkout.glob("stacks/*.yaml"), *checkout.glob("services/*/service.toml")]:
        copy = source / file.relative_to(checkout)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    policy = source / "stacks" / "policy.yaml"
    policy.write_text(edited(policy.read_text(), POLICY))
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *words], cwd=source, check=True, capture_output=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(source), str(remote)], check=True, capture_output=True)
    return remote


def edited(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        text, count = re.subn(old, new, text)
        assert count == 1, old
    return text


@contextlib.contextmanager
def portal(platform: Any, checkout: Path, core: InProcess) -> Generator[str]:
    """A portal with this core, on the platform's database and beside its other services; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    secrets, database = Secrets(platform.state), urlsplit(platform.database_url)
    login = f"portal_service:{secrets.role_password('portal_service')}"
    environ = {
        "GATEHOUSE_ENVIRONMENT": "local",
        "GATEHOUSE_PUBLIC_URL": url,
        "GATEHOUSE_SECRET_SESSION_SECRET": secrets.get("portal", "session_secret"),
        "GATEHOUSE_DATABASE_URL": f"postgresql://{login}@{database.hostname}:{database.port}{database.path}",
        **{f"GATEHOUSE_URL_{name.upper()}": address for name, address in platform.services.items() if name != "portal"},
    }
    app = create(ServiceContext.load(checkout / "services" / "portal", environ), all_areas(releases(core)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, workspace_root: Path) -> World:
    return World(tmp_path_factory.mktemp("releases"), workspace_root)


@pytest.fixture(scope="module")
def releasing(platform: Any, workspace_root: Path, world: World) -> Generator[Any]:
    """The platform, seen through a portal that promotes in `world`."""
    if platform.state is None:
        pytest.skip("only beside a platform of this test run")
    with portal(platform, workspace_root, world.core) as url:
        yield replace(platform, url=url)


@pytest.fixture
def open_releases(releasing: Any, open_browser: Any) -> Any:
    """`open_releases(persona)`: the release page of somebody, in a browser of their own."""

    def start(persona: str, **options: Any) -> Page:
        page = open_browser(persona, url=releasing.url, **options)
        page.goto(f"{releasing.url.rstrip('/')}/releases")
        expect(page.get_by_role("heading", level=1)).to_have_text("Releases")
        return page

    return start


def cell(page: Page, service: str, environment: str) -> Any:
    return page.locator(f'[data-service="{service}"] [data-environment="{environment}"]')


def press(page: Page, name: str, role: Any = "button") -> None:
    """By keyboard: Tab as often as it takes, then Enter (or Space, where that is what it takes)."""
    wanted = page.get_by_role(role, name=name)
    for _ in range(120):
        if wanted.evaluate("one => one === document.activeElement"):
            page.keyboard.press("Space" if role == "checkbox" else "Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} can't be reached by Tab")


def confirm(page: Page, button: str) -> None:
    page.get_by_label("I have read the preview").check()
    page.get_by_role("button", name=button).click()


def verified(page: Page) -> None:
    expect(page.locator("#progress .chip.good")).to_have_text("Verified: running as recorded", timeout=30_000)


@pytest.mark.deep
def test_a_tester_promotes_a_domain_by_keyboard_alone(world: World, open_releases) -> None:
    world.merge(1)
    page = open_releases("tester")
    expect(cell(page, "person", "dev")).to_contain_text("v1")
    press(page, "Promote people to Test", "link")
    expect(page.get_by_role("heading", level=1)).to_have_text("Promote people to Test")
    expect(page.get_by_role("row", name=re.compile("^person none v1"))).to_be_visible()
    expect(page.locator("#confirm").locator("..").locator("..")).to_contain_text(str(world.remote))
    assert world.state.releases["test"] == {}
    press(page, "I have read the preview", "checkbox")
    press(page, "Promote people to Test")
    verified(page)
    press(page, "Back to the releases", "link")
    expect(cell(page, "person", "test")).to_contain_text("v1")
    expect(cell(page, "topics", "test")).to_contain_text("none")
    assert set(world.state.releases["test"]) == {"identity", "intake", "person"}
    assert "kofi.mensah@example.org" in world.commits()[0]


@pytest.mark.deep
def test_two_browsers_see_the_right_set_during_and_after_a_promotion(world: World, open_releases) -> None:
    world.merge(2, "person")
    onlooker, page = open_releases("engineer"), open_releases("sre")
    expect(cell(onlooker, "person", "test")).to_contain_text("v1")
    page.get_by_role("link", name="Promote people to Test").click()
    world.gate.clear()  # from here on deployments take their time
    confirm(page, "Promote people to Test")
    expect(page.locator("[aria-current=step]")).to_have_text("Applying", timeout=30_000)
    # What runs isn't surely the one nor the other: both are named, and neither as running.
    changing = cell(onlooker, "person", "test")
    expect(changing).to_contain_text("being applied")
    expect(changing.locator(".mono:not(.digest)")).to_have_text(["v1", "v2"])
    expect(onlooker.locator("#whole-test")).to_contain_text("Changing now")
    expect(cell(onlooker, "identity", "test")).not_to_contain_text("being applied")
    onlooker.get_by_role("link", name="person to Test").first.click()
    expect(onlooker.locator("[aria-current=step]")).to_have_text("Applying")
    world.gate.set()
    verified(page)
    verified(onlooker)  # without having done anything
    for one in (page, onlooker):
        one.get_by_role("link", name="Back to the releases").click()
        expect(cell(one, "person", "test").locator(".mono:not(.digest)")).to_have_text(["v2"])
        expect(cell(one, "person", "test")).not_to_contain_text("being applied")


@pytest.mark.deep
def test_of_two_at_once_the_second_is_told_why_not(world: World, open_releases) -> None:
    world.merge(3, "person")
    first, second = open_releases("tester"), open_releases("sre", refusals=(409,))
    for page in (first, second):
        page.goto("/releases/plan?action=promote&environment=test&domain=people")
    confirm(first, "Promote people to Test")
    verified(first)
    confirm(second, "Promote people to Test")
    expect(second.get_by_role("heading", level=1)).to_contain_text("Not done")
    second.get_by_role("link", name="Preview again").click()
    expect(second.locator("[data-rule=nothing-to-promote]")).to_contain_text("Blocked")
    expect(second.get_by_label("I have read the preview")).to_have_count(0)


@pytest.mark.deep
def test_what_the_breaker_rolls_back_is_said_and_not_shown_as_running(world: World, open_releases) -> None:
    world.merge(4, "person")
    world.ports.runtime.broken.add(release("person", 4).digest)
    # It was broken after dev had it: there it runs.
    page = open_releases("tester")
    page.goto("/releases/plan?action=promote&environment=test&domain=people")
    confirm(page, "Promote people to Test")
    expect(page.get_by_text("rolled it back").first).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Back to the releases").click()
    expect(cell(page, "person", "test").locator(".mono:not(.digest)")).to_have_text(["v3"])
    world.merge(5, "person")


@pytest.mark.deep
def test_go_live_is_proposed_approved_by_two_others_and_followed(world: World, open_releases) -> None:
    for domain in world.state.domains:
        with contextlib.suppress(Exception):
            world.promote("test", SRE, domain=domain)
    page = open_releases("sre")
    page.get_by_role("link", name="Promote to Staging").click()
    confirm(page, "Promote everything to Staging")
    verified(page)
    page.goto("/releases")
    page.get_by_role("link", name="Go-Live!").click()
    expect(page.get_by_text("2 more people must approve")).to_be_visible()
    confirm(page, "Propose Go-Live")
    expect(page.locator("[aria-current=step]")).to_have_text("Proposed")
    expect(page.get_by_text("You proposed this, so others approve it.")).to_be_visible()
    expect(page.get_by_role("link", name="Review and approve")).to_have_count(0)
    address = page.url
    for persona in ("engineer", "release-manager"):
        other = open_releases(persona)
        other.locator("section", has=other.get_by_role("heading", name="Under way")).get_by_role("link").first.click()
        other.get_by_role("link", name="Review and approve").click()
        confirm(other, "Approve the set")
    expect(page.locator("[aria-current=step]")).to_have_text("Approved", timeout=10_000)  # by itself
    assert page.url == address
    page.get_by_role("link", name="Go live", exact=True).click()
    confirm(page, "Go live with the set")
    verified(page)
    page.goto("/releases")
    expect(page.locator("#whole-production")).to_contain_text("Verified as a set")
    assert world.state.releases["production"] == world.state.releases["staging"]


@pytest.mark.deep
def test_a_rollback_is_held_and_a_hold_is_put_and_lifted(world: World, open_releases) -> None:
    page = open_releases("sre")
    page.get_by_text("Roll an environment back").click()
    page.locator("#rollback-form").get_by_label("Environment").select_option("test")
    page.locator("#rollback-form").get_by_label("Domain").select_option("people")
    page.get_by_role("button", name="Preview rollback").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Roll Test back")
    confirm(page, "Roll Test back")
    verified(page)
    page.get_by_role("link", name="Back to the releases").click()
    expect(page.get_by_text("person is held in Test, release")).to_be_visible()
    page.get_by_text("Hold a service").click()
    page.locator("#hold-form").get_by_label("Service").select_option("topics")
    page.locator("#hold-form").get_by_label("Reason").fill("loses ratings")
    page.get_by_role("button", name="Hold service").click()
    expect(page.get_by_text("topics is held in Dev")).to_be_visible()
    page.get_by_role("button", name="Lift the hold topics").click()
    expect(page.get_by_text("topics is held in Dev")).to_have_count(0)


@pytest.mark.deep
def test_a_click_isnt_lost_when_the_page_refreshes_beneath_it(world: World, open_releases) -> None:
    world.merge(7)
    page = open_releases("tester")
    link = page.locator("#releases a[href^='/releases/']").first
    link.hover()
    with page.expect_response(lambda answer: answer.url.endswith("/releases"), timeout=10_000):
        page.mouse.down()
    page.wait_for_timeout(300)  # for the exchange that mustn't come
    page.mouse.up()
    expect(page).not_to_have_url(re.compile("/releases$"))


@pytest.mark.deep
@pytest.mark.parametrize("path", ["/releases", "/releases/plan?action=promote&environment=staging"])
def test_nothing_sticks_out_of_a_narrow_screen(world: World, open_releases, path: str) -> None:
    page = open_releases("sre", width=NARROW)
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    record = next(iter(world.state.records))
    page.goto(f"/releases/records/{record[-16:]}")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_who_has_no_business_with_releases_doesnt_find_them(releasing: Any, open_browser) -> None:
    page = open_browser("member", url=releasing.url, refusals=(404,))
    answer = page.goto("/releases")
    assert answer is not None
    assert answer.status == 404
