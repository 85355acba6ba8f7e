"""Checks that the actions and condition keys of IAM documents exist.

Actions that are API calls are looked up in botocore's service models. Permissions without a call, and condition keys,
are in two tables below, taken from AWS's service authorization reference on 2026-11-23.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import botocore.session

from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.policies.grants import statements

# IAM's prefix -> botocore's name of the service, where they differ.
SERVICES = {"aps": "amp", "elasticloadbalancing": "elbv2", "ses": "sesv2"}

# Permissions without a call of that name. https://docs.aws.amazon.com/service-authorization/latest/reference/
PERMISSIONS = {
    "aps:GetLabels": "list_amazonmanagedserviceforprometheus",
    "aps:GetMetricMetadata": "list_amazonmanagedserviceforprometheus",
    "aps:GetSeries": "list_amazonmanagedserviceforprometheus",
    "aps:QueryMetrics": "list_amazonmanagedserviceforprometheus",
    "aps:RemoteWrite": "list_amazonmanagedserviceforprometheus",
    "budgets:ModifyBudget": "list_awsbudgetservice",
    "budgets:ViewBudget": "list_awsbudgetservice",
    "ecr:BatchImportUpstreamImage": "list_amazonelasticcontainerregistry",
    "elasticloadbalancing:SetWebAcl": "list_awselasticloadbalancingv2",
    "iam:PassRole": "list_awsidentityandaccessmanagementiam",
    "s3:DeleteObjectVersion": "list_amazons3",
    "s3:ListBucket": "list_amazons3",
    "s3:ListBucketVersions": "list_amazons3",
    "s3:ListTagsForResource": "list_amazons3",
    "s3:PutBucketPublicAccessBlock": "list_amazons3",
    "s3:PutEncryptionConfiguration": "list_amazons3",
    "s3:PutLifecycleConfiguration": "list_amazons3",
    "s3:TagResource": "list_amazons3",
    "s3:UntagResource": "list_amazons3",
    "ses:SendRawEmail": "list_amazonses",
    "ssmmessages:CreateControlChannel": "list_amazonmessagegatewayservice",
    "ssmmessages:CreateDataChannel": "list_amazonmessagegatewayservice",
    "ssmmessages:OpenControlChannel": "list_amazonmessagegatewayservice",
    "ssmmessages:OpenDataChannel": "list_amazonmessagegatewayservice",
}
# Condition keys: a `*` stands for what follows (a tag's name, an encryption context).
CONDITION_KEYS = {
    "aws:PrincipalArn": "reference_policies_condition-keys",
    "aws:RequestTag/*": "reference_policies_condition-keys",
    "aws:ResourceTag/*": "reference_policies_condition-keys",
    "aws:SecureTransport": "reference_policies_condition-keys",
    "aws:SourceAccount": "reference_policies_condition-keys",
    "aws:SourceArn": "reference_policies_condition-keys",
    "ecs:cluster": "list_amazonelasticcontainerservice",
    "iam:AWSServiceName": "list_awsidentityandaccessmanagementiam",
    "iam:PassedToService": "list_awsidentityandaccessmanagementiam",
    "iam:PermissionsBoundary": "list_awsidentityandaccessmanagementiam",
    "kms:EncryptionContext:*": "list_awskeymanagementservice",
    "kms:GrantIsForAWSResource": "list_awskeymanagementservice",
    "kms:ViaService": "list_awskeymanagementservice",
    "route53:ChangeResourceRecordSetsNormalizedRecordNames": "list_amazonroute53",
    "ses:FromAddress": "list_amazonsimpleemailservicev2",
    # Claims of GitHub's tokens, by the name of the provider.
    "token.actions.githubusercontent.com:aud": "id_roles_providers_create_oidc",
    "token.actions.githubusercontent.com:sub": "id_roles_providers_create_oidc",
}
OPERATORS = {"ArnEquals", "ArnLike", "Bool", "ForAllValues:StringLike", "Null", "StringEquals", "StringNotEquals"}


@cache
def calls(service: str) -> frozenset[str]:
    """The API calls of a service by IAM's prefix; none when botocore doesn't have it."""
    session = botocore.session.get_session()
    name = SERVICES.get(service, service)
    if name not in session.get_available_services():
        return frozenset()
    return frozenset(session.get_service_model(name).operation_names)


def known_action(action: str) -> bool:
    """Whether an action (or at least one that its wildcard covers) exists."""
    service, _, name = action.partition(":")
    if action == "*" or action in PERMISSIONS:
        return True
    return any(fnmatchcase(call, name) for call in calls(service))


def known_condition(key: str) -> bool:
    return any(fnmatchcase(key, known) for known in CONDITION_KEYS)


def document_problems(statement: dict[str, Any]) -> Iterator[str]:
    """Names in a statement that don't exist."""
    sid = statement.get("Sid", "(no Sid)")
    for action in [*statement.get("Action", ()), *statement.get("NotAction", ())]:
        if not known_action(action):
            yield f"{sid}: there is no action {action}"
    for operator, tests in statement.get("Condition", {}).items():
        if operator not in OPERATORS:
            yield f"{sid}: the operator {operator} isn't in the table of iam_reference.py"
        for key in tests:
            if not known_condition(key):
                yield f"{sid}: the condition key {key} isn't in the table of iam_reference.py"


def unknown_grants(graph: Graph) -> Iterator[str]:
    """Every action and condition key of the graph's documents that doesn't exist."""
    for resource in graph.resources:
        for prop, statement in statements(resource):
            for problem in document_problems(statement):
                yield f"{resource.kind} {resource.name}: {prop}: {problem}"
