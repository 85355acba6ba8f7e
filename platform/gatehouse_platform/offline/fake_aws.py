"""What AWS would return, computed from the inputs: ARNs in their documented form, ids, endpoints.

ARN formats by service: https://docs.aws.amazon.com/service-authorization/latest/reference/. The revision of a
task definition is a checksum of its content, so that its ARN changes exactly when its content does.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

Properties = Mapping[str, Any]


class FakeAws:
    """The outputs of one region and account."""

    def __init__(self, *, region: str, account: str) -> None:
        self.region = region
        self.account = account

    def call(self, token: str, arguments: Properties) -> dict[str, Any] | None:
        """The result of a provider's function; None for an unknown one."""
        if token == "aws:index/getAvailabilityZones:getAvailabilityZones":  # noqa: S105 - a function's token
            return {"names": [f"{self.region}{letter}" for letter in "abc"], "id": self.region, "region": self.region}
        if token == "aws:ec2/getAmi:getAmi":  # noqa: S105 - a function's token
            return {"id": "ami-00000000000000000", "owners": list(arguments["owners"])}
        if token == "aws:ec2/getSubnet:getSubnet":  # noqa: S105 - a function's token
            return {"id": str(arguments["id"]), "vpcId": "vpc-network"}
        return None

    def created(self, kind: str, name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
        """(id, outputs) of a resource: its inputs, and what AWS adds."""
        called = str(inputs.get("name") or inputs.get("bucket") or inputs.get("identifier") or name)
        compute = _OUTPUTS.get(kind)
        resource_id, added = compute(self, called, inputs) if compute else (f"{name}-id", {})
        outputs = {"name": called, "arn": self.arn(kind.split(":")[1].partition("/")[0], called), **inputs, **added}
        return resource_id, outputs if not kind.startswith("gatehouse:") else dict(inputs)

    def arn(self, service: str, rest: str, *, regional: bool = True) -> str:
        where = f"{self.region}:{self.account}" if regional else f":{self.account}"
        return f"arn:aws:{service}:{where}:{rest}"


def _named(
    service: str, prefix: str, *, regional: bool = True, by_arn: bool = True
) -> Callable[..., tuple[str, dict[str, Any]]]:
    """A resource whose ARN ends with its name; its id is the ARN, or the name."""

    def make(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
        arn = aws.arn(service, prefix + name, regional=regional)
        return arn if by_arn else name, {"arn": arn}

    return make


def _task_definition(aws: FakeAws, _name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    content = {key: value for key, value in inputs.items() if key not in {"tags", "tagsAll"}}
    revision = zlib.crc32(json.dumps(content, sort_keys=True).encode()) % 10_000
    family = str(inputs["family"])
    arn = aws.arn("ecs", f"task-definition/{family}")
    return family, {"arn": f"{arn}:{revision}", "arnWithoutRevision": arn, "revision": revision}


def _service(aws: FakeAws, name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    cluster = str(inputs.get("cluster", "")).rpartition("/")[2]
    arn = aws.arn("ecs", f"service/{cluster}/{name}")
    return arn, {"arn": arn}


def _balancer(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    suffix = f"app/{name}/0123456789abcdef"
    arn = aws.arn("elasticloadbalancing", f"loadbalancer/{suffix}")
    dns = f"{name}-1234567890.{aws.region}.elb.amazonaws.com"
    return arn, {"arn": arn, "arnSuffix": suffix, "dnsName": dns, "zoneId": "Z215JYRZR1TBD5"}


def _target_group(aws: FakeAws, name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    name = str(inputs.get("namePrefix", "")) + name
    suffix = f"targetgroup/{name}/0123456789abcdef"
    arn = aws.arn("elasticloadbalancing", suffix)
    return arn, {"arn": arn, "arnSuffix": suffix, "name": name}


def _listener(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    arn = aws.arn("elasticloadbalancing", f"listener/app/{name}/0123456789abcdef/0123456789abcdef")
    return arn, {"arn": arn}


def _secret(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    arn = aws.arn("secretsmanager", f"secret:{name}-AbCdEf")
    return arn, {"arn": arn}


def _key(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    return f"key-{name}", {"arn": aws.arn("kms", f"key/key-{name}"), "keyId": f"key-{name}"}


def _database(aws: FakeAws, name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    host = f"{name}.abcdefghijkl.{aws.region}.rds.amazonaws.com"
    master = aws.arn("secretsmanager", "secret:rds!db-00000000-0000-0000-0000-000000000000-AbCdEf")
    return f"db-{name.upper()}", {
        "arn": aws.arn("rds", f"db:{name}"),
        "address": host,
        "endpoint": f"{host}:5432",
        "port": 5432,
        "masterUserSecrets": [{"secretArn": master, "secretStatus": "active", "kmsKeyId": inputs.get("kmsKeyId")}],
    }


def _bucket(_aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    return name, {"arn": f"arn:aws:s3:::{name}", "bucket": name}


def _certificate(aws: FakeAws, _name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    domain = str(inputs["domainName"])
    arn = aws.arn("acm", "certificate/00000000-0000-0000-0000-000000000000")
    option = {
        "domainName": domain,
        "resourceRecordName": f"_{'0' * 32}.{domain}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": "_value.acm-validations.aws.",
    }
    return arn, {"arn": arn, "domainValidationOptions": [option]}


def _record(_aws: FakeAws, name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    return f"{inputs['zoneId']}_{name}_{inputs['type']}", {"fqdn": name.rstrip(".")}


def _validation(_aws: FakeAws, _name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    return str(inputs["certificateArn"]), {}


def _workspace(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    endpoint = f"https://aps-workspaces.{aws.region}.amazonaws.com/workspaces/ws-{name}/"
    return f"ws-{name}", {"arn": aws.arn("aps", f"workspace/ws-{name}"), "prometheusEndpoint": endpoint}


def _oidc(aws: FakeAws, _name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    host = str(inputs["url"]).removeprefix("https://")
    arn = aws.arn("iam", f"oidc-provider/{host}", regional=False)
    return arn, {"arn": arn}


def _mail_identity(aws: FakeAws, _name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    domain = str(inputs["emailIdentity"])
    signing = {"tokens": [letter * 32 for letter in "abc"], "status": "PENDING"}
    return domain, {"arn": aws.arn("ses", f"identity/{domain}"), "dkimSigningAttributes": signing}


def _mail_configuration(aws: FakeAws, _name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    name = str(inputs["configurationSetName"])
    return name, {"arn": aws.arn("ses", f"configuration-set/{name}")}


def _vpc(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    return f"vpc-{name}", {"arn": aws.arn("ec2", f"vpc/vpc-{name}")}


def _instance(aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    return f"i-{name}", {"arn": aws.arn("ec2", f"instance/i-{name}"), "primaryNetworkInterfaceId": f"eni-{name}"}


def _endpoint(_aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    return f"vpce-{name}", {"prefixListId": f"pl-{name}"}


def _random(_aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    return "none", {"result": f"random-of-{name}"}


def _random_id(_aws: FakeAws, name: str, _inputs: Properties) -> tuple[str, dict[str, Any]]:
    return name, {"hex": f"{zlib.crc32(name.encode()):08x}"}


_OUTPUTS: dict[str, Callable[..., tuple[str, dict[str, Any]]]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:acm/certificateValidation:CertificateValidation": _validation,
    "aws:amp/workspace:Workspace": _workspace,
    "aws:cloudtrail/trail:Trail": _named("cloudtrail", "trail/"),
    "aws:cloudwatch/logGroup:LogGroup": _named("logs", "log-group:", by_arn=False),
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ecs/cluster:Cluster": _named("ecs", "cluster/"),
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _oidc,
    "aws:iam/policy:Policy": _named("iam", "policy/", regional=False),
    "aws:iam/role:Role": _named("iam", "role/", regional=False, by_arn=False),
    "aws:kms/key:Key": _key,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/listenerRule:ListenerRule": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:rds/instance:Instance": _database,
    "aws:rds/parameterGroup:ParameterGroup": _named("rds", "pg:", by_arn=False),
    "aws:route53/record:Record": _record,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:sesv2/configurationSet:ConfigurationSet": _mail_configuration,
    "aws:sesv2/emailIdentity:EmailIdentity": _mail_identity,
    "aws:sns/topic:Topic": _named("sns", ""),
    "random:index/randomId:RandomId": _random_id,
    "random:index/randomPassword:RandomPassword": _random,
}
