"""A new single-page application, from `gate new app` to Chromium: hot reload, sign-in, a read and a change through the
typed client, no token in the browser, and a type check that notices what a service no longer answers.

In a copy of the checkout with a platform of its own, on ports of its own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from gatehouse_local.apps import node, tools
from gatehouse_local.testing.checkout_copy import copy_working_tree

from .test_accessibility import MODES, findings, set_mode

pytestmark = [pytest.mark.deep, pytest.mark.browser]

ROOT = Path(__file__).parents[2]
OFFSET = 12_000
URL = f"http://localhost:{8400 + OFFSET}"
TOKEN = re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}")  # as every token of identity begins
MOST_SECONDS = 60  # ends a hang; what it took is printed
# Everything that a page keeps beyond memory.
KEPT = """async () => JSON.stringify({
    local: {...localStorage}, session: {...sessionStorage}, cookie: document.cookie,
    databases: (await indexedDB.databases()).map((one) => one.name), caches: await caches.keys(),
})"""


class Checkout:
    """A copy of the checkout with the app `demo`, and `gate` in it."""

    def __init__(self, root: Path) -> None:
        self.root, self.app = root, root / "services" / "demo"

    def gate(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`gate` with the packages of the copy, which aren't installed."""
        packages = [str(file.parent.parent) for file in self.root.glob("*/gatehouse_*/__init__.py")]
        packages += [str(file.parent.parent) for file in self.root.glob("services/*/gatehouse_*/__init__.py")]
        packages += [str(self.root / "ci" / "release")]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "GATEHOUSE"))}
        kept["PYTHONPATH"] = os.pathsep.join(packages)
        command = [sys.executable, "-m", "gatehouse_local.gate", *words]
        return subprocess.run(
            command, cwd=self.root, env=kept, capture_output=True, text=True, timeout=300, check=False
        )

    def ran(self, *words: str) -> str:
        done = self.gate(*words)
        assert done.returncode == 0, f"gate {words}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    try:
        node.ready(ROOT)
    except node.NoNode as error:
        pytest.skip(str(error))
    made = Checkout(tmp_path_factory.mktemp("apps") / "my checkout")
    copy_working_tree(ROOT, made.root)
    subprocess.run(["git", "init", "--quiet", made.root], check=True)
    shutil.copytree(ROOT / "node_modules", made.root / "node_modules", symlinks=True, copy_function=os.link)
    (made.root / ".gate").mkdir()
    for name in ("node", "uv"):
        (made.root / ".gate" / name).symlink_to(ROOT / ".gate" / name)
    made.ran("new", "app", "demo", "--domain", "learning")
    yield made
    made.gate("down")


@pytest.fixture(scope="module")
def running(demo: Checkout) -> Checkout:
    demo.ran("up", "demo", "--detach", "--port-offset", str(OFFSET))
    return demo


def test_its_types_tests_and_build_pass(demo: Checkout) -> None:
    demo.ran("app", "check", "demo")
    demo.ran("app", "test", "demo")
    demo.ran("app", "build", "demo")
    assert (demo.app / "dist/index.html.br").is_file()


def test_a_field_that_a_service_drops_turns_the_type_check_red(demo: Checkout) -> None:
    structs = demo.root / "services/person/gatehouse_person/profile/structs.py"
    before = structs.read_text()
    client = demo.root / "services/portal/kit/clients/person.ts"
    typed = client.read_text()
    assert "    headline: str | None\n" in before
    try:
        structs.write_text(before.replace("    headline: str | None\n", "", 1))
        assert "is stale" in demo.gate("generate", "--check").stdout
        demo.ran("generate")
        done = demo.gate("app", "check", "demo")
        assert done.returncode != 0
        assert "src/Profile.vue" in done.stdout
        assert "headline" in done.stdout
    finally:
        structs.write_text(before)
        demo.ran("generate")
    assert client.read_text() == typed
    demo.ran("app", "check", "demo")


def test_a_save_reruns_the_unit_tests_that_it_affects(demo: Checkout) -> None:
    """What `gate test --watch` starts for an app."""
    program = node.find(ROOT)
    assert program is not None
    command = tools.watch(demo.root, program, demo.app)
    rule = demo.app / "src" / "headline.ts"
    before = rule.read_text()
    environment = node.environment_for(program) | {"NO_COLOR": "1"}
    with subprocess.Popen(
        command, cwd=demo.app, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            said_until(running.stdout, "Waiting for file changes")
            began = time.monotonic()
            rule.write_text(before.replace("Write one line.", "Write a line."))
            said_until(running.stdout, "a headline is one line")
            print(f"saved -> the unit test's result: {time.monotonic() - began:.2f} s")
        finally:
            rule.write_text(before)
            running.terminate()


def said_until(output: IO[str], words: str) -> None:
    """Reads until a line has these words; pytest's own limit ends a hang."""
    for line in output:
        if words in line:
            return
    pytest.fail(f"it ended without saying {words!r}")


@pytest.fixture
def page(running: Checkout, chromium: Browser) -> Iterator[Page]:
    """The app, opened by somebody who wasn't signed in."""
    context = chromium.new_context(base_url=URL)
    context.set_default_timeout(MOST_SECONDS * 1000)
    opened = context.new_page()
    opened.goto("/apps/demo/")
    opened.locator("form[action='/sign-in/personas/member'] button").click()
    expect(opened.get_by_role("heading", level=1)).to_contain_text("Hello", timeout=MOST_SECONDS * 1000)
    yield opened
    context.close()


def test_a_read_and_a_change_work_and_no_token_is_in_the_browser(page: Page) -> None:
    answers: list[str] = []

    def keep(route: Route) -> None:
        """A browser forgets the bodies of a page that it leaves, so each is read before the page gets it."""
        if route.request.resource_type not in {"fetch", "xhr"}:
            route.continue_()
            return
        answer = route.fetch()
        answers.append(f"{route.request.method} {route.request.url} {answer.headers_array} {answer.text()}")
        route.fulfill(response=answer)

    page.route("**/*", keep)
    page.reload()
    line = page.get_by_label("A line about yourself")
    expect(line).not_to_have_value("")
    changed = "Builds what people see" if line.input_value() != "Builds what people see" else "Learns it"
    line.fill(changed)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.unroute_all(behavior="wait")
    page.reload()
    expect(page.get_by_label("A line about yourself")).to_have_value(changed)
    for method in ("GET", "PATCH"):
        assert any(answer.startswith(f"{method} {URL}/bff/person/") for answer in answers)
    assert [answer for answer in answers if TOKEN.search(answer)] == []
    assert not TOKEN.search(page.evaluate(KEPT))
    assert not TOKEN.search(memory(page))
    # The search does find what is there.
    page.evaluate("window.planted = ['eyJhbGciOiJFZERTQSJ9', 'eyJpc3MiOiJnYXRlaG91c2UifQ'].join('.')")
    page.evaluate("window.planted = JSON.parse(JSON.stringify(window.planted))")
    assert TOKEN.search(memory(page))


def memory(page: Page) -> str:
    """All strings of the page's memory."""
    session = page.context.new_cdp_session(page)
    chunks: list[str] = []
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    session.detach()
    return "\n".join(json.loads("".join(chunks))["strings"])


def test_a_saved_component_shows_at_once_and_what_was_typed_stays(page: Page, running: Checkout) -> None:
    line = page.get_by_label("A line about yourself")
    expect(line).not_to_have_value("")
    line.fill("typed, not saved")
    component = running.app / "src" / "Profile.vue"
    before = component.read_text()
    shown = page.get_by_role("heading", level=1)
    try:
        began = time.monotonic()
        component.write_text(before.replace("<h1>Hello,", "<h1>Good morning,"))
        expect(shown).to_contain_text("Good morning", timeout=MOST_SECONDS * 1000)
        print(f"saved -> shown: {time.monotonic() - began:.2f} s")
        expect(line).to_have_value("typed, not saved")
    finally:
        component.write_text(before)


def test_axe_finds_nothing(page: Page) -> None:
    for mode in MODES:
        set_mode(page, mode)
        assert findings(page, mode) == []
