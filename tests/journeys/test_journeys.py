"""What mentors, members and operators do with the portal, from signing in to seeing the outcome."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.platform]

NARROW = 360
# Wide enough for every column.
PAGES = ("/", "/resources", "/resources?kind=book", "/paths")


def part(page: Page, name: str):
    """The section of a curriculum with that heading: Now, Next, Later or Completed."""
    return page.get_by_role("region", name=name, exact=True)


def learn_something(page: Page) -> str:
    """The name of what is begun; something of Next is planned and started first when there is nothing."""
    now = part(page, "Now")
    begun = now.locator("li").filter(has=page.get_by_role("button", name=re.compile("^Done "))).locator(".what a")
    if not begun.count():
        if not now.locator(".what a").count():
            part(page, "Next").get_by_role("button", name=re.compile("^(Start|Plan for now) ")).first.click()
            expect(now.locator(".what a").first).to_be_visible()
        starts = now.get_by_role("button", name=re.compile("^Start "))
        if starts.count():
            starts.first.click()
        expect(begun.first).to_be_visible()
    return own_text(begun.first)


def own_text(link) -> str:
    """The text of a link, without what only screen readers say."""
    return link.evaluate("link => link.firstChild.textContent").strip()


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def ground(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_a_mentor_sees_a_members_curriculum_from_the_real_paths(open_browser) -> None:
    page = open_browser("mentor")
    page.locator(".cover", has_text="Noah Adeyemi").click()
    expect(page.get_by_role("heading", name="Noah Adeyemi")).to_be_visible()
    for name in ("Now", "Next", "Later", "Completed"):
        expect(part(page, name)).to_be_visible()
    link = part(page, "Next").locator(".what a").first
    name, address = own_text(link), link.get_attribute("href")
    page.goto("/resources")
    page.get_by_label("Search").fill(name)
    expect(page.locator(f'#found a[href="{address}"]').first).to_contain_text(name)
    page.goto("/paths")
    expect(page.locator("#found h2")).to_have_count(7)


def test_a_member_completes_what_they_learn(open_browser) -> None:
    page = open_browser("candidate")
    page.get_by_role("link", name="Go to my curriculum").click()
    name = learn_something(page)
    page.evaluate("window.stayed = true")
    part(page, "Now").get_by_role("button", name=f"Done {name}", exact=True).click()
    expect(part(page, "Completed").locator("li").first).to_contain_text(name)
    expect(page.locator("[data-toast]")).to_contain_text(f"Completed “{name}”.")
    expect(page.locator("#announce")).to_contain_text(f"Completed “{name}”.")
    assert page.evaluate("window.stayed")  # only the part that changed was exchanged
    page.reload()
    expect(part(page, "Completed").locator("li").first).to_contain_text(name)
    part(page, "Completed").get_by_role("button", name=f"Reopen {name}", exact=True).click()
    expect(part(page, "Now")).to_contain_text(name)
    page.keyboard.press("Control+Z")
    expect(part(page, "Completed").locator("li").first).to_contain_text(name)


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement === document.body ? 'the body' : document.activeElement.innerText")


@pytest.mark.deep
def test_the_keyboard_keeps_its_place_after_every_action(open_browser) -> None:
    """Each action of an item, by keyboard: the focus is on another item of the list or its heading, never the body."""
    page = open_browser("mentor")
    page.goto(page.get_by_role("link", name="Daniela Rossi").get_attribute("href") or "")
    learn_something(page)
    for state, button in (("Next", "Plan for now"), ("Now", "Done"), ("Completed", "Reopen")):
        page.locator("[data-toast]").evaluate_all("toasts => toasts.forEach(toast => toast.remove())")
        one = part(page, state).get_by_role("button", name=re.compile(f"^{button} ")).first
        one.focus()
        page.keyboard.press("Enter")
        expect(page.locator("[data-toast]")).to_be_visible()
        expect(page.locator(".htmx-request")).to_have_count(0)
        expect(page.locator(":focus")).to_have_count(1)
        assert focused(page) != "the body"
    for action in ("Move to Later", "Remove"):
        page.locator("[data-toast]").evaluate_all("toasts => toasts.forEach(toast => toast.remove())")
        part(page, "Next").locator("summary", has_text="More for").first.click()
        part(page, "Next").get_by_role("button", name=re.compile(f"^{action}")).first.press("Enter")
        expect(page.locator("[data-toast]")).to_be_visible()
        expect(page.locator(":focus")).to_have_count(1)


@pytest.mark.deep
def test_a_mentor_is_asked_before_a_whole_path_and_takes_it_back(open_browser) -> None:
    page = open_browser("mentor")
    page.get_by_role("link", name="Daniela Rossi").click()
    before = part(page, "Next").locator(".count").first.inner_text()
    page.get_by_label("Find a resource or a path").fill("Engineer Kit")
    page.get_by_role("button", name="Assign Engineer Kit to Next", exact=True).click()
    confirmation = page.get_by_role("region", name="Assign all of “Engineer Kit”?")
    expect(confirmation).to_contain_text("new resources would go to Next")
    confirmation.get_by_role("button", name=re.compile(r"^Assign \d+ to Next$")).click()
    toast = page.locator("[data-toast]")
    expect(toast).to_contain_text("resources of “Engineer Kit” to Next.")
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Undone.")
    expect(part(page, "Next").locator(".count").first).to_have_text(before)


@pytest.mark.deep
def test_a_mentor_plans_a_period_and_takes_it_back(open_browser) -> None:
    page = open_browser("mentor")
    page.goto(page.get_by_role("link", name="Bruno Costa").first.get_attribute("href") or "")
    now = part(page, "Now")
    before = now.locator(".what a").all_inner_texts()
    now.locator("summary", has_text="Plan the next period").press("Enter")
    choices = now.get_by_role("group", name="To learn now, until the next meeting").get_by_role("checkbox")
    choices.first.press("Space")  # goes back to Next
    choices.last.press("Space")
    now.get_by_role("button", name="Commit the period").press("Enter")
    toast = page.locator("[data-toast]")
    expect(toast).to_contain_text(re.compile(r"Committed \d+ resources? until \d+ \w+ \d{4}\."))
    expect(now).to_contain_text("Agreed until")
    expect(now).to_contain_text("by you")
    expect(page.locator(":focus")).to_have_count(1)
    assert now.locator(".what a").all_inner_texts() != before
    page.keyboard.press("Control+Z")
    expect(toast).to_contain_text("Undone.")
    assert now.locator(".what a").all_inner_texts() == before


@pytest.mark.deep
def test_a_member_proposes_and_their_mentor_accepts(open_browser) -> None:
    page = open_browser("candidate")
    page.get_by_role("link", name="Go to my curriculum").click()
    item = part(page, "Next").locator("li").last
    name = own_text(item.locator(".what a"))
    item.locator("summary", has_text="More for").press("Enter")
    item.get_by_role("button", name="Propose for Later").press("Enter")
    expect(page.locator("[data-toast]")).to_contain_text(f"Proposed “{name}” for Later.")
    expect(page.locator(":focus")).to_have_count(1)
    mentor = open_browser("mentor")
    mentor.locator(".cover", has_text="Ava Castellanos").click()
    proposed = part(mentor, "Next").locator("li").filter(has_text="Ava Castellanos: move it to Later")
    proposed.get_by_role("button", name=f"Accept for {name}", exact=True).press("Enter")
    expect(mentor.locator("[data-toast]")).to_contain_text("Accepted what was proposed")
    expect(part(mentor, "Later")).to_contain_text(name)
    mentor.keyboard.press("Control+Z")
    expect(part(mentor, "Next")).to_contain_text(name)


@pytest.mark.deep
def test_an_action_is_answered_while_the_server_works(open_browser) -> None:
    """The server's answer is held back here: the toast that says what is being done comes without it."""
    page = open_browser("mentor")
    page.locator(".cover", has_text="Noah Adeyemi").click()
    name = own_text(part(page, "Next").locator(".what a").first)
    held = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/curriculum/*", hold)
    part(page, "Next").get_by_role("button", name=f"Plan for now {name}", exact=True).click()
    expect(page.locator("[data-pending]")).to_have_text(f"Plan for now {name} …")
    held[0].continue_()
    expect(page.locator("[data-toast]")).to_contain_text(f"Planned “{name}” for now.")
    expect(page.locator("[data-pending]")).to_have_count(0)
    page.unroute("**/curriculum/*")
    page.get_by_role("button", name="Undo").click()
    expect(part(page, "Next")).to_contain_text(name)


def test_it_works_without_javascript(open_browser) -> None:
    page = open_browser("candidate", java_script_enabled=False)
    page.get_by_role("link", name="Go to my curriculum").click()
    link = part(page, "Next").locator(".what a").first
    name = link.inner_text().split("\n")[0].replace(" (opens in a new tab)", "").strip()
    part(page, "Next").get_by_role("button", name=f"Start {name}", exact=True).click()
    expect(part(page, "Now")).to_contain_text(name)


@pytest.mark.deep
def test_of_two_who_change_at_once_the_second_sees_what_happened(open_browser) -> None:
    page = open_browser("mentor", refusals=(412,))
    page.route_web_socket(re.compile("/live$"), lambda _: None)  # it doesn't hear of the other's change in time
    page.goto(page.get_by_role("link", name="Daniela Rossi").get_attribute("href") or "")
    other = page.context.new_page()
    other.goto(page.url)
    started = own_text(part(other, "Next").locator(".what a").first)
    wanted = own_text(part(page, "Next").locator(".what a").nth(1))
    part(other, "Next").get_by_role("button", name=f"Plan for now {started}", exact=True).click()
    expect(part(other, "Now")).to_contain_text(started)
    part(page, "Next").get_by_role("button", name=f"Plan for now {wanted}", exact=True).click()
    notice = page.get_by_role("alert").filter(has_text="changed after you opened this page")
    expect(notice).to_contain_text(f"“{started}” was planned for now")
    notice.get_by_role("button", name=f"Plan “{wanted}” for now").click()
    expect(part(page, "Now")).to_contain_text(wanted)


def test_a_page_shows_what_somebody_else_changes(open_browser) -> None:
    member = open_browser("member")
    member.get_by_role("link", name="Go to my curriculum").click()
    expect(member.locator("#curriculum[data-live-state=on]")).to_be_visible()
    mentor = open_browser("mentor")
    mentor.locator(".cover", has_text="Noah Adeyemi").click()
    name = own_text(part(mentor, "Next").locator(".what a").first)
    part(mentor, "Next").get_by_role("button", name=f"Plan for now {name}", exact=True).click()
    expect(part(member, "Now")).to_contain_text(name)
    expect(member.locator("[data-toast]")).to_contain_text(f"Mara Lindgren moved “{name}” from Next to Now.")
    expect(mentor.locator("[data-toast]")).to_contain_text(f"Planned “{name}” for now.")
    mentor.get_by_role("button", name="Undo").click()
    expect(part(member, "Next")).to_contain_text(name)


@pytest.mark.deep
def test_a_socket_says_in_a_browser_why_it_was_closed(open_browser) -> None:
    """Before it is accepted, a browser would say 1006 whatever the reason is."""
    page = open_browser("member")
    closed = """async ([path, protocols]) => new Promise((done) => {
        const socket = new WebSocket(location.origin.replace("http", "ws") + path, protocols);
        socket.onclose = (event) => done([event.code, socket.protocol]);
    })"""
    path = page.get_by_role("link", name="Go to my curriculum").get_attribute("href") or ""
    live = f"/api/curriculum/curricula{path.removeprefix('/members')}/live"
    assert page.evaluate(closed, [live, ["gatehouse.v1", "made-up"]]) == [4401, "gatehouse.v1"]
    assert page.evaluate(closed, [live, ["gatehouse.v1"]]) == [4401, "gatehouse.v1"]
    assert page.evaluate(closed, ["/api/curriculum/nowhere", ["gatehouse.v1"]]) == [4404, "gatehouse.v1"]


def test_a_mentor_assigns_a_resource_found_by_its_name(open_browser) -> None:
    page = open_browser("mentor")
    page.get_by_role("link", name="Daniela Rossi").click()
    page.get_by_label("Find a resource or a path").press_sequentially("accessib", delay=20)
    button = page.get_by_role("button", name=re.compile(r"^Assign .+ to Next$")).first
    expect(button).to_be_visible()
    name = (button.get_attribute("aria-label") or "").removeprefix("Assign ").removesuffix(" to Next")
    button.click()
    expect(part(page, "Next")).to_contain_text(name)


@pytest.mark.deep
def test_search_answers_while_one_types(open_browser) -> None:
    page = open_browser("member")
    page.goto("/resources")
    expect(page.locator("#found tbody tr")).to_have_count(40)
    assert (
        page.evaluate("document.documentElement.scrollHeight") <= 1700
    )  # forty rows, of which some names take two lines
    page.get_by_label("Search").press_sequentially("12 factor", delay=20)
    expect(page.locator("#found tbody tr").first).to_contain_text("12 Factor")
    expect(page).to_have_url(re.compile(r"search=12(\+|%20)factor"))
    page.go_back()  # one entry, however many letters were typed
    expect(page).to_have_url(re.compile(r"/resources$"))
    expect(page.locator("#found tbody tr")).to_have_count(40)  # else the page that still loads is given up
    page.go_forward()
    expect(page.locator("#found tbody tr").first).to_contain_text("12 Factor")
    page.reload()
    expect(page.get_by_label("Search")).to_have_value("12 factor")
    page.get_by_label("Kind").select_option("book")
    expect(page.locator("#found")).to_contain_text("No results for “12 factor”")


@pytest.mark.deep
def test_a_mentor_says_how_long_a_resource_is_and_how_its_link_is(open_browser) -> None:
    page = open_browser("mentor")
    page.goto("/resources?search=12+factor")
    page.get_by_role("link", name=re.compile("^Details of .*12 Factor")).first.press("Enter")
    page.get_by_label("Minutes").fill("25")
    page.get_by_role("button", name="Save the length").press("Enter")
    toast = page.locator("[data-toast]")
    expect(toast).to_contain_text("25 min")
    expect(page.locator(":focus")).to_have_count(1)
    page.keyboard.press("Control+Z")
    expect(toast).to_contain_text("has no length")
    page.get_by_label("What the link did").select_option("blocked")
    page.get_by_role("button", name="Record the check").press("Enter")
    expect(toast).to_contain_text("Recorded how the link")
    expect(page.locator("#resource")).to_contain_text("Its site turned the last check away")
    page.keyboard.press("Control+Z")
    expect(toast).to_contain_text("Undone.")
    expect(page.locator("#resource")).to_contain_text("Active")


@pytest.mark.deep
def test_an_operator_sees_how_the_platform_runs(open_browser) -> None:
    page = open_browser("sre")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Admin").click()
    services = page.locator("#services .service")
    for name in ("identity", "person", "partner", "topics", "curriculum", "ledger", "portal"):
        expect(services.filter(has=page.get_by_role("link", name=name, exact=True))).to_contain_text("Healthy")
    page.get_by_role("link", name="identity", exact=True).click()
    expect(page.get_by_role("heading", name="Configuration")).to_be_visible()
    secret = page.get_by_role("row").filter(has_text="key_encryption_secret")
    expect(secret).to_contain_text("set")
    expect(page.get_by_role("row").filter(has_text="session_idle")).to_contain_text("service.toml")
    expect(page.get_by_role("row").filter(has_text="signing_key")).to_contain_text(re.compile(r"1\.0\.\d"))


@pytest.mark.deep
def test_admin_refreshes_itself_and_can_be_paused(open_browser) -> None:
    page = open_browser("sre")
    page.goto("/admin")
    with page.expect_response(lambda answer: answer.url.endswith("/admin") and "hx-request" in answer.request.headers):
        pass
    page.get_by_role("button", name="Pause refreshing").click()
    expect(page.locator("#announce")).to_have_text("Paused")
    expect(page.locator("#services")).to_have_attribute("data-refreshing", "paused")


def test_for_a_member_there_is_no_admin(open_browser) -> None:
    page = open_browser("member", refusals=(404,))
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)
    answer = page.goto("/admin")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()


def test_one_can_sign_in_and_out_by_keyboard_alone(open_browser) -> None:
    page = open_browser()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    wanted = page.get_by_role("button", name="Mara Lindgren")
    for _ in range(30):
        page.keyboard.press("Tab")
        if wanted.evaluate("button => button === document.activeElement"):
            break
    ring = wanted.evaluate("button => getComputedStyle(button).outlineStyle")
    assert ring == "solid"  # where the focus is can be seen
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, Mara")
    page.locator(".lintel summary", has_text="Your account").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/sign-in$"))
    page.go_back()
    expect(page).to_have_url(re.compile("/sign-in"))  # nothing of the session is left in the browser


@pytest.mark.deep
def test_colours_follow_the_system_until_one_chooses(open_browser) -> None:
    light, dark = (open_browser(color_scheme=scheme) for scheme in ("light", "dark"))
    assert ground(light) != ground(dark)
    light.get_by_role("button", name="Dark").click()
    expect(light.locator("html")).to_have_attribute("data-theme", "dark")
    assert ground(light) == ground(dark)
    light.reload()
    assert ground(light) == ground(dark)


@pytest.mark.deep
@pytest.mark.parametrize("persona", ["member", "admin"])
def test_nothing_sticks_out_of_a_narrow_screen(open_browser, persona: str) -> None:
    page = open_browser(persona, width=NARROW)
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    found = {link.get_attribute("href") or "/" for link in links.all()}
    found |= {*PAGES, *(["/admin/identity", "/members"] if persona == "admin" else [])}
    for path in sorted(found):
        page.goto(path)
        assert overflow(page) <= 0, path
    page.goto("/paths")
    page.locator("#found a").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert overflow(page) <= 0
