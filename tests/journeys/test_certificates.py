"""From a mentor's proposal to a page on which a stranger reads that it is valid, by three people in a browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .test_accessibility import findings

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.deep]


def test_a_certificate_is_proposed_confirmed_shown_and_checked(open_browser, tmp_path: Path) -> None:
    coordinator = open_browser("coordinator")
    coordinator.goto("/achievements")
    coordinator.get_by_text("Add an achievement").click()
    name = f"Journey of {tmp_path.name}"
    form = coordinator.locator("#new form")
    form.get_by_label("Name").fill(name)
    form.get_by_label("What somebody can do").fill("Walks through all of it.")
    form.get_by_label("What it takes").fill("One walk.")
    form.get_by_role("button", name="Add it").click()
    expect(coordinator.get_by_role("heading", name=name)).to_be_visible()

    mentor = open_browser("mentor")
    mentor.goto("/members")
    mentor.get_by_role("link", name="Noah Adeyemi").first.click()
    mentor.get_by_role("link", name="Propose a certificate").click()
    mentor.get_by_label("What they achieved").select_option(label=name)
    mentor.get_by_role("button", name="Go on").click()
    expect(mentor.get_by_role("group", name="What it rests on").get_by_role("checkbox").first).to_be_checked()
    assert findings(mentor, "the proposal") == []
    mentor.get_by_role("button", name="Propose it").click()
    expect(mentor.locator("#certificates")).to_contain_text(name)
    mentor.goto("/certificates")
    own = mentor.get_by_role("region", name=f"{name}: Noah Adeyemi")
    expect(own.get_by_role("button", name="Confirm")).to_have_count(0)

    coordinator.goto("/certificates")
    coordinator.get_by_role("button", name=f"Confirm {name} for Noah Adeyemi").click()
    expect(coordinator.locator("#announce")).to_have_text("Issued. The member gets a mail.")

    member = open_browser("member")
    member.get_by_role("link", name=name).first.click()
    member.get_by_label("Whoever has the link").check()
    member.get_by_role("button", name="Save").click()
    expect(member.get_by_role("link", name="Add to LinkedIn")).to_be_visible()
    assert findings(member, "one's own certificate") == []
    with member.expect_download() as downloading:
        member.get_by_role("link", name="For wallets (JSON)").click()
    file = tmp_path / "certificate.json"
    downloading.value.save_as(file)
    with member.expect_download() as downloading:
        member.get_by_role("link", name="Picture (PNG)").click()
    picture = tmp_path / "certificate.png"
    downloading.value.save_as(picture)
    page = re.sub("^/certificates/", "/credentials/", "/" + member.url.split("/", 3)[3])

    checked_by_a_stranger(open_browser, page, file, picture)


def checked_by_a_stranger(open_browser, page: str, file: Path, picture: Path) -> None:
    stranger = open_browser(start_page="/credentials/verify")
    for sent in (file, picture):
        stranger.get_by_label("The file").set_input_files(sent)
        stranger.get_by_role("button", name="Check it").click()
        expect(stranger.locator("#verdict")).to_contain_text("Valid.")
        expect(stranger.locator("#verdict")).to_contain_text("Noah Adeyemi")
    assert findings(stranger, "a verdict") == []
    stranger.goto(page)
    expect(stranger.locator("main")).to_contain_text("Valid")
    assert findings(stranger, "a certificate") == []
    file.write_text(file.read_text().replace("One walk.", "Nothing."))
    stranger.goto("/credentials/verify")
    stranger.get_by_label("The file").set_input_files(file)
    stranger.get_by_role("button", name="Check it").click()
    expect(stranger.locator("#verdict")).to_contain_text("something was changed")
