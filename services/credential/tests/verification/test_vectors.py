"""The W3C's test vector of eddsa-rdfc-2022 (Data Integrity EdDSA Cryptosuites 1.0, appendix B.1), byte for byte.

Copyright 2023-2025 World Wide Web Consortium; its code and data come under the W3C Software and Document License.
"""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatehouse_credential.linked_data.pinned import pinned
from gatehouse_credential.proof.data_integrity import canonical_text, is_signed_by, signed
from gatehouse_credential.proof.multibase import from_base58, from_multikey, multikey

PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
PRIVATE = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
ALUMNI = {
    "@context": ["https://www.w3.org/ns/credentials/v2", EXAMPLES],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
METHOD = f"did:key:{PUBLIC}#{PUBLIC}"
CREATED = "2023-02-24T23:36:38Z"
PROOF_VALUE = "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme"


def load(address: str) -> Any:
    return {"@vocab": "https://www.w3.org/ns/credentials/examples#"} if address == EXAMPLES else pinned(address)


def test_the_canonical_text_has_the_published_hash() -> None:
    found = hashlib.sha256(canonical_text(ALUMNI, load).encode()).hexdigest()
    assert found == "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017"


def test_the_proof_is_the_published_one() -> None:
    key = Ed25519PrivateKey.from_private_bytes(from_base58(PRIVATE[1:])[2:])
    assert multikey(key.public_key()) == PUBLIC
    made = signed(ALUMNI, key, METHOD, CREATED, load)
    assert made["proof"]["proofValue"] == PROOF_VALUE


def test_the_published_proof_is_good_and_of_nothing_else() -> None:
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": CREATED,
        "verificationMethod": METHOD,
        "proofPurpose": "assertionMethod",
        "proofValue": PROOF_VALUE,
    }
    assert is_signed_by(ALUMNI, proof, from_multikey(PUBLIC), load)
    assert not is_signed_by({**ALUMNI, "name": "Other"}, proof, from_multikey(PUBLIC), load)
    assert not is_signed_by(ALUMNI, {**proof, "created": "2023-02-24T23:36:39Z"}, from_multikey(PUBLIC), load)
    assert not is_signed_by(ALUMNI, {**proof, "proofValue": "z1"}, from_multikey(PUBLIC), load)
