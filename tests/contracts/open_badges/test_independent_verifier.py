"""What we issue is valid for somebody else's verifier, and what somebody else's library issues is judged rightly here.

The other side is Digital Bazaar's (independent.mjs), in Node, without network but for its installation. Deep only.
"""

import asyncio
import copy
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gatehouse_catalog import find_root
from gatehouse_credential.achievement.structs import Achievement
from gatehouse_credential.award.document import CredentialFacts, open_badge, stamp
from gatehouse_credential.award.status import status_list
from gatehouse_credential.award.structs import Evidence
from gatehouse_credential.issuer.did import CertificateIssuer, did_document
from gatehouse_credential.issuer.structs import IssuerKey
from gatehouse_credential.linked_data.pinned import FILES, pinned
from gatehouse_credential.proof.data_integrity import signed
from gatehouse_credential.proof.multibase import multikey
from gatehouse_credential.verification.verify import Verifier
from gatehouse_local.apps import node

pytestmark = pytest.mark.deep

ROOT = find_root(Path(__file__).parent)
SOURCE = Path(__file__).parent
AT = datetime(2026, 3, 1, tzinfo=UTC)
ISSUER = CertificateIssuer("Agile Learning Institute", "https://institute.example:8443")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
FOREIGN = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    ],
    "id": "http://example.com/credentials/3527",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"type": ["Profile"], "name": "Example Corp"},
    "validFrom": "2010-01-01T00:00:00Z",
    "name": "Teamwork Badge",
    "credentialSubject": {
        "id": "did:example:ebfeb1f712ebc6f1c276e12ec21",
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://example.com/achievements/21st-century-skills/teamwork",
            "type": ["Achievement"],
            "criteria": {"narrative": "Nominated by peers, and recognized upon review by the management."},
            "description": "Recognizes the development of the capacity to collaborate within a group environment.",
            "name": "Teamwork",
            "creditsAvailable": 1.5,
            "tag": ["a", "b"],
        },
    },
    "evidence": [{"type": ["Evidence"], "name": 'Essay "é"', "narrative": "A line.\nAnother."}],
}


class NoKeys:
    """This institute has no key in this test: all that is judged is others'."""

    async def public_key(self, kid: str) -> Ed25519PublicKey | None:
        return None


def own() -> list[dict[str, Any]]:
    """A certificate with everything in it, the least that there can be, and a status list."""
    achievement = Achievement(
        id=UUID(int=5),
        version=1,
        series_id=UUID(int=5),
        edition=2,
        name="Web page builder",
        description="Builds pages.",
        criteria="A page,\nand *another*.",
        level="apprentice",
        specialty="ui",
        skills=["HTML", "CSS"],
        valid_months=None,
        is_current=True,
        archived_at=None,
        created_at=AT,
        created_by=None,
    )
    least = msgspec.structs.replace(achievement, level=None, specialty=None, skills=[])
    learned = Evidence(kind="item", id=UUID(int=9), name='Learn "HTML" \\ é', at=AT)
    found = []
    for one, evidence, until in (
        (achievement, [learned, learned], datetime(2199, 1, 1, tzinfo=UTC)),
        (least, [], None),
    ):
        facts = CredentialFacts(
            id=UUID(int=1),
            person_name="Nguyễn Thị O'Neil 🌱",
            achievement=one,
            evidence=evidence,
            issued_at=AT,
            valid_until=until,
            status=(1, 77),
        )
        found.append(open_badge(facts, ISSUER))
    found.append(status_list(1, [0, 77, 131_071], ISSUER, AT))
    return [signed(one, KEY, ISSUER.method("key-1"), stamp(AT)) for one in found]


def documents() -> dict[str, Any]:
    keys = [IssuerKey(kid="key-1", public_key=multikey(KEY.public_key()), signs_from=AT, signs_until=None)]
    did = msgspec.to_builtins(did_document(ISSUER, keys))
    method = {"@context": "https://w3id.org/security/multikey/v1", **did["verificationMethod"][0]}
    return {**{address: {"@context": pinned(address)} for address in FILES}, ISSUER.did: did, method["id"]: method}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the other side says: of ours, of ours with a change, and what it issued itself."""
    try:
        program = node.ready(ROOT)
    except node.NoNode as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("verifier")
    for name in ("package.json", "package-lock.json", "independent.mjs"):
        shutil.copy(SOURCE / name, folder)
    npm = program.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    environment = node.environment_for(program)
    install = [str(program), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, env=environment, check=True, timeout=180)
    whole, least, listed = own()
    hidden = {**whole, "hidden": "x"}
    renamed = {**whole, "name": "Something greater"}
    issue = [FOREIGN, {**FOREIGN, "validUntil": "2011-01-01T00:00:00Z"}]
    sent = {
        "verify": [whole, least, listed, renamed, hidden],
        "issue": issue,
        "seed": list(range(32)),
        "documents": documents(),
    }
    done = subprocess.run(
        [str(program), "independent.mjs"],
        cwd=folder,
        env=environment,
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_we_issue_is_valid_elsewhere_and_no_change_of_it_is(answers: dict[str, Any]) -> None:
    assert [one["good"] for one in answers["verified"]] == [True, True, True, False, False], answers["verified"]
    assert answers["verified"][3]["error"] == "Invalid signature."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "ok"),
        ({"validFrom": "2011-01-01T00:00:00Z"}, "wrong_signature"),
        ({"hidden": "x"}, "unsigned_content"),
        ({"proof": None}, "no_proof"),
        ({"issuer": {"type": ["Profile"], "id": "did:key:other"}}, "wrong_signature"),
        ({"@context": FOREIGN["@context"][:1]}, "not_an_open_badge"),
    ],
)
def test_what_others_issue_is_judged_rightly(answers: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    document = copy.deepcopy(answers["issued"][0]) | change
    assert judged(document) == reason


def test_what_others_issued_and_has_run_out_is_expired(answers: dict[str, Any]) -> None:
    assert judged(answers["issued"][1]) == "expired"


def judged(document: dict[str, Any]) -> str:
    keys: Any = NoKeys()
    return asyncio.run(Verifier(ISSUER, keys).verdict(document, None, AT)).reason
