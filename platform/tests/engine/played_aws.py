"""AWS and `random`, played: a provider plugin that Pulumi's engine starts, without a cloud behind it.

Takes any resource. Answers with what a recording answers (`fake_aws.py`); in previews with unknowns in their place, as
the real provider does. Compares inputs to find changes. Whatever AWS itself would refuse passes.

Started as `pulumi-resource-aws` and `pulumi-resource-random`. Appends each call to the file that PLAYED_AWS_LOG names.
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
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from gatehouse_platform.offline.fake_aws import FakeAws

REGION, ACCOUNT = "eu-central-1", "111122223333"
VERSIONS = {"aws": "7.51.1", "random": "4.21.4"}
# A change of these makes another resource; a task definition is never changed in place.
IDENTITY = ("name", "identifier", "bucket", "namePrefix", "family", "cidrBlock")
REPLACED_WHOLE = ("aws:ecs/taskDefinition:TaskDefinition", "random:index/randomPassword:RandomPassword")
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
        return provider_pb2.CreateResponse(id=resource_id, properties=struct(outputs))

    def Update(self, request: Any, context: Any) -> Any:
        inputs = MessageToDict(request.news)
        _, outputs = self._outputs(request, inputs)
        if not request.preview:
            self._note("update", request)
        return provider_pb2.UpdateResponse(properties=struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:
        """What the state says is there."""
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

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
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", -1)])
    provider = PlayedProvider(package, Path(named) if named else None)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1])
