"""Every operation of every service under generated requests (schemathesis): no 5xx, no undocumented answer.

How many requests an operation gets is GATEHOUSE_CASES: 2 of one service in every run; 30 in the deep tests, which try
each form of a request too; `gate bench services` makes 10,000 in all. They run on a database of their own, as an
administrator, who gets everywhere, and (in the deep tests) as a member, who shouldn't.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection"
)
HOOKS = Path(__file__).with_name("hooks.py")
FEW = "2"
GIVEN = os.environ.get("GATEHOUSE_CASES")
CASES = [
    *([(GIVEN, "member"), (GIVEN, "admin")] if GIVEN else [(FEW, "admin")]),
    *(pytest.param("30", persona, marks=pytest.mark.deep) for persona in ("member", "admin")),
]
# What one takes grows with the service and with what runs beside it: minutes, where all cores are busy.
pytestmark = [pytest.mark.begins_early, pytest.mark.timeout(900)]
# Identity last: whoever plays with accounts and roles can end up signed out. The smallest first: every run tries it.
NAMES = [service.name for service in load_catalog(find_root(Path(__file__).parent)) if service.kind == "api"]
APIS = sorted(NAMES, key=lambda name: (name == "identity", name != "partner"))


@pytest.fixture(scope="module")
def callers(institute) -> dict[str, dict[str, str]]:
    """Signed in before anything is done to the accounts."""
    return {persona: institute.sign_in(persona) for persona in ("admin", "member")}


@pytest.mark.parametrize("service", APIS)
@pytest.mark.parametrize(("cases", "persona"), CASES)
@pytest.mark.sampled(100)
def test_no_generated_request_breaks_a_service(
    institute, callers: dict[str, dict[str, str]], service: str, persona: str, cases: str, tmp_path: Path
) -> None:
    # The forms of a request are the same for everyone: going through them all once is enough, and takes most of the
    # time. The document's own examples are among them: the phase named after those would take longer than it tells.
    phases = "coverage,fuzzing" if persona == "admin" and cases != FEW else "fuzzing"
    done = schemathesis(institute.url(service), callers[persona]["Authorization"], phases, cases, tmp_path)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}\n{institute.log(service)[-3000:]}"
    assert "unhandled error" not in institute.log(service)


def schemathesis(
    url: str, authorization: str, phases: str, cases: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            f"--config-file={HOOKS.with_name('schemathesis.toml')}",
            "run",
            f"{url}/openapi.json",
            f"--url={url}",
            f"--header=Authorization: {authorization}",
            f"--max-examples={cases}",
            f"--checks={CHECKS}",
            f"--phases={phases}",
            "--seed=7",
            "--continue-on-failure",
            "--no-color",
            "--warnings=off",
        ],
        cwd=folder,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(HOOKS),
            "GATEHOUSE_CONTRACTS_URL": url,
            "GATEHOUSE_CONTRACTS_AUTHORIZATION": authorization,
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
