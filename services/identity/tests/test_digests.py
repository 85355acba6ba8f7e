"""How secrets are kept, encrypted and succeeded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.service.key_sealing import Unsealable
from gatehouse_identity.digests import SecretBox, challenge_of, digest, matches, new_secret

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts)
def test_what_is_sealed_opens_with_the_same_secret_only(text):
    sealed = SecretBox("a" * 32).seal(text)
    assert SecretBox("a" * 32).open(sealed) == text
    with pytest.raises(Unsealable):
        SecretBox("b" * 32).open(sealed)


@given(texts, texts)
def test_a_successor_is_the_same_again_and_another_for_everything_else(one, other):
    assert SecretBox("a" * 32).successor(one) == SecretBox("a" * 32).successor(one)
    assert SecretBox("a" * 32).successor(one) != SecretBox("b" * 32).successor(one)
    assert (SecretBox("a" * 32).successor(one) == SecretBox("a" * 32).successor(other)) == (one == other)


@given(texts, texts)
def test_only_the_text_itself_matches_its_digest(one, other):
    assert matches(one, digest(other)) == (one == other)
    assert not matches(one, None)


def test_the_challenge_is_that_of_the_standard():
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_secrets_are_long_and_never_the_same():
    assert len({new_secret() for _ in range(1000)}) == 1000
    assert all(len(new_secret()) == 43 for _ in range(10))
