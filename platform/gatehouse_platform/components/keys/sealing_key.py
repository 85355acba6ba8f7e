"""The key of KMS with which one service seals the keys that it makes (`seals_keys` in its service.toml).

Its policy refuses everybody but the role of the service's tasks, administrators and deployers among them, and every
encryption context but this environment's. Who may change the policy could let himself in; the trail has that call.

What is assumed of AWS, each from its documentation (none of it could be tried here):
- In a policy of a key, `aws:PrincipalArn` of who assumed a role is the role's ARN, and a name in a condition needn't
  exist yet, as a principal must. IAM user guide, reference_policies_condition-keys, "aws:PrincipalArn".
- A Deny with StringNotEquals also holds where the condition's key is missing: a call without a context is refused. IAM
  user guide, reference_policies_elements_condition_operators, "negated matching".
- Encrypt and Decrypt take an alias's ARN as KeyId, and are then allowed by the key's ARN. KMS API reference, Encrypt;
  KMS developer guide, alias-authorization.
- Decrypt with a KeyId refuses what another key encrypted: IncorrectKeyException. KMS API reference, Decrypt.
- The context is authenticated: with another one Decrypt answers InvalidCiphertextException. Developer guide,
  encrypt_context.
- A plaintext may have 4,096 bytes; a sealed key has 119. KMS API reference, Encrypt.
"""

import pulumi
from pulumi_aws import kms

from gatehouse_catalog.structs import SEALED_ENVIRONMENT
from gatehouse_platform.components.base import as_json, child_of, environment_of
from gatehouse_platform.components.iam_documents import SEAL_KEYS, Document, Statement, allow, document
from gatehouse_platform.config.settings import Stack

SEALING_CONTEXT = f"kms:EncryptionContext:{SEALED_ENVIRONMENT}"
# What uses a key, or lets somebody use it; the rest manages it.
USING = ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


class SealingKey(pulumi.ComponentResource):
    """Attributes:
    address: The ARN of its alias, for the service.
    alias: What a task needs although no property of it refers to it.
    """

    address: str
    alias: pulumi.Resource

    def __init__(self, service: str, role: str, stack: Stack, opts: pulumi.ResourceOptions | None = None) -> None:
        name = f"{service}-keys"
        super().__init__("gatehouse:platform:SealingKey", name, None, opts)
        settings = environment_of(stack)
        key = kms.Key(
            name,
            description=f"Seals the keys that {service} of {stack.prefix} makes",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=as_json(sealing_policy(settings.account, role, stack.name)),
            opts=child_of(self, protect=settings.protect),
        )
        alias = f"alias/{stack.prefix}-{name}"
        self.alias = kms.Alias(name, name=alias, target_key_id=key.key_id, opts=child_of(self))
        self.address = f"arn:aws:kms:{stack.region}:{settings.account}:{alias}"
        self._arn, self._stack = key.arn, stack.name
        self.register_outputs({"arn": key.arn})

    def statements(self) -> list[Statement]:
        """What the service's tasks may do."""
        return [allow("SealKeys", SEAL_KEYS, [self._arn], conditions={"StringEquals": {SEALING_CONTEXT: self._stack}})]


def sealing_policy(account: str, role: str, stack: str) -> Document:
    """The account's policies decide, but nobody else than that role uses it, and for this environment only."""
    arn = f"arn:aws:iam::{account}:role/{role}"
    everybody = {"AWS": "*"}
    return document(
        allow("AccountDecides", ["kms:*"], ["*"], principal={"AWS": f"arn:aws:iam::{account}:root"}),
        allow(
            "OnlyItsTasks",
            USING,
            ["*"],
            principal=everybody,
            conditions={"StringNotEquals": {"aws:PrincipalArn": arn}},
            effect="Deny",
        ),
        allow(
            "OnlyThisEnvironment",
            USING,
            ["*"],
            principal=everybody,
            conditions={"StringNotEquals": {SEALING_CONTEXT: stack}},
            effect="Deny",
        ),
    )
