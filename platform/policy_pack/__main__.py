"""What Pulumi starts for `pulumi up --policy-pack platform/policy_pack`; everything else is in gatehouse_platform."""

from gatehouse_platform.policies.pack import serve

serve()
