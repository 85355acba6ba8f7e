"""What stands once in an account, whatever environments there are."""

import pulumi

from gatehouse_platform.settings import Stack


class Foundation(pulumi.ComponentResource):
    """State, trust, image cache, trail and costs of the account."""

    def __init__(self, stack: Stack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Foundation", stack.name, None, opts)
        self.register_outputs({})
