"""The key that services with events sign their calls to one another with: one secret an environment.

The chassis takes two at once, the newer first, so that it can be changed without a gap (runbooks/rotate.md).
"""

import pulumi
import pulumi_random
from pulumi_aws import secretsmanager

from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.config.settings import Stack


class PeerKey(pulumi.ComponentResource):
    """Attributes:
    arn: Of the secret.
    value: That it has a value; a task needs it although no property of it refers to it.
    """

    arn: pulumi.Output[str]
    value: pulumi.Resource

    def __init__(
        self, name: str, stack: Stack, key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gatehouse:platform:PeerKey", name, None, opts)
        protect = environment_of(stack).protect
        secret = secretsmanager.Secret(
            name,
            name=f"{stack.prefix}/{name}",
            description="What services that follow events sign their calls with",
            kms_key_id=key_arn,
            recovery_window_in_days=30 if protect else 7,
            opts=child_of(self, protect=protect),
        )
        drawn = pulumi_random.RandomPassword(name, length=48, special=False, opts=child_of(self))
        self.value = secretsmanager.SecretVersion(
            name,
            secret_id=secret.id,
            secret_string=drawn.result,
            # The next `up` keeps a value that was put there later (runbooks/rotate.md).
            opts=child_of(self, ignore_changes=["secretString"]),
        )
        self.arn = secret.arn
        self.register_outputs({"arn": self.arn})
