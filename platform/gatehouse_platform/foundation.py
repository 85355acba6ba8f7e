"""What an account has once: Pulumi's state, GitHub's roles, image cache, trail, budgets, Grafana."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import budgets, cloudtrail, costexplorer, ecr, grafana, iam, kms, s3, secretsmanager

from gatehouse_platform.components.access.github_access import GithubAccess
from gatehouse_platform.components.base import as_json, child_of, foundation_of
from gatehouse_platform.components.governance import ENVIRONMENT_TAG, SEATS_TAG, private_bucket
from gatehouse_platform.components.iam_documents import Document, allow, assumed_by, document
from gatehouse_platform.config.settings import Dns, Grafana, Stack

TRAIL = "gatehouse"
# ECR requires this prefix for a registry's credentials.
CACHE_SECRET = "ecr-pullthroughcache/ghcr"  # noqa: S105 - a name
CACHED_IMAGES = 100


def trail_arn(stack: Stack) -> str:
    return f"arn:aws:cloudtrail:{stack.region}:{stack.settings.account}:trail/{TRAIL}"


def key_policy(stack: Stack) -> Document:
    account = stack.settings.account
    return document(
        allow("AccountDecides", ["kms:*"], ["*"], principal={"AWS": f"arn:aws:iam::{account}:root"}),
        allow(
            "EncryptTrail",
            ["kms:DescribeKey", "kms:GenerateDataKey*"],
            ["*"],
            principal={"Service": "cloudtrail.amazonaws.com"},
            conditions={"StringEquals": {"aws:SourceArn": trail_arn(stack)}},
        ),
    )


def only_tls(bucket: Any) -> dict[str, Any]:
    return allow(
        "OnlyTls",
        ["s3:*"],
        [bucket, pulumi.Output.concat(bucket, "/*")],
        principal={"AWS": "*"},
        conditions={"Bool": {"aws:SecureTransport": "false"}},
        effect="Deny",
    )


def trail_bucket_policy(bucket: Any, stack: Stack) -> Document:
    writer = {"Service": "cloudtrail.amazonaws.com"}
    own_trail = {"StringEquals": {"aws:SourceArn": trail_arn(stack)}}
    objects = pulumi.Output.concat(bucket, f"/AWSLogs/{stack.settings.account}/*")
    return document(
        allow("CheckTrail", ["s3:GetBucketAcl"], [bucket], principal=writer, conditions=own_trail),
        allow("WriteTrail", ["s3:PutObject"], [objects], principal=writer, conditions=own_trail),
        only_tls(bucket),
    )


def grafana_policy(account: str, region: str) -> Document:
    """Lists the workspaces and reads the metrics of every environment."""
    query = ("aps:DescribeWorkspace", "aps:GetLabels", "aps:GetMetricMetadata", "aps:GetSeries", "aps:QueryMetrics")
    return document(
        allow("ListWorkspaces", ["aps:ListWorkspaces"], ["*"]),
        allow("ReadMetrics", query, [f"arn:aws:aps:{region}:{account}:workspace/*"]),
    )


class Foundation(pulumi.ComponentResource):
    """Created once, by hand and with a local state, before any environment (runbooks/bootstrap.md)."""

    def __init__(self, stack: Stack, dns: Mapping[str, Dns], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Foundation", stack.name, None, opts)
        self._stack, self._settings = stack, foundation_of(stack)
        self._key = kms.Key(
            "foundation",
            description="Pulumi's state, the trail and the registry's sign-in",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=as_json(key_policy(stack)),
            opts=child_of(self, protect=True),
        )
        kms.Alias("state", name="alias/gatehouse-state", target_key_id=self._key.key_id, opts=child_of(self))
        bucket = f"gatehouse-state-{self._settings.account}"
        state = self._bucket("state", bucket)
        s3.BucketPolicy("state", bucket=state.id, policy=as_json(document(only_tls(state.arn))), opts=child_of(self))
        self._trail()
        self._image_cache()
        self._costs()
        if self._settings.grafana is not None:
            self._grafana(self._settings.grafana)
        GithubAccess("access", stack, bucket=bucket, key_arn=self._key.arn, dns=dns, opts=child_of(self))
        self.register_outputs({"state": f"s3://{bucket}?region={stack.region}"})

    def _bucket(self, name: str, bucket_name: str, days: int = 0) -> s3.Bucket:
        bucket = private_bucket(name, bucket_name, parent=self, protect=True, versioned=True, days=days)
        by_default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="aws:kms", kms_master_key_id=self._key.arn
        )
        rule = s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=by_default, bucket_key_enabled=True
        )
        s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket.id, rules=[rule], opts=child_of(self))
        return bucket

    def _trail(self) -> None:
        bucket = self._bucket("trail", f"gatehouse-trail-{self._settings.account}", self._settings.trail_days)
        policy = s3.BucketPolicy(
            "trail", bucket=bucket.id, policy=as_json(trail_bucket_policy(bucket.arn, self._stack)), opts=child_of(self)
        )
        cloudtrail.Trail(
            "trail",
            name=TRAIL,
            s3_bucket_name=bucket.id,
            kms_key_id=self._key.arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            opts=child_of(self, depends_on=[policy]),
        )

    def _image_cache(self) -> None:
        """Images are published on ghcr.io; ECR caches those that run."""
        sign_in = secretsmanager.Secret(
            "ghcr",
            name=CACHE_SECRET,
            description='JSON {"username": ..., "accessToken": ...} with read:packages',
            kms_key_id=self._key.arn,
            opts=child_of(self, protect=True),
        )
        ecr.PullThroughCacheRule(
            "ghcr",
            ecr_repository_prefix="ghcr",
            upstream_registry_url="ghcr.io",
            credential_arn=sign_in.arn,
            opts=child_of(self),
        )
        newest = {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": CACHED_IMAGES},
            "action": {"type": "expire"},
        }
        ecr.RepositoryCreationTemplate(
            "ghcr",
            prefix="ghcr",
            applied_fors=["PULL_THROUGH_CACHE"],
            description="What runs is fetched again when it was expired here",
            lifecycle_policy=as_json({"rules": [newest]}),
            opts=child_of(self),
        )

    def _costs(self) -> None:
        owners = self._settings.owners
        budgets.Budget(
            "budget",
            name="gatehouse",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(self._settings.budget_usd),
            limit_unit="USD",
            notifications=[
                budgets.BudgetNotificationArgs(
                    comparison_operator="GREATER_THAN",
                    threshold=per_cent,
                    threshold_type="PERCENTAGE",
                    notification_type="ACTUAL",
                    subscriber_email_addresses=owners,
                )
                for per_cent in (80, 100)
            ],
            opts=child_of(self),
        )
        if self._settings.cost_tags:
            # Budgets of environments filter by this tag, and count nothing until it is activated.
            costexplorer.CostAllocationTag("environment", tag_key=ENVIRONMENT_TAG, status="Active", opts=child_of(self))
        monitor = costexplorer.AnomalyMonitor(
            "anomalies", name="gatehouse", monitor_type="DIMENSIONAL", monitor_dimension="SERVICE", opts=child_of(self)
        )
        costexplorer.AnomalySubscription(
            "anomalies",
            name="gatehouse",
            frequency="DAILY",
            monitor_arn_lists=[monitor.arn],
            subscribers=[
                costexplorer.AnomalySubscriptionSubscriberArgs(type="EMAIL", address=owner) for owner in owners
            ],
            threshold_expression=costexplorer.AnomalySubscriptionThresholdExpressionArgs(
                dimension=costexplorer.AnomalySubscriptionThresholdExpressionDimensionArgs(
                    key="ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    match_options=["GREATER_THAN_OR_EQUAL"],
                    values=[str(self._settings.anomaly_usd)],
                )
            ),
            opts=child_of(self),
        )

    def _grafana(self, wanted: Grafana) -> None:
        account, region = self._settings.account, self._stack.region
        source = f"arn:aws:grafana:{region}:{account}:/workspaces/*"
        reader = iam.Role(
            "grafana",
            name="gatehouse-grafana",
            assume_role_policy=as_json(assumed_by("grafana.amazonaws.com", account, source)),
            opts=child_of(self),
        )
        iam.RolePolicy(
            "grafana",
            name="may",
            role=reader.name,
            policy=as_json(grafana_policy(account, region)),
            opts=child_of(self),
        )
        workspace = grafana.Workspace(
            "grafana",
            name="gatehouse",
            description="Every environment's dashboards",
            account_access_type="CURRENT_ACCOUNT",
            authentication_providers=[wanted.sign_in],
            permission_type="CUSTOMER_MANAGED",
            # For people, and for the estimate: AWS doesn't limit who has a seat, your sign-in does.
            tags={SEATS_TAG: str(wanted.seats)},
            data_sources=["PROMETHEUS"],
            role_arn=reader.arn,
            opts=child_of(self, protect=True),
        )
        pulumi.export("grafana_workspace", workspace.id)
