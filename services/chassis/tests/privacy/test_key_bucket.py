"""Keys in S3, played by moto; the signature compared with botocore's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.privacy import key_bucket
from gatehouse_chassis.privacy.key_bucket import KeyBucket, TaskCredentials, signed_headers

boto3 = pytest.importorskip("boto3", reason="boto3 isn't installed: uv sync --group platform")
moto_server = pytest.importorskip("moto.server", reason="moto isn't installed: uv sync --group platform")
NOW = datetime(2026, 11, 30, 2, 30, 5, tzinfo=UTC)
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


@pytest.mark.parametrize("token", ["", "a/session+token=="])
@pytest.mark.parametrize(("method", "body"), [("PUT", b"\x00key"), ("GET", b""), ("DELETE", b"")])
def test_it_signs_as_botocore_does(method: str, body: bytes, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore import auth, awsrequest, credentials

    url = "https://keys.s3.eu-central-1.amazonaws.com/person/0199-abc"
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_: NOW.replace(tzinfo=None))
    request = awsrequest.AWSRequest(method=method, url=url, data=body)
    request.context["payload_signing_enabled"] = True
    auth.S3SigV4Auth(credentials.Credentials("AKID", "secret", token or None), "s3", "eu-central-1").add_auth(request)
    ours = signed_headers(method, url, body, TaskCredentials("AKID", "secret", token), region="eu-central-1", now=NOW)
    assert ours["authorization"] == request.headers["Authorization"]
