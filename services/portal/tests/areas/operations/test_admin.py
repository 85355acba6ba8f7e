"""Admin: what operators read about a service."""


async def test_an_operator_sees_what_one_address_may_send(browser):
    limit = {"route": "POST /api/identity/token", "per_minute": 60, "at_once": 30}
    browser.house.says("identity", "GET", "/config", {"settings": [], "limits": [limit]})
    await browser.sign_in("sre")
    page = (await browser.see("/admin/identity")).text
    assert "Limits for strangers" in page
    assert "POST /api/identity/token" in page
    assert "Limits for strangers" not in (await browser.see("/admin/person")).text


SWEEP = {
    "name": "sweep",
    "help": "Removes what is old",
    "schedule": "every 1h",
    "succeeded_at": "2026-11-01T10:00:00Z",
    "next_at": "2026-11-01T11:00:00Z",
    "milliseconds": 12,
    "failures": 3,
    "last_error": "ValueError in sweep (jobs.py:7)",
}


async def test_an_operator_sees_jobs_and_runs_one(browser):
    browser.house.says("person", "GET", "/jobs", [SWEEP, {"name": "mails", "waiting": 4}])
    await browser.sign_in("sre")
    text = (await browser.see("/admin/jobs")).text
    for said in ("sweep", "every 1h", "took 12 ms", "failed 3 times", "ValueError in sweep", "4 in its queue"):
        assert said in text
    assert "/admin/jobs/person/mails" not in text, "nothing is run that has no schedule"
    browser.house.says("person", "POST", "/jobs/sweep/run", None, 202)
    answer = await browser.submit("/admin/jobs/person/sweep")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/jobs")
    assert "sweep is due now" in (await browser.see("/admin/jobs")).text
    [(_, headers, _)] = browser.house.asked("person", "POST")
    assert headers["authorization"].startswith("Bearer ")


async def test_a_job_that_cannot_run_is_answered_in_the_part_that_htmx_asked_for(browser):
    browser.house.says("person", "GET", "/jobs", [SWEEP])
    await browser.sign_in("sre")
    await browser.see("/admin/jobs")
    refusal = {"detail": "sweep is running already; wait until it has finished."}
    browser.house.says("person", "POST", "/jobs/sweep/run", refusal, 409)
    part = (await browser.submit("/admin/jobs/person/sweep", headers={"HX-Request": "true"})).text
    assert "sweep is running already" in part
    assert 'id="run-person-sweep"' in part, "the focus finds its button again"
    assert "<html" not in part
    assert (await browser.submit("/admin/jobs/nobody/sweep")).status_code == 404


async def test_an_operator_discards_work_that_fails_with_a_reason(browser):
    work = {"id": EVENT, "failures": 7, "due_at": "2026-11-01T11:00:00Z", "last_error": "KeyError in send (mail.py:3)"}
    gone = {"id": PLACE[-36:], "failures": 2, "discarded_at": "2026-11-01T11:00:00Z", "discarded_reason": "No address"}
    browser.house.says("person", "GET", "/jobs", [{"name": "mails", "failing": [work, gone]}])
    browser.house.says("person", "POST", f"/jobs/failing/{EVENT}/discard", None, 204)
    await browser.sign_in("sre")
    page = (await browser.see("/admin/jobs")).text
    for said in ("person: mails", "Failed 7 times", "KeyError in send", "No address"):
        assert said in page
    place = f"/admin/jobs/person/failing/{EVENT}/discard"
    assert page.count('/discard"') == 1
    assert (await browser.submit(place, reason="Sent by hand")).status_code == 400  # the box isn't ticked
    assert (await browser.submit(place, reason="Sent by hand", confirmed="yes")).status_code == 303
    assert [body for *_, body in browser.house.asked("person", "POST")] == [b'{"reason":"Sent by hand"}']
    assert "is discarded" in (await browser.see("/admin/jobs")).text


async def test_nobody_else_has_the_page_or_the_button(browser):
    await browser.sign_in("coordinator")
    assert (await browser.see("/admin/jobs")).status_code == 404
    await browser.see("/")
    assert (await browser.submit("/admin/jobs/person/sweep")).status_code == 403
    assert browser.house.asked("person", "POST") == []


EVENT = "019a0000-0001-7000-8000-000000000077"
PARKED = {
    "id": EVENT,
    "producer": "person",
    "type": "person.archived",
    "subject_id": EVENT,
    "tries": 8,
    "parked_at": "2026-11-29T10:00:00Z",
    "failure": "Conflict at gatehouse_identity/administrators.py:32",
}
PLACE = f"/admin/events/identity/person/{EVENT}"


async def test_an_operator_tries_a_parked_event_again_or_discards_it_with_a_reason(browser):
    feed = {"producer": "person", "types": ["person.archived"], "backlog": 3, "lag_seconds": 7.2, "unhandled": [PARKED]}
    browser.house.says("identity", "GET", "/followed", [feed])
    browser.house.says("identity", "POST", f"/followed/person/{EVENT}/retry", None, 204)
    browser.house.says("identity", "POST", f"/followed/person/{EVENT}/discard", None, 204)
    await browser.sign_in("sre")
    page = (await browser.see("/admin/events")).text
    assert "identity follows person" in page
    assert "Failed 8 times; waits for somebody" in page
    assert "administrators.py:32" in page
    assert (await browser.submit(f"{PLACE}/retry")).status_code == 303
    assert "is tried again now" in (await browser.see("/admin/events")).text
    assert (await browser.submit(f"{PLACE}/discard", reason="Made by hand")).status_code == 400  # the box isn't ticked
    assert (await browser.submit(f"{PLACE}/discard", reason="Made by hand", confirmed="yes")).status_code == 303
    assert "is discarded" in (await browser.see("/admin/events")).text
    sent = [body for path, _, body in browser.house.asked("identity", "POST") if path.endswith("/discard")]
    assert sent == [b'{"reason":"Made by hand"}']


async def test_who_is_no_operator_sees_no_events(browser):
    await browser.sign_in("mentor")
    assert (await browser.see("/admin/events")).status_code == 404


async def test_the_home_of_an_operator_names_what_is_parked(browser):
    await browser.sign_in("sre")
    assert "No event and no job is parked" in (await browser.see("/")).text
    event = {"id": browser.house.account, "subject_id": browser.house.noah, "producer": "intake"}
    event |= {"type": "intake.match.started", "parked_at": "2026-11-01T10:00:00Z"}
    waits = [event | {"tries": 8, "failure": "KeyError in apply"}, event | {"tries": 0}]
    feed = {"producer": "intake", "types": ["intake.match.started"], "unhandled": waits}
    browser.house.says("person", "GET", "/followed", [feed])
    failing = [{"id": browser.house.account, "failures": 3, "last_error": "TimeoutError in send"}]
    failing.append({"id": browser.house.noah, "failures": 2, "discarded_at": "2026-11-01T10:00:00Z"})
    browser.house.says("communication", "GET", "/jobs", [{"name": "send", "failing": failing}])
    text = (await browser.see("/")).text
    parked = text[text.index('id="parked"') :]
    assert (parked.count("Retry or discard"), "No event and no job" in text) == (2, False)
    for said in ("person: intake.match.started", "failed 8 times", "communication: send", "TimeoutError in send"):
        assert said in parked
    await browser.sign_in("tester")
    assert "parked" not in (await browser.see("/")).text
