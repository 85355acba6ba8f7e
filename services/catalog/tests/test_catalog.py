"""The catalog as its readers see it: what a folder of service.toml files turns into, or why it is refused."""

import json
from pathlib import Path

import pytest

from gatehouse_catalog import CatalogError, find_root, load_catalog, load_service
from gatehouse_catalog.schema import PLACE, generate, service_schema
from gatehouse_catalog.structs import MAIL_SETTINGS

GOOD = """
name = "{name}"
domain = "people"
summary = "Says what it is for"
path = "/api/{name}"
port = {port}
"""

JOB = '[database]\nschema = "other"\n[jobs.sweep]\nhelp = "Removes what is old"\n'


def write(root: Path, name: str, text: str) -> None:
    folder = root / "services" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "service.toml").write_text(text, encoding="utf-8")


def refused(root: Path) -> str:
    with pytest.raises(CatalogError) as error:
        load_catalog(root)
    return str(error.value)


def test_the_catalog_of_this_repository_loads() -> None:
    catalog = load_catalog(find_root(Path(__file__)))
    assert {"identity", "person", "partner", "topics", "curriculum", "portal"} <= set(catalog.names)
    assert catalog["person"].database is not None
    assert catalog["person"].database.service_role == "person_service"


def test_a_service_starts_after_what_it_uses(tmp_path: Path) -> None:
    write(tmp_path, "aa", GOOD.format(name="aa", port=8401) + '[uses]\nservices = ["bb"]\n')
    write(tmp_path, "bb", GOOD.format(name="bb", port=8402) + '[uses]\nservices = ["cc"]\n')
    write(tmp_path, "cc", GOOD.format(name="cc", port=8403))
    catalog = load_catalog(tmp_path)
    assert [service.name for service in catalog.start_order()] == ["cc", "bb", "aa"]
    assert [service.name for service in catalog.start_order(["bb"])] == ["cc", "bb"]


def test_one_service_sends_all_mails(tmp_path: Path) -> None:
    mail = "".join(f'[settings.{key}]\ntype = "text"\n' for key in MAIL_SETTINGS)
    for number, name in enumerate(("aa", "bb")):
        write(tmp_path, name, GOOD.format(name=name, port=8401 + number) + "sends_mail = true\n" + mail)
    assert "services/bb/service.toml: sends_mail = true: is said by aa already" in refused(tmp_path)
    write(tmp_path, "bb", GOOD.format(name="bb", port=8402))
    assert load_catalog(tmp_path)["aa"].sends_mail


def test_a_star_uses_every_other_api(tmp_path: Path) -> None:
    write(
        tmp_path,
        "web",
        GOOD.format(name="web", port=8410).replace("/api/web", "/") + 'kind = "web"\n[uses]\nservices = ["*"]\n',
    )
    write(tmp_path, "aa", GOOD.format(name="aa", port=8401))
    write(tmp_path, "bb", GOOD.format(name="bb", port=8402))
    catalog = load_catalog(tmp_path)
    assert [service.name for service in catalog.uses(catalog["web"])] == ["aa", "bb"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('summry = "x"', 'summry = "x": is not a known key. Did you mean "summary"?'),
        ("[compute]\ncpus = 256", "compute.cpus = 256: is not a known key."),
        (
            '[settings.limit]\ntype = "integer"\ndefault = "many"',
            "settings.limit.default = many: is not of type integer.",
        ),
        (
            '[settings.limit]\ntyp = "integer"',
            'settings.limit.typ = "integer": is not a known key. Did you mean "type"?',
        ),
        ('[settings.key]\ntype = "text"\nsecret = true\ndefault = "s3cret"', "settings.key.default = (hidden)"),
        ('[settings.on]\ntype = "boolean"\nsecret = true', "settings.on.type = boolean: is a secret;"),
        (
            "sends_mail = true",
            "settings.mail_topic: is missing, or no plain text, and sends_mail is true. Write [settings",
        ),
        ('sends_mail = true\nkind = "app"', "sends_mail = true: is for an api only"),
        ('sends_mail = true\n[settings.mail_from]\ntype = "text"\nsecret = true', "settings.mail_from: is missing, or"),
        ("seals_keys = true", "seals_keys = true: is for a service that runs alone"),
        ("replays_log = true", "replays_log = true: is for a service with a database"),
        ('kind = "job"', 'kind = "job": is not a kind of service. Known: api, web, app.'),
        ('[settings.wait]\ntype = "duration"\ndefault = "5 minutes"', "is not a duration like"),
        ('kind = "app"', 'path = /api/other: is not below /apps/. Write "/apps/other".'),
        ('kind = "app"\n[settings.limit]\ntype = "integer"', "is nothing that an app has: its image serves files."),
        ("[compute]\ncpu = 300", "compute.cpu = 300: is no Fargate size."),
        ("[compute]\ncpu = 256\nmemory = 4096", "The nearest legal is 2048."),
        ("[scaling]\nmin = 3\nmax = 2", "scaling.max = 2: is below scaling.min."),
        ('[uses]\nservices = ["persn"]', 'uses.services = persn: doesn\'t exist. Did you mean "person"?'),
        ('[uses]\nservices = ["other"]', "uses.services = other: is the service itself."),
        ('[database]\nschema = "Person"', "database.schema"),
        ('[database]\nschema = "x"\nneeds = {a = "1.0"}', "database.needs"),
        ("[objectives]\navailability = 101", "objectives.availability = 101"),
        ("[settings.limit]\ntype = 7", "settings.limit.type = 7: "),
        ('[jobs.sweep]\nevery = "1h"', "jobs.sweep.help: is missing."),
        (JOB + 'evry = "1h"', 'jobs.sweep.evry = "1h": is not a known key. Did you mean "every"?'),
        (
            JOB + 'every = "1h"\nat = "03:30"',
            "jobs.sweep.at = 03:30: stands beside every = 1h: a job has one schedule.",
        ),
        (JOB + 'every = "soon"', "jobs.sweep.every = soon: is not a duration. Write a number and a unit"),
        (JOB + 'every = "5s"', "jobs.sweep.every = 5s: is out of range. Write a duration from 10s to 366d."),
        (JOB + f'every = "{"9" * 400}d"', "is out of range."),
        (JOB + 'at = "3:30"\nzone = "UTC"', "jobs.sweep.at = 3:30: is no time of day."),
        (JOB + 'at = "24:00"\nzone = "UTC"', "jobs.sweep.at = 24:00: is no time of day."),
        (JOB + 'at = "03:30"\nzone = "Berlin"', "jobs.sweep.zone = Berlin: is no time zone. Write an IANA name"),
        (JOB + 'at = "03:30"\nzone = "../etc/passwd"', "is no time zone."),
        (JOB + 'every = "1h"\nzone = "UTC"', "jobs.sweep.zone = UTC: is about a time of day"),
        (JOB + 'at = "03:30"', "jobs.sweep.at = 03:30: has no zone, and the service has no setting institute_zone."),
        (
            JOB + 'at = "03:30"\n[settings.institute_zone]\ntype = "text"\ndefault = "Mars"',
            "settings.institute_zone.default = Mars: is no time zone.",
        ),
        ('[jobs.sweep]\nhelp = "Removes what is old"', "jobs.sweep = sweep: needs a database"),
    ],
)
def test_a_wrong_entry_is_refused_with_file_key_and_fix(tmp_path: Path, line: str, said: str) -> None:
    write(tmp_path, "person", GOOD.format(name="person", port=8402))
    write(tmp_path, "other", GOOD.format(name="other", port=8403) + line)
    text = refused(tmp_path)
    assert text.startswith("services/other/service.toml: ")
    assert said in text
    assert "s3cret" not in text


def test_an_app_also_uses_the_pages_that_sign_people_in(tmp_path: Path) -> None:
    write(tmp_path, "aa", GOOD.format(name="aa", port=8401))
    write(tmp_path, "bb", GOOD.format(name="bb", port=8402))
    write(tmp_path, "web", GOOD.format(name="web", port=8410).replace("/api/web", "/") + 'kind = "web"\n')
    for name, port in (("one", 8411), ("two", 8412)):
        entry = GOOD.format(name=name, port=port).replace("/api/", "/apps/")
        write(tmp_path, name, entry + 'kind = "app"\n[uses]\nservices = ["aa"]\n')
    catalog = load_catalog(tmp_path)
    assert [service.name for service in catalog.uses(catalog["one"])] == ["aa", "web"]
    assert [service.name for service in catalog.apps] == ["one", "two"]
    write(tmp_path, "cc", GOOD.format(name="cc", port=8403) + '[uses]\nservices = ["one"]\n')
    assert "uses.services = one: is an app, which nobody calls." in refused(tmp_path)


@pytest.mark.parametrize("port", [8400, 8432])
def test_a_service_leaves_the_local_platform_its_ports(tmp_path: Path, port: int) -> None:
    write(tmp_path, "aa", GOOD.format(name="aa", port=port))
    with pytest.raises(CatalogError, match=f"aa/service.toml: port = {port}: is the port of the local platform's"):
        load_catalog(tmp_path)


@pytest.mark.parametrize(("port", "path", "said"), [(8401, "/api/b", "port of"), (8402, "/api/aa", "path of")])
def test_two_services_never_share_a_port_or_a_path(tmp_path: Path, port: int, path: str, said: str) -> None:
    write(tmp_path, "aa", GOOD.format(name="aa", port=8401))
    write(tmp_path, "bb", GOOD.format(name="bb", port=port).replace("/api/bb", path))
    assert f"is already the {said} aa" in refused(tmp_path)


def test_a_circle_of_uses_is_refused_with_its_members(tmp_path: Path) -> None:
    for name, port, used in (("aa", 8401, "bb"), ("bb", 8402, "cc"), ("cc", 8403, "aa")):
        write(tmp_path, name, GOOD.format(name=name, port=port) + f'[uses]\nservices = ["{used}"]\n')
    assert "aa -> bb -> cc -> aa" in refused(tmp_path)


def test_all_wrong_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "aa", "name = ")
    write(tmp_path, "bb", GOOD.format(name="bb", port=80))
    (tmp_path / "services" / "cc").mkdir()
    text = refused(tmp_path)
    assert "services/aa/service.toml: is not TOML" in text
    assert "services/bb/service.toml: port = 80" in text
    assert "services/cc/service.toml: is missing. Write one, or run: gate new service cc" in text


def test_an_unknown_service_is_answered_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "person", GOOD.format(name="person", port=8402))
    with pytest.raises(CatalogError, match='Did you mean "person"'):
        load_catalog(tmp_path)["persn"]


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    write(tmp_path, "aa", 'name = "aa"\nsummary = "x"\n')
    with pytest.raises(CatalogError, match=r"services/aa/service\.toml: domain: is missing"):
        load_service(tmp_path / "services" / "aa")


def test_outside_a_checkout_the_root_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="not inside a Gatehouse checkout"):
        find_root(tmp_path)


def test_the_schema_for_editors_refuses_unknown_keys() -> None:
    schema = service_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "domain", "summary", "path", "port"}
    assert json.loads(generate(Path())[PLACE]) == schema


def with_events(root: Path, person: str, identity: str) -> None:
    database = '[database]\nschema = "{name}"\n[events]\n'
    for name, port, text in (("person", 8402, person), ("identity", 8401, identity)):
        write(root, name, GOOD.format(name=name, port=port) + database.format(name=name) + text)


def test_following_makes_no_start_order_and_no_circle(tmp_path: Path) -> None:
    with_events(
        tmp_path,
        'publishes = ["person.joined", "person.left"]\nhandles = { "identity.account.linked" = "take" }\n',
        'publishes = ["identity.account.linked"]\nhandles = { "person.left" = "end", "person.joined" = "begin" }\n',
    )
    catalog = load_catalog(tmp_path)
    identity = catalog["identity"]
    assert identity.followed == {"person": ["person.joined", "person.left"]}
    assert [service.name for service in catalog.callees(identity)] == ["person"]
    assert catalog.uses(identity) == ()
    assert [service.name for service in catalog.start_order(["identity"])] == ["identity"]


@pytest.mark.parametrize(
    ("person", "identity", "said"),
    [
        (
            'publishes = ["person.joined"]',
            'handles = { "person.joind" = "take" }',
            'identity/service.toml: events.handles."person.joind" = take: is published by nobody. '
            'Did you mean "person.joined"?',
        ),
        (
            'publishes = ["people.joined"]',
            "",
            "person/service.toml: events.publishes = people.joined: doesn't begin with the service's name. "
            "Write person.joined.",
        ),
        ('publishes = ["person.a", "person.a"]', "", "events.publishes = person.a: is there twice. Remove one."),
        (
            'publishes = ["person.a"]\nhandles = { "person.a" = "take" }',
            "",
            'events.handles."person.a" = take: is the service\'s own event',
        ),
        ('publishes = ["person.Joined Jane"]', "", "person/service.toml: events.publishes"),
        ('publish = ["person.a"]', "", "events.publish"),
    ],
)
def test_events_that_nobody_publishes_or_that_are_misnamed_are_refused(
    tmp_path: Path, person: str, identity: str, said: str
) -> None:
    with_events(tmp_path, person, identity)
    assert said in refused(tmp_path)


def test_events_need_a_database(tmp_path: Path) -> None:
    write(tmp_path, "person", GOOD.format(name="person", port=8402) + '[events]\npublishes = ["person.joined"]\n')
    assert "events: needs a database. Give it a [database]" in refused(tmp_path)
