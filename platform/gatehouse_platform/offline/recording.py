"""Runs a stack's program against a monitor that records resources instead of creating them: no engine, no credentials.

`fake_aws.py` provides what AWS would return (ARNs, ids, endpoints). A recording shows what would be requested, not that
AWS accepts it.
"""

import asyncio
import contextvars
import gc
import json
import logging
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc, set_all_config
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await

from gatehouse_platform.config.stack_config import PROJECT
from gatehouse_platform.offline.awsx_components import expand
from gatehouse_platform.offline.fake_aws import FakeAws
from gatehouse_platform.offline.graph import SECRET, Graph, RecordedResource


class RecordingError(Exception):
    """The program declared something that Pulumi's engine would refuse."""


class _NoMocks(mocks.Mocks):
    """Unused: the recorder answers by itself."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict, list[tuple[str, str]] | None]:
        raise RecordingError(f"{args.token}: the recorder has no answer. Fix: add one in fake_aws.py.")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict]:
        raise RecordingError(f"{args.typ} {args.name}: not recorded.")


class Recorder(mocks.MockMonitor):
    """Answers registrations as the engine would, and keeps them."""

    def __init__(self, stack: str, fake_aws: FakeAws) -> None:
        super().__init__(_NoMocks())
        self.stack = stack
        self.fake_aws = fake_aws
        self.recorded: dict[str, RecordedResource] = {}
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine makes it: the types of all parents, then the name."""
        chain = parent.split("::")[2] if parent else ""
        if chain and chain != "pulumi:pulumi:Stack":
            type_ = f"{chain}${type_}"
        return "::".join((f"urn:pulumi:{self.stack}", PROJECT, type_, name))

    def Invoke(self, request: Any) -> Any:
        _ensure_event_loop()
        arguments = rpc.deserialize_properties(request.args)
        if request.tok == "pulumi:pulumi:getResource":
            made = self.recorded[arguments["urn"]]
            answer: dict[str, Any] | None = {"urn": made.urn, "id": made.id, "state": made.outputs}
        else:
            answer = self.fake_aws.call(request.tok, arguments)
        if answer is None:
            return super().Invoke(request)
        # `return` is a keyword of Python.
        fields: dict[str, Any] = {"return": _sync_await(rpc.serialize_properties(answer, {}))}
        return resource_pb2.ResourceInvokeResponse(**fields)

    def RegisterResource(self, request: Any) -> Any:
        if request.type == "pulumi:pulumi:Stack":
            urn = self.make_urn(request.parent, request.type, request.name)
            return resource_pb2.RegisterResourceResponse(urn=urn)
        _ensure_event_loop()
        inputs = MessageToDict(request.object)
        resource_id, outputs = self.fake_aws.created(request.type, request.name, _revealed(inputs))
        resource = RecordedResource(
            urn=self.make_urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            id="" if request.remote else resource_id,
            parent="" if "pulumi:pulumi:Stack" in request.parent else request.parent,
            properties=_masked(inputs),
            outputs=_masked(outputs),
            depends_on=tuple(sorted(request.dependencies)),
            property_sources={
                name: tuple(sorted(sources.urns)) for name, sources in sorted(request.propertyDependencies.items())
            },
            protect=request.protect,
            ignores=tuple(request.ignoreChanges),
            retains=request.retainOnDelete,
            provider=request.provider,
        )
        self._keep(resource)
        if request.remote:
            outputs = self._expand(resource, request.providers)
        sent = _sync_await(rpc.serialize_properties(outputs, {}))
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=resource.id, object=sent)

    def _keep(self, resource: RecordedResource) -> None:
        with self._lock:
            if resource.urn in self.recorded:
                raise RecordingError(f"two resources have the URN {resource.urn}. Fix: give one another name.")
            self.recorded[resource.urn] = resource

    def _expand(self, component: RecordedResource, providers: Mapping[str, str]) -> dict[str, Any]:
        """Records what a remote component makes, and returns its outputs with references to it."""

        def register(kind: str, name: str, inputs: dict[str, Any], sources: tuple[str, ...]) -> Mapping[str, Any]:
            resource_id, outputs = self.fake_aws.created(kind, name, inputs)
            made = {each.type: each.urn for each in self.recorded.values() if each.parent == component.urn}
            given = [component.property_sources.get(source, ()) for source in sources]
            child = RecordedResource(
                urn=self.make_urn(component.urn, kind, name),
                type=kind,
                name=name,
                id=resource_id,
                parent=component.urn,
                properties=_masked(inputs),
                outputs=_masked(outputs),
                depends_on=tuple(sorted({*sum(given, ()), *(made[each] for each in sources if each in made)})),
                provider=providers[kind.partition(":")[0]],
            )
            self._keep(child)
            return {**outputs, "urn": child.urn, "id": child.id}

        def invoke(token: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
            return self.fake_aws.call(token, arguments) or {}

        return references(expand(component.type, component.name, component.properties, register, invoke))


def references(outputs: Any) -> Any:
    """A component's outputs as they are sent: each child as a reference to it."""
    if isinstance(outputs, list):
        return [references(each) for each in outputs]
    if not isinstance(outputs, Mapping):
        return outputs
    if "urn" in outputs:
        return {rpc._special_sig_key: rpc._special_resource_sig, "urn": outputs["urn"], "id": outputs["id"]}
    return {key: references(each) for key, each in outputs.items()}


def record(program: Callable[[], object], *, stack: str, region: str, account: str, config: Mapping[str, str]) -> Graph:
    """The graph that `program` declares as the stack of that name. Raises what the program raises."""
    recorder = Recorder(stack, FakeAws(region=region, account=account))

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.set_default_executor(ThreadPoolExecutor(1))  # one registration at a time, in a fixed order
        quiet = logging.getLogger("gatehouse.recording")
        mocks.set_mocks(recorder.mocks, PROJECT, stack, logger=quiet, monitor=recorder)
        set_all_config(dict(config))
        SETTINGS.outputs.clear()  # left behind by an earlier program that failed
        try:
            loop.run_until_complete(run_pulumi_func(lambda: _without_result(program)))
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    # In a thread and a context of its own: Pulumi keeps its state in context variables.
    with ThreadPoolExecutor(1) as alone, _without_garbage_collection():
        alone.submit(contextvars.Context().run, run).result()
    resources = tuple(recorder.recorded[urn] for urn in sorted(recorder.recorded))
    return Graph(stack=stack, region=region, account=account, resources=resources)


@contextmanager
def _without_garbage_collection() -> Generator[None]:
    """Thousands of tasks live at once: the collector took half of the time and found nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _without_result(program: Callable[[], object]) -> None:
    program()


def _masked(value: Any) -> Any:
    """Plain data, with a placeholder for each secret."""
    return _plain(value, lambda hidden: SECRET)


def _revealed(value: Any) -> Any:
    """Plain data with the values of secrets, from which outputs are computed."""
    return _plain(value, lambda hidden: hidden)


def _plain(value: Any, secret: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_plain(item, secret) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, dict):
        return value
    signature = value.get(rpc._special_sig_key)
    if signature == rpc._special_secret_sig:
        return secret(_plain(value["value"], secret))
    if signature == rpc._special_resource_sig:
        return value.get("id") or value.get("urn")
    return {key: _plain(item, secret) for key, item in value.items()}


def config_texts(config: Mapping[str, Any]) -> dict[str, str]:
    """Configuration in the form in which the engine passes it: every value a string, objects as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
