"""Signatures, compared with botocore's."""

from datetime import UTC, datetime

import pytest

from gatehouse_chassis.base.aws_requests import TaskCredentials, signed_headers

pytest.importorskip("botocore", reason="boto3 isn't installed: uv sync --group platform")
NOW = datetime(2026, 11, 30, 2, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize("token", ["", "a/session+token=="])
@pytest.mark.parametrize(("method", "body"), [("PUT", b"\x00key"), ("GET", b""), ("DELETE", b"")])
def test_it_signs_for_s3_as_botocore_does(
    method: str, body: bytes, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore import auth, awsrequest, credentials

    url = "https://keys.s3.eu-central-1.amazonaws.com/person/0199-abc"
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_: NOW.replace(tzinfo=None))
    request = awsrequest.AWSRequest(method=method, url=url, data=body)
    request.context["payload_signing_enabled"] = True
    auth.S3SigV4Auth(credentials.Credentials("AKID", "secret", token or None), "s3", "eu-central-1").add_auth(request)
    given = TaskCredentials("AKID", "secret", token)
    ours = signed_headers(method, url, body, given, service="s3", region="eu-central-1", now=NOW)
    assert ours["authorization"] == request.headers["Authorization"]


@pytest.mark.parametrize("token", ["", "a/session+token=="])
def test_it_signs_for_kms_as_botocore_does(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore import auth, awsrequest, credentials

    url, body = "https://kms.eu-central-1.amazonaws.com/", b'{"KeyId": "x"}'
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Encrypt"}
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_: NOW.replace(tzinfo=None))
    request = awsrequest.AWSRequest(method="POST", url=url, data=body, headers=headers)
    auth.SigV4Auth(credentials.Credentials("AKID", "secret", token or None), "kms", "eu-central-1").add_auth(request)
    given = TaskCredentials("AKID", "secret", token)
    ours = signed_headers("POST", url, body, given, service="kms", region="eu-central-1", now=NOW, headers=headers)
    assert ours["authorization"] == request.headers["Authorization"]
