"""`gate bench learning`: a member's home with 1,000 assignments, and what noticing a click adds to a redirect.

The portal and the services that the home asks run as they do in a task, on one machine with the load; a figure of 50
connections that never pause is what 50 people are who all click at once, again and again. It needs wrk.
"""

import argparse
import asyncio
import contextlib
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence

import asyncpg
import httpx
from harness import Figure, free_port, server, show
from world import CATALOG, World, world

ASSIGNMENTS = 1_000
SERVICES = ("person", "topics", "curriculum", "encounter", "communication", "portal")
CLICK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1", "Sec-Fetch-Dest": "document"}
# Each with a sign-in of their own: one caller's requests take turns (gatehouse_chassis.http.admission).
READERS = 50
# wrk prints no 95th percentile of its own, and sends all its requests with the same headers.
SCRIPT = """
local readers, turn = { %s }, 0
request = function()
    turn = turn %% #readers + 1
    return wrk.format(nil, nil, readers[turn])
end
done = function(summary, latency, requests)
    io.write(string.format("REPORT %%f %%f %%d %%d\\n", latency:percentile(50) / 1000, latency:percentile(95) / 1000,
        summary.requests, summary.errors.status + summary.errors.connect + summary.errors.timeout))
end
"""
ADD = """
with learner as (
    select id, (select count(*) from assignment a where a.curriculum_id = c.id and a.withdrawn_at is null) as there
    from curriculum c where person_id = $1
)
insert into assignment (curriculum_id, resource_id, topic_id, resource_name, topic_name, skills, state, position,
    assigned_at, started_at, completed_at, changed_at)
select learner.id, gen_random_uuid(), md5((n / 10)::text)::uuid, 'Resource ' || n, 'Topic ' || n / 10,
    array['Skill ' || n % 12], case when n % 3 = 0 then 'later' else 'completed' end, 10000 + n,
    now() - interval '400 days', now() - interval '399 days',
    case when n % 3 = 0 then null else now() - make_interval(hours => 9000 - n * 8) end, now()
from learner, generate_series(1, $2 - learner.there) as n
"""


@contextlib.contextmanager
def platform(made: World) -> Generator[dict[str, str]]:
    """The addresses of SERVICES, all running."""
    addresses = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
    with contextlib.ExitStack() as stack:
        for name in SERVICES:
            contestant = made.service(name)
            known = {CATALOG[other].address_variable: address for other, address in addresses.items()}
            contestant.environment = {**contestant.environment, **known, "GATEHOUSE_PUBLIC_URL": addresses["portal"]}
            port = int(addresses[name].rpartition(":")[2])
            stack.enter_context(server(contestant, core=None, port=port))
        yield addresses


def signed_in(portal: str) -> tuple[dict[str, str], str]:
    """What a browser of the member sends, and their person's id."""
    with httpx.Client(base_url=portal, headers={"Origin": portal}) as client:
        token = re.search(r'name="form_token" value="(\w+)"', client.get("/sign-in").text)
        fields = {"form_token": token[1] if token else "", "then": "/"}
        answer = client.post("/sign-in/personas/member", data=fields)
        if answer.status_code != 303:
            sys.exit(f"signing in answered {answer.status_code}: {answer.text[:300]}")
        person = re.search(r"/members/([0-9a-f-]{36})", client.get("/").text)
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return {"Cookie": cookies, "Accept": "text/html"}, person[1] if person else ""


def latency(url: str, readers: Sequence[Mapping[str, str]], connections: int, seconds: int) -> tuple[float, float, int]:
    """p50 and p95 in ms, and the number of requests. `readers`: what each sends, who take turns.

    Stops the benchmark when anything failed.
    """
    wrk = shutil.which("wrk") or sys.exit("wrk isn't installed: apt-get install wrk (Debian), brew install wrk (macOS)")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        each = ["{" + ", ".join(f"[{json.dumps(k)}]={json.dumps(v)}" for k, v in one.items()) + "}" for one in readers]
        script.write(SCRIPT % ", ".join(each))
        script.flush()
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, "--timeout", "30s", url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"REPORT ([\d.]+) ([\d.]+) (\d+) (\d+)", output)
    if found is None or int(found[4]):
        sys.exit(f"the load of {url} failed:\n{output}")
    return float(found[1]), float(found[2]), int(found[3])


async def fill(database: str, person: str) -> str:
    """Gives the person 1,000 assignments; the id of one that leads somewhere."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("set search_path to curriculum")
        await connection.execute(ADD, person, ASSIGNMENTS)
        return str(
            await connection.fetchval(
                "select a.id from assignment a join curriculum c on c.id = a.curriculum_id "
                "where c.person_id = $1 and a.state = 'now' order by a.position limit 1",
                person,
            )
        )
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds, for a first look")
    seconds = 4 if parser.parse_args().quick else 15
    figures = []
    with world() as made, platform(made) as addresses:
        home = f"{addresses['portal']}/"
        sessions = [signed_in(addresses["portal"]) for _ in range(READERS)]
        browsers, person = [one[0] for one in sessions], sessions[0][1]
        few = latency(home, browsers, READERS, seconds)
        one = asyncio.run(fill(made.environment("curriculum")["GATEHOUSE_DATABASE_URL"], person))
        text = httpx.get(home, headers=browsers[0], timeout=30).text
        alone = latency(home, browsers, 1, seconds)
        many = latency(home, browsers, READERS, seconds)
        plan, tokens = (
            f"{addresses['curriculum']}/api/curriculum/curricula/{person}",
            [made.token("member") for _ in range(READERS)],
        )
        way = latency(f"{plan}/way", tokens, READERS, seconds)
        whole = latency(plan, tokens, READERS, seconds)
        bare = latency(home, [{"Accept": "text/html"}], 1, seconds)  # to the sign-in page
        click = latency(f"{addresses['portal']}/go/{one}", [browsers[0] | CLICK], 1, seconds)
    kilobytes = len(gzip.compress(text.encode())) / 1000
    figures += [
        Figure("home of 1,000 assignments, compressed", f"{kilobytes:.0f} kB", "<= 80 kB", kilobytes <= 80),
        Figure("home, one reader: p50 / p95", f"{alone[0]:.0f} / {alone[1]:.0f} ms", "", None),
        Figure("home, 50 at once: p50 / p95", f"{many[0]:.0f} / {many[1]:.0f} ms", "p95 <= 200 ms", many[1] <= 200),
        Figure(
            "home, 50 at once: of 1,000 / of the seed's", f"{many[0] / few[0]:.2f}", "<= 1.2", many[0] / few[0] <= 1.2
        ),
        Figure("way alone, 50 at once: p50 / p95", f"{way[0]:.0f} / {way[1]:.0f} ms", "p95 <= 200 ms", way[1] <= 200),
        Figure("whole curriculum / way, p50 at 50", f"{whole[0] / way[0]:.1f}", "", None),
        Figure(
            "a click: p95, added to a bare redirect",
            f"{click[1] - bare[1]:.1f} ms",
            "<= 30 ms",
            click[1] - bare[1] <= 30,
        ),
    ]
    show("Learning: where we stand", figures)


if __name__ == "__main__":
    main()
