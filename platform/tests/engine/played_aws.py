"""AWS, awsx and `random`, played: a provider plugin that Pulumi's engine starts, without a cloud behind it.

Takes any resource. Answers with what a recording answers (`fake_aws.py`); in previews with unknowns in their place, as
the real provider does. Compares inputs to find changes. Whatever AWS itself would refuse passes.

Started as `pulumi-resource-aws`, `-awsx` and `-random`. A component of awsx gets the children that the recording gives
it (`awsx_components.py`). Appends each call to the file that PLAYED_AWS_LOG names.
"""

import json
import os
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, resource_pb2, resource_pb2_grpc

from gatehouse_platform.offline.awsx_components import expand
from gatehouse_platform.offline.fake_aws import FakeAws
from gatehouse_platform.offline.recording import references

REGION, ACCOUNT = "eu-central-1", "111122223333"
VERSIONS = {"aws": "7.51.1", "awsx": "3.11.0", "random": "4.21.4"}
# A change of these makes another resource; a task definition is never changed in place.
IDENTITY = ("name", "identifier", "bucket", "namePrefix", "family", "cidrBlock")
REPLACED_WHOLE = ("aws:ecs/taskDefinition:TaskDefinition", "random:index/randomPassword:RandomPassword")
UNBOUNDED = [("grpc.max_receive_message_length", -1)]
SIGNATURE = rpc._special_sig_key


class PlayedProvider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, package: str, log: Path | None) -> None:
        self._package = package
        self._aws = FakeAws(region=REGION, account=ACCOUNT)
        self._log = log
        self._lock = threading.Lock()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSIONS[self._package])

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(
            schema=json.dumps({"name": self._package, "version": VERSIONS[self._package]})
        )

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(self, request: Any, context: Any) -> Any:
        answer = self._aws.call(request.tok, MessageToDict(request.args))
        if answer is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.tok}: not played. Add it to fake_aws.py.")
            raise AssertionError
        fields: dict[str, Any] = {"return": struct(answer)}
        return provider_pb2.InvokeResponse(**fields)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        old, new = MessageToDict(request.old_inputs), MessageToDict(request.news)
        ignored = {path.partition(".")[0] for path in request.ignoreChanges}
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and key not in ignored)
        whole = request.type in REPLACED_WHOLE
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=changed if whole else [key for key in changed if key in IDENTITY],
            # A new revision is made beside the old one.
            deleteBeforeReplace=not whole,
        )

    def Create(self, request: Any, context: Any) -> Any:
        inputs = MessageToDict(request.properties)
        resource_id, outputs = self._outputs(request, inputs)
        if request.preview:
            unknown = dict.fromkeys(outputs.keys() - inputs.keys(), rpc.UNKNOWN)
            return provider_pb2.CreateResponse(properties=struct({**inputs, **unknown}))
        self._note("create", request)
        mirror(request.type, revealed(inputs))
        return provider_pb2.CreateResponse(id=resource_id, properties=struct(outputs))

    def Update(self, request: Any, context: Any) -> Any:
        inputs = MessageToDict(request.news)
        _, outputs = self._outputs(request, inputs)
        if not request.preview:
            self._note("update", request)
            put_back(request.type, request.name)
        return provider_pb2.UpdateResponse(properties=struct(outputs))

    def Construct(self, request: Any, context: Any) -> Any:
        """A component: it and its children are registered with the engine, as the plugin of awsx does."""
        with grpc.insecure_channel(request.monitorEndpoint, options=UNBOUNDED) as channel:
            component = PlayedComponent(resource_pb2_grpc.ResourceMonitorStub(channel), request)
            inputs = MessageToDict(request.inputs)
            outputs = references(expand(request.type, request.name, inputs, component.child, component.invoke))
            component.finish(outputs)
        return provider_pb2.ConstructResponse(urn=component.urn, state=struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:
        """What the state says is there, but for what somebody has changed by hand (PLAYED_AWS_DRIFT, a file)."""
        properties, inputs = request.properties, request.inputs
        changed = drifted(request.type, request.name)
        if changed:
            properties, inputs = (struct({**MessageToDict(each), **changed}) for each in (properties, inputs))
        return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=inputs)

    def Delete(self, request: Any, context: Any) -> Any:
        self._note("delete", request)
        return empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty()

    def _outputs(self, request: Any, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        resource_id, outputs = self._aws.created(request.type, request.name, revealed(inputs))
        if request.type == "random:index/randomPassword:RandomPassword":
            # Never the same twice, as the real one.
            outputs["result"] = {SIGNATURE: rpc._special_secret_sig, "value": secrets.token_hex(24)}
        # Secrets that were given stay secret.
        return resource_id, {**json.loads(json.dumps(outputs)), **inputs, "id": resource_id}

    def _note(self, what: str, request: Any) -> None:
        if self._log is not None:
            with self._lock, self._log.open("a") as log:
                log.write(f"{what} {request.type} {request.name}\n")


class PlayedComponent:
    """Registers one component and its children."""

    def __init__(self, monitor: Any, asked: Any) -> None:
        self._monitor, self._asked = monitor, asked
        self._made: dict[str, str] = {}
        self.urn = self._register(asked.type, asked.name, asked.parent, custom=False).urn

    def child(self, kind: str, name: str, inputs: dict[str, Any], sources: tuple[str, ...]) -> dict[str, Any]:
        given = [urn for each in sources for urn in self._asked.inputDependencies[each].urns]
        answer = self._register(
            kind,
            name,
            self.urn,
            custom=True,
            object=struct(inputs),
            provider=self._asked.providers[kind.partition(":")[0]],
            dependencies=sorted({*given, *(self._made[each] for each in sources if each in self._made)}),
        )
        self._made[kind] = answer.urn
        outputs = MessageToDict(answer.object)
        # In a preview, what isn't there yet has no ARN.
        return {"arn": rpc.UNKNOWN, **outputs, "urn": answer.urn, "id": answer.id or rpc.UNKNOWN}

    def invoke(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if rpc.UNKNOWN in arguments.values():
            return {"vpcId": rpc.UNKNOWN}
        asked = resource_pb2.ResourceInvokeRequest(
            tok=token, args=struct(arguments), provider=self._asked.providers[token.partition(":")[0]]
        )
        return MessageToDict(getattr(self._monitor.Invoke(asked), "return"))

    def finish(self, outputs: dict[str, Any]) -> None:
        self._monitor.RegisterResourceOutputs(
            resource_pb2.RegisterResourceOutputsRequest(urn=self.urn, outputs=struct(outputs))
        )

    def _register(self, kind: str, name: str, parent: str, **fields: Any) -> Any:
        return self._monitor.RegisterResource(
            resource_pb2.RegisterResourceRequest(
                type=kind, name=name, parent=parent, acceptSecrets=True, acceptResources=True, **fields
            )
        )


def drifted(kind: str, name: str) -> dict[str, Any]:
    """The properties that AWS has of a resource, where they aren't the state's."""
    file = Path(os.environ.get("PLAYED_AWS_DRIFT", "/nowhere"))
    return json.loads(file.read_text()).get(f"{kind} {name}", {}) if file.is_file() else {}


def put_back(kind: str, name: str) -> None:
    """An update puts back what was changed by hand."""
    file = Path(os.environ.get("PLAYED_AWS_DRIFT", "/nowhere"))
    if drifted(kind, name):
        file.write_text(
            json.dumps({key: each for key, each in json.loads(file.read_text()).items() if key != f"{kind} {name}"})
        )


def mirror(kind: str, inputs: dict[str, Any]) -> None:
    """Makes in moto (AWS_ENDPOINT_URL) what others than the provider use: the engine, and people by the AWS CLI."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None or kind not in MIRRORED:
        return
    import boto3

    MIRRORED[kind](lambda service: boto3.client(service, region_name=REGION, endpoint_url=endpoint), inputs)


def _mirror_alias(client: Any, inputs: dict[str, Any]) -> None:
    kms = client("kms")
    kms.create_alias(AliasName=inputs["name"], TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


def _mirror_database(client: Any, inputs: dict[str, Any]) -> None:
    client("rds").create_db_instance(
        DBInstanceIdentifier=inputs["identifier"],
        DBInstanceClass=inputs["instanceClass"],
        Engine=inputs["engine"],
        EngineVersion=f"{inputs['engineVersion'].partition('.')[0]}.4",
        AllocatedStorage=inputs["allocatedStorage"],
        MasterUsername=inputs["username"],
        MasterUserPassword="played-and-never-used",
    )


def _mirror_service(client: Any, inputs: dict[str, Any]) -> None:
    ecs = client("ecs")
    family = f"gatehouse-dev-{inputs['name']}"
    ecs.register_task_definition(family=family, containerDefinitions=[{"name": "main", "image": "none", "memory": 1}])
    cluster = str(inputs["cluster"]).rpartition("/")[2]
    ecs.create_service(cluster=cluster, serviceName=inputs["name"], taskDefinition=family, desiredCount=0)


MIRRORED: dict[str, Any] = {
    "aws:ecs/cluster:Cluster": lambda client, inputs: client("ecs").create_cluster(clusterName=inputs["name"]),
    "aws:ecs/service:Service": _mirror_service,
    "aws:kms/alias:Alias": _mirror_alias,
    "aws:rds/instance:Instance": _mirror_database,
    "aws:s3/bucket:Bucket": lambda client, inputs: client("s3").create_bucket(
        Bucket=inputs["bucket"], CreateBucketConfiguration={"LocationConstraint": REGION}
    ),
    "aws:sesv2/emailIdentity:EmailIdentity": lambda client, inputs: client("sesv2").create_email_identity(
        EmailIdentity=inputs["emailIdentity"]
    ),
    "aws:secretsmanager/secret:Secret": lambda client, inputs: client("secretsmanager").create_secret(
        Name=inputs["name"], SecretString="not filled yet"
    ),
}


def struct(value: dict[str, Any]) -> Any:
    messages: Any = struct_pb2
    return ParseDict(value, messages.Struct())


def empty() -> Any:
    messages: Any = empty_pb2
    return messages.Empty()


def revealed(value: Any) -> Any:
    """Plain values: secrets opened; what is unknown stays a word."""
    if isinstance(value, list):
        return [revealed(item) for item in value]
    if isinstance(value, dict):
        return (
            revealed(value["value"])
            if SIGNATURE in value and "value" in value
            else {key: revealed(item) for key, item in value.items()}
        )
    return int(value) if isinstance(value, float) and value.is_integer() else value


def main(package: str) -> None:
    named = os.environ.get("PLAYED_AWS_LOG")
    server = grpc.server(ThreadPoolExecutor(8), options=UNBOUNDED)
    provider = PlayedProvider(package, Path(named) if named else None)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1])
