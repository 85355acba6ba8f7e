"""The pack as Pulumi's engine uses it: started as a process, asked over its protocol about a recorded graph."""

import select
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from google.protobuf.json_format import ParseDict
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from gatehouse_platform.offline.graph import Graph, RecordedResource
from gatehouse_platform.policies import POLICIES

Graphs = Callable[[str], Graph]
PATIENCE = 60


@pytest.fixture(scope="module")
def engine(root: Path) -> Generator[Any]:
    """What the engine speaks to the pack with."""
    command = [sys.executable, str(root / "platform" / "policy_pack" / "__main__.py")]
    pack = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert pack.stdout
    try:
        written, _, _ = select.select([pack.stdout], [], [], PATIENCE)
        assert written, f"the pack wrote no port within {PATIENCE} s"
        with grpc.insecure_channel(
            f"127.0.0.1:{int(pack.stdout.readline())}", options=[("grpc.max_receive_message_length", -1)]
        ) as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        pack.kill()
        pack.wait()
        pack.stdout.close()


def shown(resource: RecordedResource, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": resource.type,
        "urn": resource.urn,
        "name": resource.name,
        "properties": properties,
        "options": {"protect": resource.protect, "ignoreChanges": list(resource.ignores)},
        "provider": {"urn": resource.provider.rpartition("::")[0]},
    }


def said(engine: Any, graph: Graph, *, preview: bool = False, **broken: dict[str, Any]) -> list[Any]:
    """What the pack says of a stack; `broken`: other inputs for a resource, by its kind."""
    found, resources = [], []
    for resource in graph.resources:
        inputs = {**resource.properties, **broken.get(resource.kind, {})}
        if preview:
            inputs |= {key: UNKNOWN_STRING_VALUE for key, sources in resource.property_sources.items() if sources}
        request = ParseDict(shown(resource, inputs), analyzer_pb2.AnalyzeRequest())
        found += engine.Analyze(request, timeout=PATIENCE).diagnostics
        outputs = inputs if preview else {**resource.outputs, "id": resource.id}
        resources.append({**shown(resource, outputs), "parent": resource.parent})
    stack = ParseDict({"resources": resources}, analyzer_pb2.AnalyzeStackRequest())
    answer = engine.AnalyzeStack(stack, timeout=PATIENCE)
    return [*found, *answer.diagnostics]


def test_it_has_every_policy(engine: Any):
    nothing: Any = empty_pb2
    names = {policy.name for policy in engine.GetAnalyzerInfo(nothing.Empty(), timeout=PATIENCE).policies}
    assert names == {"inputs", *(getattr(policy, "__name__", "").replace("_", "-") for policy in POLICIES)}


def test_a_good_stack_passes(engine: Any, graph: Graphs):
    assert said(engine, graph("production")) == []


def test_a_breach_stops_the_update_and_names_its_resource(engine: Any, graph: Graphs):
    (found,) = said(engine, graph("production"), Instance={"storageEncrypted": False})
    assert found.policyName == "storage-is-encrypted"
    assert found.enforcementLevel == analyzer_pb2.MANDATORY
    assert found.urn == graph("production").named("aws:rds/instance:Instance", "database").urn
    assert "storageEncrypted isn't true" in found.message.replace(":", "")


def test_a_preview_says_what_it_can_know_and_guesses_nothing(engine: Any, graph: Graphs):
    assert said(engine, graph("production"), preview=True) == []
    (found,) = said(engine, graph("production"), preview=True, Instance={"deletionProtection": False})
    assert found.policyName == "state-is-protected"


def test_a_public_database_is_refused_in_the_preview_of_a_new_digest(engine: Any, graph: Graphs):
    """Whatever else the commit changes: only the comparison with an unknown value waits."""
    (found,) = said(engine, graph("dev"), preview=True, Instance={"publiclyAccessible": True})
    assert (found.policyName, found.enforcementLevel) == ("databases-are-private", analyzer_pb2.MANDATORY)
