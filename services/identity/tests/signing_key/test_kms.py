"""Signing keys sealed by KMS, as moto's server plays it: what was planted, moved, cut or comes from elsewhere is none.

moto 5 checks the encryption context and that a ciphertext is one of its own (moto/kms/utils.py: AES-GCM with the
context as authenticated data), as KMS does; policies it doesn't check (platform/tests does).
"""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.service.key_sealing import KeySealer, SecretSealer, Unsealable
from gatehouse_chassis.service.kms import KmsSealer
from gatehouse_identity.digests import SecretBox
from gatehouse_identity.signing_key.key_ring import KeyRing

boto3 = pytest.importorskip("boto3", reason="boto3 isn't installed: uv sync --group platform")
moto_server = pytest.importorskip("moto.server", reason="moto isn't installed: uv sync --group platform")
ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = "eu-central-1"


class Kms:
    """A KMS of this process; `sealer` is of an environment, with the key that identity has there."""

    def __init__(self) -> None:
        self.server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.address = f"http://{host}:{port}/"
        client = boto3.client(
            "kms", endpoint_url=self.address, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
        )
        made = [client.create_key()["KeyMetadata"] for _ in range(2)]
        client.create_alias(AliasName="alias/gatehouse-dev-identity-keys", TargetKeyId=made[0]["KeyId"])
        # As the platform names it, and as itself.
        here = made[0]["Arn"].partition(":key/")[0]
        self.keys = [f"{here}:alias/gatehouse-dev-identity-keys", made[1]["Arn"]]
        self.calls = 0

    def sealer(self, environment: str = "dev", key: int = 0) -> KmsSealer:
        kms = self

        class Counting(KmsSealer):
            async def _ask(self, *given, **more):
                kms.calls += 1
                return await super()._ask(*given, **more)

        return Counting(self.keys[key], environment, endpoint=self.address, environ=ENVIRON)


@pytest.fixture(scope="module")
def kms() -> Iterator[Kms]:
    made = Kms()
    yield made
    made.server.stop()


def actor() -> Actor:
    return Actor(
        account=uuid4(), person=None, name="", kind="person", roles=frozenset({"sre"}), session=None, expires_at=0
    )


def sealer_of(kind: str, kms: Kms) -> KeySealer:
    return kms.sealer() if kind == "kms" else SecretSealer(SecretBox("x" * 32))


@pytest.mark.parametrize("kind", ["kms", "secret"])
async def test_what_is_sealed_opens_for_its_own_row_only(kind: str, kms: Kms):
    sealer, id = sealer_of(kind, kms), uuid4()
    sealed = await sealer.seal(id, "kid", "the private half")
    assert "private" not in sealed
    assert await sealer.open(id, "kid", sealed) == "the private half"
    refused = {
        "another row": (uuid4(), "kid", sealed),
        "another key id": (id, "kid-2", sealed),
        "cut": (id, "kid", sealed[:-20]),
        "cut to nothing": (id, "kid", sealed[:4]),
        "changed": (id, "kid", sealed[:-10] + "AAAAAAAA=="),
        "planted": (id, "kid", "kms:bm9uc2Vuc2U="),
        "by another secret": (id, "kid", SecretBox("another " * 8).seal(f"{id} kid\nthe private half")),
    }
    for row, kid, text in refused.values():
        with pytest.raises(Unsealable):
            await sealer.open(row, kid, text)


async def test_a_row_of_another_environment_or_another_key_does_not_open(kms: Kms):
    id = uuid4()
    with pytest.raises(Unsealable):
        await kms.sealer().open(id, "kid", await kms.sealer("test").seal(id, "kid", "pem"))
    # AWS documents IncorrectKeyException for a KeyId that isn't the ciphertext's; moto answers AccessDeniedException.
    with pytest.raises((Unsealable, Unavailable)):
        await kms.sealer().open(id, "kid", await kms.sealer(key=1).seal(id, "kid", "pem"))


async def test_kms_that_cannot_be_used_is_not_a_row_that_is_no_key(kms: Kms):
    sealed = await kms.sealer().seal(uuid4(), "kid", "pem")
    gone = KmsSealer(kms.keys[0], "dev", endpoint="http://127.0.0.1:9/", environ=ENVIRON)
    nobody = KmsSealer(f"arn:aws:kms:{REGION}:123456789012:key/none", "dev", endpoint=kms.address, environ=ENVIRON)
    for sealer, reason in ((gone, "ConnectError"), (nobody, "NotFoundException")):
        with pytest.raises(Unavailable, match=reason):
            await sealer.open(uuid4(), "kid", sealed)


@pytest.fixture
async def table(identity) -> AsyncIterator[None]:
    """No keys yet; what these tests make is none of the application's."""
    from gatehouse_identity.tables import DB

    await DB.execute("delete from identity.signing_key")
    yield
    await DB.execute("delete from identity.signing_key")


async def kids(ring: KeyRing) -> set[str]:
    return {key.kid for key in (await ring.jwks()).keys}


async def test_a_ring_asks_kms_when_it_starts_and_when_a_key_is_made_and_never_for_a_token(table, kms: Kms):
    first = KeyRing(kms.sealer())
    kms.calls = 0
    await first.prepare()
    assert kms.calls == 2, "a key and its successor"
    second = KeyRing(kms.sealer())
    await second.prepare()
    assert kms.calls == 4
    for _ in range(20):
        await second.sign({"sub": "x"})
        second._read_at = float("-inf")
        assert await kids(second) == await kids(first)
    assert kms.calls == 4


async def test_planted_rows_are_no_keys_and_are_asked_for_once(table, kms: Kms):
    from gatehouse_identity.tables import DB

    ring = KeyRing(kms.sealer())
    await ring.prepare()
    good = await kids(ring)
    rows = await DB.fetch("select id, kid, private_key from identity.signing_key order by created_at")
    foreign, row = uuid4(), uuid4()
    planted = {
        "copied": (uuid4(), rows[0]["private_key"]),
        "of-test": (foreign, await kms.sealer("test").seal(foreign, "of-test", "pem")),
        "by-the-secret": (row, await SecretSealer(SecretBox("x" * 32)).seal(row, "by-the-secret", "pem")),
        "public-half-only": (uuid4(), None),
    }
    sql = (
        "insert into identity.signing_key (id, kid, public_jwk, private_key, signs_from) "
        "select $1, $2, public_jwk, $3, now() from identity.signing_key limit 1"
    )
    for kid, (id, sealed) in planted.items():
        await DB.execute(sql, id, kid, sealed)
    kms.calls = 0
    for _ in range(5):
        ring._read_at = float("-inf")
        assert await kids(ring) == good
    assert kms.calls == 2, "one for each that looks like one"
    # Exchanged with one another, in a task that starts.
    await DB.execute("delete from identity.signing_key where kid = any($1)", list(planted))
    swap = "update identity.signing_key set private_key = $2 where id = $1"
    await DB.execute(swap, rows[0]["id"], rows[1]["private_key"])
    await DB.execute(swap, rows[1]["id"], rows[0]["private_key"])
    assert not good & await kids(KeyRing(kms.sealer()))


async def test_a_withdrawn_key_does_not_come_back_by_the_row_that_somebody_kept(table, kms: Kms, identity):
    from gatehouse_identity.tables import DB

    ring = KeyRing(kms.sealer())
    await ring.prepare()
    (kept, *_) = await DB.fetch("select * from identity.signing_key order by created_at")
    await ring.withdraw(kept["kid"], actor())
    sql = "update identity.signing_key set published_until = null, private_key = $2 where id = $1"
    await DB.execute(sql, kept["id"], kept["private_key"])
    for each in (ring, KeyRing(kms.sealer())):
        each._read_at = float("-inf")
        assert kept["kid"] not in await kids(each)


async def test_while_kms_cannot_be_used_a_task_that_starts_is_not_ready_and_publishes_no_half_set(table, kms: Kms):
    ring = KeyRing(kms.sealer())
    await ring.prepare()
    good = await kids(ring)
    sealer = KmsSealer(kms.keys[0], "dev", endpoint="http://127.0.0.1:9/", environ=ENVIRON)
    starting = KeyRing(sealer)
    for _ in range(2):
        with_problem = await starting.check()
        assert "KMS answers ConnectError" in with_problem
        with pytest.raises(Unavailable):
            await starting.jwks()
    sealer._url, starting._read_at = kms.address, float("-inf")
    assert await starting.check() == ""
    assert await kids(starting) == good
