"""What a deployer's role may change, derived from the types of an environment's resources. Pure documents.

Each call is limited by what AWS lets limit it: the resource's ARN where that holds the environment's name, else the
tag that every resource gets from the stack's provider. What isn't tagged yet may be made with this tag only. The
documents are managed policies: AWS allows 6,144 characters in each, and 10,240 in all inline policies of a role.
"""

from collections.abc import Mapping
from typing import Any

from gatehouse_platform.components.access.provider_writes import (
    ALSO_BY_NAME,
    BY_NAME,
    CREATING,
    EVERYWHERE,
    RECORDS,
    WRITES,
    calls_of,
)
from gatehouse_platform.components.iam_documents import Document, Statement, allow, document
from gatehouse_platform.config.settings import Dns

OWNED = "aws:ResourceTag/gatehouse:environment"
GIVEN = "aws:RequestTag/gatehouse:environment"
RECORD_NAMES = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
# ACM proves a domain by a record of this form; `?` is one character, so that no name below another one fits.
PROOF = "_" + "?" * 32
# SES proves it by records of this form.
DKIM = "?" * 32 + "._domainkey"
CALLS = calls_of(list(WRITES))


def deployer_documents(account: str, region: str, stack: str, dns: Dns) -> dict[str, Document]:
    """The documents by the name of their policy."""
    fill = {
        "account": account,
        "here": f"{region}:{account}",
        "prefix": f"gatehouse-{stack}",
        "name": stack,
        "domain": dns.name,
    }
    tagged = [call for call in CALLS if call.partition(":")[0] not in {*BY_NAME, "route53"} and call not in EVERYWHERE]
    return {
        "named": document(*_by_name(fill), *_records(dns), _master_password(fill)),
        "tagged": document(allow("OwnByTag", tagged, ["*"], conditions={"StringEquals": {OWNED: stack}})),
        "new": document(
            allow(
                "NewByTag",
                [call for call in tagged if call in CREATING],
                ["*"],
                conditions={"Null": {OWNED: "true"}, "StringEquals": {GIVEN: stack}},
            ),
            *(
                allow(f"With{call.partition(':')[2]}", [call], [arn.format(**fill) for arn in arns])
                for call, arns in ALSO_BY_NAME.items()
            ),
            allow("Everywhere", [call for call in EVERYWHERE if call in CALLS], ["*"]),
        ),
    }


def _by_name(fill: Mapping[str, str]) -> list[Statement]:
    statements = []
    for service, arns in BY_NAME.items():
        calls = [call for call in CALLS if call.startswith(f"{service}:") and call not in EVERYWHERE]
        statements.append(allow(f"Named{service.title()}", calls, [arn.format(**fill) for arn in arns]))
    return statements


def _records(dns: Dns) -> list[Statement]:
    """The zone is shared, its records aren't."""
    names = [dns.name, f"{PROOF}.{dns.name}", f"{DKIM}.{dns.name}"]
    return [
        allow(
            "OwnRecords",
            [RECORDS],
            [f"arn:aws:route53:::hostedzone/{dns.zone}"],
            conditions={"ForAllValues:StringLike": {RECORD_NAMES: names}, "Null": {RECORD_NAMES: "false"}},
        ),
        allow("SeeRecordChanges", ["route53:GetChange"], ["arn:aws:route53:::change/*"]),
    ]


def _master_password(fill: Mapping[str, str]) -> dict[str, Any]:
    """RDS makes the secret in the deployer's name, and tags it with its instance."""
    instance = "arn:aws:rds:{here}:db:{prefix}".format(**fill)
    return allow(
        "MasterPassword",
        ["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
        ["arn:aws:secretsmanager:{here}:secret:rds!db-*".format(**fill)],
        conditions={"StringEquals": {"aws:RequestTag/aws:rds:primaryDBInstanceArn": instance}},
    )
