"""Which credentials an environment is looked at by, against moto's security token service."""

from collections.abc import Iterator

import pytest
from boto3.session import Session

from gatehouse_release.adapters.aws_session import Looking
from gatehouse_release.testing.ecs import REGION, moto_ecs

ACCOUNT = "123456789012"


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    with moto_ecs() as ecs, pytest.MonkeyPatch.context() as patched:
        for key, value in ecs.environ.items():
            patched.setenv(key, value)
        patched.delenv("AWS_PROFILE", raising=False)
        yield


def signed_in_as(role: str) -> Session:
    answer = (
        Session()
        .client("sts", region_name=REGION)
        .assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="job")["Credentials"]
    )
    return Session(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])


def who(session: Session) -> str:
    return session.client("sts", region_name=REGION).get_caller_identity()["Arn"].partition("assumed-role/")[2]


def test_a_job_looks_at_another_environment_by_that_ones_looking_role():
    looking = Looking(signed_in_as("gatehouse-github-test-apply"), lambda environment: ACCOUNT)
    assert who(looking.session("dev", REGION)) == "gatehouse-github-dev-look/gatehouse-test-looks"
    assert looking.session("dev", REGION) is looking.session("dev", REGION)


def test_a_job_looks_at_its_own_environment_as_itself():
    looking = Looking(signed_in_as("gatehouse-github-test-apply"), lambda environment: ACCOUNT)
    assert who(looking.session("test", REGION)) == "gatehouse-github-test-apply/job"


def test_people_look_everywhere_by_their_own_sign_in():
    looking = Looking(signed_in_as("AWSReservedSSO_Engineer"), lambda environment: ACCOUNT)
    assert {who(looking.session(one, REGION)) for one in ("dev", "production")} == {"AWSReservedSSO_Engineer/job"}
