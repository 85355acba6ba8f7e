"""Good certificates are valid, and bad ones are refused for the right reason, whoever made them."""

import base64
import copy
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import RSAAlgorithm

from gatehouse_chassis.documents.pdf import render_png
from gatehouse_credential.proof.baking import baked, baked_in
from gatehouse_credential.proof.data_integrity import signed
from gatehouse_credential.proof.multibase import multikey

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DID = f"did:key:{multikey(KEY.public_key())}"
METHOD = f"{DID}#{DID.removeprefix('did:key:')}"
CREATED = "2024-01-02T03:04:05Z"
BADGE: dict[str, Any] = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    ],
    "id": "urn:uuid:91537dba-56cb-11ec-bf63-0242ac130002",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"id": DID, "type": ["Profile"], "name": "Example University"},
    "validFrom": "2023-01-01T00:00:00Z",
    "name": "Teamwork Badge",
    "credentialSubject": {
        "id": "did:example:ebfeb1f712ebc6f1c276e12ec21",
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://example.com/achievements/21st-century-skills/teamwork",
            "type": ["Achievement"],
            "criteria": {"narrative": "Team members are nominated."},
            "description": "Recognizes the capacity to collaborate.",
            "name": "Teamwork",
        },
    },
}


def badge(*, sign: bool = True, method: str = METHOD, **changes: Any) -> dict[str, Any]:
    document = copy.deepcopy(BADGE) | changes
    return signed(document, KEY, method, CREATED) if sign else document


def proof_changed(**changes: Any) -> dict[str, Any]:
    made = badge()
    return {**made, "proof": made["proof"] | changes}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in badge().items() if name not in names}


POISON: dict[str, Any] = {
    "@context": [*BADGE["@context"], {"knows": {"@id": "urn:knows", "@type": "@id"}}],
    "evidence": [
        {"id": f"_:n{one}", "type": ["Evidence"], "knows": [f"_:n{other}" for other in range(9) if other != one]}
        for one in range(9)
    ],
    "proof": {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "verificationMethod": METHOD,
        "proofPurpose": "assertionMethod",
        "proofValue": "z1",
    },
}
"""Nine unnamed things that all know each other: to tell them apart takes every order of them."""
STATUS = {
    "id": "https://example.com/list#1",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "1",
    "statusListCredential": "https://example.com/list",
}
CASES: list[tuple[str, Any, str, str]] = [
    ("good", badge, "valid", "ok"),
    ("as a text", lambda: json.dumps(badge()), "valid", "ok"),
    ("good in 1.1", lambda: badge(validUntil="2199-01-01T00:00:00+02:00"), "valid", "ok"),
    ("expired", lambda: badge(validUntil="2024-01-01T00:00:00Z"), "expired", "expired"),
    ("begins later", lambda: badge(validFrom="2199-01-01T00:00:00Z"), "not_yet_valid", "not_yet_valid"),
    ("a changed name", lambda: {**badge(), "name": "Better"}, "invalid", "wrong_signature"),
    ("a changed date", lambda: {**badge(), "validFrom": "2022-01-01T00:00:00Z"}, "invalid", "wrong_signature"),
    ("a term that nothing signs", lambda: {**badge(), "hidden": "x"}, "invalid", "unsigned_content"),
    ("a signature of nothing", lambda: proof_changed(proofValue="z" + "1" * 64), "invalid", "wrong_signature"),
    ("a signature that is none", lambda: proof_changed(proofValue="0OIl"), "invalid", "wrong_signature"),
    ("another time in its proof", lambda: proof_changed(created="2025-01-02T03:04:05Z"), "invalid", "wrong_signature"),
    (
        "another key",
        lambda: proof_changed(verificationMethod=f"did:key:{multikey(Ed25519PrivateKey.generate().public_key())}"),
        "invalid",
        "wrong_signature",
    ),
    ("for another purpose", lambda: proof_changed(proofPurpose="authentication"), "invalid", "unknown_proof"),
    ("of another suite", lambda: proof_changed(cryptosuite="ecdsa-rdfc-2019"), "invalid", "unknown_proof"),
    ("of an old suite", lambda: proof_changed(type="Ed25519Signature2020"), "invalid", "unknown_proof"),
    ("without a proof", lambda: badge(sign=False), "invalid", "no_proof"),
    (
        "somebody else's key",
        lambda: badge(issuer={"id": "https://example.com/issuer", "type": ["Profile"]}),
        "unconfirmed",
        "unbound_key",
    ),
    ("a key to look up", lambda: badge(method="did:web:example.com#key-1"), "unconfirmed", "unknown_key"),
    (
        "a key that we never had",
        lambda: badge(method="did:web:institute.example:api:credential:issuer#key-1"),
        "invalid",
        "key_of_another",
    ),
    ("with a foreign status", lambda: badge(credentialStatus=STATUS), "unconfirmed", "unknown_status"),
    ("no badge", lambda: badge(type=["VerifiableCredential"], sign=False), "invalid", "not_an_open_badge"),
    ("no credential", lambda: badge(type=["OpenBadgeCredential"], sign=False), "invalid", "not_a_credential"),
    (
        "an Open Badge 2",
        lambda: {"@context": "https://w3id.org/openbadges/v2", "type": "Assertion"},
        "invalid",
        "not_a_credential",
    ),
    (
        "nobody's",
        lambda: badge(credentialSubject={"achievement": BADGE["credentialSubject"]["achievement"]}, sign=False),
        "invalid",
        "not_an_open_badge",
    ),
    ("no achievement", lambda: badge(credentialSubject={"id": "urn:a"}, sign=False), "invalid", "not_an_open_badge"),
    ("no issuer", lambda: without("issuer"), "invalid", "not_an_open_badge"),
    ("no date", lambda: without("validFrom"), "invalid", "not_an_open_badge"),
    ("a date that is none", lambda: badge(validUntil="soon", sign=False), "invalid", "not_an_open_badge"),
    (
        "an unknown context",
        lambda: {**badge(), "@context": [*BADGE["@context"], "https://x.example/c"]},
        "invalid",
        "unknown_context",
    ),
    ("poison", lambda: BADGE | POISON, "invalid", "too_complex"),
    ("no JSON", lambda: "{not json", "invalid", "unreadable"),
    ("nothing", dict, "invalid", "not_a_credential"),
    ("numbers for texts", lambda: {**badge(), "type": 5, "@context": 7}, "invalid", "not_a_credential"),
]


@pytest.mark.parametrize(("make", "verdict", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_verdict(awards: Any, make: Any, verdict: str, reason: str) -> None:
    found = await awards.verdict(make())
    assert (found["verdict"], found["reason"]) == (verdict, reason), found["words"]
    assert found["ours"] is False


async def test_whose_it_should_be_is_compared(awards: Any) -> None:
    assert (await awards.verdict(badge(), recipient="did:example:ebfeb1f712ebc6f1c276e12ec21"))["verdict"] == "valid"
    assert (await awards.verdict(badge(), recipient="did:example:other"))["reason"] == "another_recipient"
    own = await awards.document(await awards.issued())
    assert (await awards.verdict(own, recipient="ZOË O'Neil-Nguyễn"))["verdict"] == "valid"


async def test_a_picture_holds_a_certificate(awards: Any) -> None:
    award = await awards.issued()
    answer = await awards.get(f"/awards/{award['id']}/badge", "coordinator")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert json.loads(baked_in(answer.content) or "") == await awards.document(award)
    sent = "data:image/png;base64," + base64.b64encode(answer.content).decode()
    assert (await awards.verdict(sent))["verdict"] == "valid"
    plain = await render_png(b"#set page(width: 9pt, height: 9pt, margin: 0pt)", {})
    empty = "data:image/png;base64," + base64.b64encode(plain).decode()
    assert (await awards.verdict(empty))["reason"] == "unreadable"
    assert baked_in(baked(plain, "Zoë")) == "Zoë"


async def test_a_jwt_of_ours_is_valid_until_it_is_revoked(awards: Any) -> None:
    award = await awards.issued()
    token = (await awards.get(f"/awards/{award['id']}/jwt", "coordinator")).json()["jwt"]
    found = await awards.verdict(token)
    assert (found["verdict"], found["ours"], found["id"]) == ("valid", True, award["id"])
    head, _, signature = token.split(".")
    other = base64.urlsafe_b64encode(b'{"id": "x"}').rstrip(b"=").decode()
    assert (await awards.verdict(f"{head}.{other}.{signature}"))["reason"] == "wrong_signature"
    assert (await awards.ended(award, "revoke", "By mistake.")).status_code == 200
    assert (await awards.verdict(token))["verdict"] == "revoked"


async def test_a_pdf_of_a_certificate(awards: Any) -> None:
    award = await awards.issued()
    answer = await awards.get(f"/awards/{award['id']}/certificate", "coordinator")
    assert (answer.status_code, answer.content[:5], b"pdfuaid" in answer.content) == (200, b"%PDF-", True)


async def test_jwts_of_others(awards: Any) -> None:
    good = jwt.encode(BADGE, KEY, algorithm="EdDSA", headers={"kid": METHOD, "typ": "vc+jwt"})
    assert (await awards.verdict(good))["verdict"] == "valid"
    assert (await awards.verdict(good[:-8] + "AAAAAAAA"))["reason"] == "wrong_signature"
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(RSAAlgorithm.to_jwk(theirs.public_key()))
    brought = jwt.encode(BADGE, theirs, algorithm="RS256", headers={"jwk": jwk})
    assert (await awards.verdict(brought))["reason"] == "unbound_key"
    unsigned = jwt.encode(BADGE, "", algorithm="none")
    assert (await awards.verdict(unsigned))["reason"] == "unknown_proof"
    confused = jwt.encode(BADGE, "secret-of-thirty-two-characters!!", algorithm="HS256", headers={"kid": METHOD})
    assert (await awards.verdict(confused))["reason"] == "unknown_proof"


async def test_a_key_may_be_exchanged_and_what_it_signed_stays_good(awards: Any) -> None:
    award = await awards.issued()
    document = await awards.document(award)
    assert (await awards.post("/issuer/keys/rotate", "coordinator", None)).status_code == 403
    rotated = await awards.post("/issuer/keys/rotate", "admin", None)
    assert rotated.status_code == 200, rotated.text
    ring = awards.service.app.state.issuer_keys
    assert len(ring._rows) >= 2
    assert [row.sealed_private is None for row in ring._rows] == [True] * (len(ring._rows) - 1) + [False]
    assert (await awards.verdict(document))["verdict"] == "valid"
    later = await awards.document(await awards.issued())
    assert later["proof"]["verificationMethod"] != document["proof"]["verificationMethod"]
    assert (await awards.verdict(later))["verdict"] == "valid"
    did = (await awards.get("/issuer/did.json")).json()
    assert {one["id"] for one in did["verificationMethod"]} >= {
        one["proof"]["verificationMethod"] for one in (document, later)
    }


async def test_nonsense_is_a_verdict_and_never_an_error(awards: Any) -> None:
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    clique = [{"id": f"_:{one}", "name": [{"id": f"_:{other}"} for other in range(9)]} for one in range(9)]
    odd: list[Any] = [
        {"@context": deep},
        badge(sign=False, proof=[1]),
        badge(sign=False, proof={}),
        {**badge(), "proof": [badge()["proof"]] * 9},
        {**badge(), "proof": {**badge()["proof"], "@context": {"a": deep}}},
        {**badge(), "evidence": clique},
        {**badge(), "credentialSubject": {**BADGE["credentialSubject"], "result": [deep]}},
        {**badge(), "id": "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace")},
        {**badge(), "@context": [*BADGE["@context"], {"name": None}]},
        {**badge(), "validFrom": "9999-12-31T23:59:59-23:59"},
        "eyJ.eyJ.x",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,\u00e9",
        '{"a":' * 5_000,
        "<svg/>",
    ]
    for one in odd:
        found = await awards.verdict(one)
        assert found["verdict"] in ("invalid", "unconfirmed"), one
