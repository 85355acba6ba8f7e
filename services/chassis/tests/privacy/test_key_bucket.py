"""Keys in S3, played by moto."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.privacy import key_bucket
from gatehouse_chassis.privacy.key_bucket import KeyBucket

boto3 = pytest.importorskip("boto3", reason="boto3 isn't installed: uv sync --group platform")
moto_server = pytest.importorskip("moto.server", reason="moto isn't installed: uv sync --group platform")
ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket="person-keys")
    yield address
    server.stop()


async def test_a_key_that_is_removed_is_gone(s3: str) -> None:
    bucket = KeyBucket(f"{s3}/person-keys/person", ENVIRON)
    id, other = uuid4(), uuid4()
    assert await bucket.get(id) is None
    await bucket.put(id, b"\x00\x01key")
    await bucket.put(other, b"another")
    assert await bucket.get(id) == b"\x00\x01key"
    await bucket.remove(id)
    await bucket.remove(id)
    assert await bucket.get(id) is None
    assert await bucket.get(other) == b"another"


async def test_a_bucket_that_cannot_be_reached_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_bucket, "TRIES", 1)
    with pytest.raises(Unavailable, match="ConnectError"):
        await KeyBucket("http://127.0.0.1:9/person-keys/person", ENVIRON).put(uuid4(), b"key")
