"""The bucket with the private keys of people that the services' history is sealed to: one an environment.

Without versions and without a lifecycle: a key that is deleted is gone, and with it what was sealed to it, in every
backup of the database. So it is never restored, and losing it loses no more than what people's data was before.
"""

import pulumi
from pulumi_aws import s3

from gatehouse_platform.components.base import as_json, child_of, environment_of
from gatehouse_platform.components.governance import private_bucket
from gatehouse_platform.components.iam_documents import KEY_ACTIONS, Statement, allow, document
from gatehouse_platform.config.settings import Stack


class HistoryKeyBucket(pulumi.ComponentResource):
    """Attributes:
    arn: Of the bucket.
    address: What a service's name is appended to, to make the place of its keys.
    """

    arn: pulumi.Output[str]
    address: str

    def __init__(self, name: str, stack: Stack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:HistoryKeyBucket", name, None, opts)
        settings = environment_of(stack)
        bucket_name = f"{stack.prefix}-history-keys-{settings.account}"
        bucket = private_bucket(
            name, bucket_name, parent=self, protect=settings.protect, force_destroy=not settings.protect
        )
        rule = s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm="AES256"
            )
        )
        s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket.id, rules=[rule], opts=child_of(self))
        only_tls = allow(
            "OnlyTls",
            ["s3:*"],
            [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")],
            principal={"AWS": "*"},
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        )
        s3.BucketPolicy(name, bucket=bucket.id, policy=as_json(document(only_tls)), opts=child_of(self))
        self.arn = bucket.arn
        self.address = f"https://{bucket_name}.s3.{stack.region}.amazonaws.com"
        self.register_outputs({"arn": self.arn})

    def statements(self, service: str) -> list[Statement]:
        """What tasks of a service may do: keep keys of its own. Without the list S3 answers 403 where one is gone."""
        own = [pulumi.Output.concat(self.arn, f"/{service}/*")]
        return [
            allow("KeepHistoryKeys", KEY_ACTIONS, own),
            allow("TellGoneFromForbidden", ["s3:ListBucket"], [self.arn]),
        ]
