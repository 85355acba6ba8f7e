"""Runs a stack's program against a monitor that records instead of creating: no engine, no plugins, no credentials.

What AWS would answer (ARNs, ids, endpoints) is made up in `fake_aws.py`. Recording shows what would be asked for; it
doesn't show that AWS accepts it.
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
from gatehouse_platform.offline.fake_aws import Answers
from gatehouse_platform.offline.graph import SECRET, Graph, RecordedResource


class RecordingError(Exception):
    """The program asked for something that Pulumi's engine would refuse."""


class _Nothing(mocks.Mocks):
    """The recorder answers by itself."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict, list[tuple[str, str]] | None]:
        raise RecordingError(f"{args.token}: the recorder has no answer. Fix: add one in fake_aws.py.")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict]:
        raise RecordingError(f"{args.typ} {args.name}: not recorded.")


class Recorder(mocks.MockMonitor):
    """Takes registrations as the engine would, and keeps them."""

    def __init__(self, stack: str, answers: Answers) -> None:
        super().__init__(_Nothing())
        self.stack = stack
        self.answers = answers
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
        answer = self.answers.call(request.tok, rpc.deserialize_properties(request.args))
        if answer is None:
            return super().Invoke(request)
        # `return` is a word of Python's.
        fields: dict[str, Any] = {"return": _sync_await(rpc.serialize_properties(answer, {}))}
        return resource_pb2.ResourceInvokeResponse(**fields)

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        _ensure_event_loop()
        given = MessageToDict(request.object)
        properties = _shown(given)
        resource_id, outputs = self.answers.created(request.type, request.name, _opened(given))
        resource = RecordedResource(
            urn=urn,
            type=request.type,
            name=request.name,
            id=resource_id,
            parent="" if "pulumi:pulumi:Stack" in request.parent else request.parent,
            properties=properties,
            outputs=_shown(outputs),
            depends_on=tuple(sorted(request.dependencies)),
            property_sources={
                name: tuple(sorted(sources.urns)) for name, sources in sorted(request.propertyDependencies.items())
            },
            protect=request.protect,
            ignores=tuple(request.ignoreChanges),
            retains=request.retainOnDelete,
            provider=request.provider,
        )
        with self._lock:
            if urn in self.recorded:
                raise RecordingError(f"two resources have the URN {urn}. Fix: give one another name.")
            self.recorded[urn] = resource
        sent = _sync_await(rpc.serialize_properties(outputs, {}))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=resource_id, object=sent)


def record(program: Callable[[], object], *, stack: str, region: str, account: str, config: Mapping[str, str]) -> Graph:
    """The graph that `program` asks for as the stack of that name. Raises what the program raises."""
    recorder = Recorder(stack, Answers(region=region, account=account))

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.set_default_executor(ThreadPoolExecutor(1))  # registrations in turn: the same order every time
        quiet = logging.getLogger("gatehouse.recording")
        mocks.set_mocks(recorder.mocks, PROJECT, stack, logger=quiet, monitor=recorder)
        set_all_config(dict(config))
        SETTINGS.outputs.clear()  # what an earlier program that failed has left behind
        try:
            loop.run_until_complete(run_pulumi_func(lambda: _without_result(program)))
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    # A thread and a context of its own: Pulumi keeps its state in context variables, and nothing is left behind.
    with ThreadPoolExecutor(1) as alone, _without_collecting():
        alone.submit(contextvars.Context().run, run).result()
    resources = tuple(recorder.recorded[urn] for urn in sorted(recorder.recorded))
    return Graph(stack=stack, region=region, account=account, resources=resources)


@contextmanager
def _without_collecting() -> Generator[None]:
    """Half of the time went into looking for garbage among thousands of live tasks, of which there is none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _without_result(program: Callable[[], object]) -> None:
    program()


def _shown(value: Any) -> Any:
    """Plain data; a secret's value is left out."""
    return _plain(value, lambda hidden: SECRET)


def _opened(value: Any) -> Any:
    """Plain data with secrets' values, for the answers that are made of them."""
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
    """Configuration as Pulumi's engine hands it to a program: every value a text, objects as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
