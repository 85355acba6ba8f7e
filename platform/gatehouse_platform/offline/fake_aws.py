"""What AWS would answer, made up from what was asked: ARNs in their documented form, ids, endpoints.

ARN formats by service: https://docs.aws.amazon.com/service-authorization/latest/reference/. A revision of a task
definition is a checksum of its content: a changed one has another ARN, and an equal one the same.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

Properties = Mapping[str, Any]


class Answers:
    """For one region and account."""

    def __init__(self, *, region: str, account: str) -> None:
        self.region = region
        self.account = account

    def call(self, token: str, arguments: Properties) -> dict[str, Any] | None:
        """The answer of a provider's function; None when there is none for it."""
        if token == "aws:index/getAvailabilityZones:getAvailabilityZones":  # noqa: S105 - a function's token
            return {"names": [f"{self.region}{letter}" for letter in "abc"], "id": self.region, "region": self.region}
        return None

    def created(self, kind: str, name: str, given: Properties) -> tuple[str, dict[str, Any]]:
        """(id, outputs) of a resource: what was given, and what AWS adds."""
        called = str(given.get("name") or given.get("bucket") or given.get("identifier") or name)
        made = _MAKERS.get(kind)
        resource_id, added = made(self, called, given) if made else (f"{name}-id", {})
        outputs = {"name": called, "arn": self.arn(kind.split(":")[1].partition("/")[0], called), **given, **added}
        return resource_id, outputs if not kind.startswith("gatehouse:") else dict(given)

    def arn(self, service: str, rest: str, *, place: bool = True) -> str:
        where = f"{self.region}:{self.account}" if place else f":{self.account}"
        return f"arn:aws:{service}:{where}:{rest}"


def _named(
    service: str, prefix: str, *, place: bool = True, by_arn: bool = True
) -> Callable[..., tuple[str, dict[str, Any]]]:
    """A resource whose ARN ends with its name; its id is the ARN, or the name."""

    def make(answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
        arn = answers.arn(service, prefix + name, place=place)
        return arn if by_arn else name, {"arn": arn}

    return make


def _task_definition(answers: Answers, _name: str, given: Properties) -> tuple[str, dict[str, Any]]:
    content = {key: value for key, value in given.items() if key not in {"tags", "tagsAll"}}
    revision = zlib.crc32(json.dumps(content, sort_keys=True).encode()) % 10_000
    family = str(given["family"])
    arn = answers.arn("ecs", f"task-definition/{family}")
    return family, {"arn": f"{arn}:{revision}", "arnWithoutRevision": arn, "revision": revision}


def _service(answers: Answers, name: str, given: Properties) -> tuple[str, dict[str, Any]]:
    cluster = str(given.get("cluster", "")).rpartition("/")[2]
    arn = answers.arn("ecs", f"service/{cluster}/{name}")
    return arn, {"arn": arn}


def _balancer(answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    suffix = f"app/{name}/0123456789abcdef"
    arn = answers.arn("elasticloadbalancing", f"loadbalancer/{suffix}")
    dns = f"{name}-1234567890.{answers.region}.elb.amazonaws.com"
    return arn, {"arn": arn, "arnSuffix": suffix, "dnsName": dns, "zoneId": "Z215JYRZR1TBD5"}


def _target_group(answers: Answers, name: str, given: Properties) -> tuple[str, dict[str, Any]]:
    name = str(given.get("namePrefix", "")) + name
    suffix = f"targetgroup/{name}/0123456789abcdef"
    arn = answers.arn("elasticloadbalancing", suffix)
    return arn, {"arn": arn, "arnSuffix": suffix, "name": name}


def _listener(answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    arn = answers.arn("elasticloadbalancing", f"listener/app/{name}/0123456789abcdef/0123456789abcdef")
    return arn, {"arn": arn}


def _secret(answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    arn = answers.arn("secretsmanager", f"secret:{name}-AbCdEf")
    return arn, {"arn": arn}


def _key(answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    return f"key-{name}", {"arn": answers.arn("kms", f"key/key-{name}"), "keyId": f"key-{name}"}


def _database(answers: Answers, name: str, given: Properties) -> tuple[str, dict[str, Any]]:
    host = f"{name}.abcdefghijkl.{answers.region}.rds.amazonaws.com"
    master = answers.arn("secretsmanager", "secret:rds!db-00000000-0000-0000-0000-000000000000-AbCdEf")
    return f"db-{name.upper()}", {
        "arn": answers.arn("rds", f"db:{name}"),
        "address": host,
        "endpoint": f"{host}:5432",
        "port": 5432,
        "masterUserSecrets": [{"secretArn": master, "secretStatus": "active", "kmsKeyId": given.get("kmsKeyId")}],
    }


def _bucket(_answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    return name, {"arn": f"arn:aws:s3:::{name}", "bucket": name}


def _certificate(answers: Answers, _name: str, given: Properties) -> tuple[str, dict[str, Any]]:
    domain = str(given["domainName"])
    arn = answers.arn("acm", "certificate/00000000-0000-0000-0000-000000000000")
    option = {
        "domainName": domain,
        "resourceRecordName": f"_validate.{domain}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": "_value.acm-validations.aws.",
    }
    return arn, {"arn": arn, "domainValidationOptions": [option]}


def _validation(_answers: Answers, _name: str, given: Properties) -> tuple[str, dict[str, Any]]:
    return str(given["certificateArn"]), {}


def _workspace(answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    endpoint = f"https://aps-workspaces.{answers.region}.amazonaws.com/workspaces/ws-{name}/"
    return f"ws-{name}", {"arn": answers.arn("aps", f"workspace/ws-{name}"), "prometheusEndpoint": endpoint}


def _oidc(answers: Answers, _name: str, given: Properties) -> tuple[str, dict[str, Any]]:
    host = str(given["url"]).removeprefix("https://")
    arn = answers.arn("iam", f"oidc-provider/{host}", place=False)
    return arn, {"arn": arn}


def _vpc(answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    return f"vpc-{name}", {"arn": answers.arn("ec2", f"vpc/vpc-{name}")}


def _endpoint(_answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    return f"vpce-{name}", {"prefixListId": f"pl-{name}"}


def _random(_answers: Answers, name: str, _given: Properties) -> tuple[str, dict[str, Any]]:
    return "none", {"result": f"random-of-{name}"}


_MAKERS: dict[str, Callable[..., tuple[str, dict[str, Any]]]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:acm/certificateValidation:CertificateValidation": _validation,
    "aws:amp/workspace:Workspace": _workspace,
    "aws:cloudtrail/trail:Trail": _named("cloudtrail", "trail/"),
    "aws:cloudwatch/logGroup:LogGroup": _named("logs", "log-group:", by_arn=False),
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ecs/cluster:Cluster": _named("ecs", "cluster/"),
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _oidc,
    "aws:iam/policy:Policy": _named("iam", "policy/", place=False),
    "aws:iam/role:Role": _named("iam", "role/", place=False, by_arn=False),
    "aws:kms/key:Key": _key,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/listenerRule:ListenerRule": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:rds/instance:Instance": _database,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:sns/topic:Topic": _named("sns", ""),
    "random:index/randomPassword:RandomPassword": _random,
}
