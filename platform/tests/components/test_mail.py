"""How mails leave, in the recorded graph: what the sending service is told, and who is told of bounces."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatehouse_catalog import load_catalog
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.offline.check import graph_of, with_examples
from gatehouse_platform.offline.graph import Graph

Graphs = Callable[[str], Graph]
SES, SNS = "arn:aws:ses:eu-central-1:111122223333", "arn:aws:sns:eu-central-1:111122223333"


def environment(graph: Graph, name: str) -> dict[str, str]:
    tasks = graph.of_type("aws:ecs/taskDefinition:TaskDefinition")
    every = [each for task in tasks for each in json.loads(task.properties["containerDefinitions"])]
    (container,) = [each for each in every if each["name"] == name]
    return {each["name"]: each["value"] for each in container["environment"]}


def may_send(graph: Graph) -> dict[str, Any]:
    """The one statement of any role that allows to send."""
    policies = [each.properties["policy"] for each in graph.of_type("aws:iam/rolePolicy:RolePolicy")]
    every = [each for policy in policies for each in json.loads(policy)["Statement"]]
    (statement,) = [each for each in every if each.get("Sid") == "SendMail"]
    return statement


@pytest.mark.parametrize(("stack", "domain"), [("dev", "dev.gatehouse.example"), ("production", "gatehouse.example")])
def test_the_sender_is_told_what_the_platform_made(root: Path, graph: Graphs, stack: str, domain: str):
    found = graph(stack)
    (sender,) = [each for each in load_catalog(root) if each.sends_mail]
    given, topic = environment(found, sender.name), f"{SNS}:gatehouse-{stack}-mail-events"
    assert {key: value for key, value in given.items() if key.startswith("GATEHOUSE_SETTING_MAIL")} == {
        "GATEHOUSE_SETTING_MAIL_FROM": f"hello@{domain}",
        "GATEHOUSE_SETTING_MAIL_CONFIGURATION_SET": f"gatehouse-{stack}",
        "GATEHOUSE_SETTING_MAIL_TOPIC": topic,
    }
    assert may_send(found)["Condition"] == {"StringEquals": {"ses:FromAddress": f"hello@{domain}"}}
    # The service takes nothing that is signed otherwise.
    assert found.named("aws:sns/topic:Topic", "mail-events").properties["signatureVersion"] == 2
    subscription = found.named("aws:sns/topicSubscription:TopicSubscription", "mail-events").properties
    repeats = json.loads(subscription["deliveryPolicy"])["healthyRetryPolicy"]
    few, many = repeats["numMinDelayRetries"], repeats["numMaxDelayRetries"]
    waits = few * repeats["minDelayTarget"] + many * repeats["maxDelayTarget"]
    assert repeats["numRetries"] == few + many
    assert 3_000 < waits <= 3_600, "SNS refuses more than an hour"
    assert (subscription["topic"], subscription["endpoint"]) == (
        topic,
        f"https://{domain}{sender.path}/mail-events",
    )
    policy = json.loads(found.named("aws:sns/topicPolicy:TopicPolicy", "mail-events").properties["policy"])
    (publish,) = policy["Statement"]
    assert publish["Principal"] == {"Service": "ses.amazonaws.com"}
    assert publish["Condition"]["StringEquals"]["aws:SourceArn"] == f"{SES}:configuration-set/gatehouse-{stack}"
    records = [one.properties for one in found.of_type("aws:route53/record:Record") if "dkim" in one.name]
    assert [each["name"] for each in records] == [f"{letter * 32}._domainkey.{domain}" for letter in "abc"]
    assert [each["records"] for each in records] == [[f"{letter * 32}.dkim.amazonses.com"] for letter in "abc"]


def test_an_address_of_the_stack_file_is_the_only_one_that_may_send(root: Path):
    config, _ = with_examples(read_config(root, "dev"), load_catalog(root))
    (sender,) = [each for each in load_catalog(root) if each.sends_mail]
    address = "welcome@mail.dev.gatehouse.example"
    config["gatehouse:services"] = {sender.name: {"settings": {"mail_from": address}}}
    found = graph_of(root, "dev", config=config)
    assert environment(found, sender.name)["GATEHOUSE_SETTING_MAIL_FROM"] == address
    assert may_send(found)["Condition"] == {"StringEquals": {"ses:FromAddress": address}}


def test_before_its_release_nobody_is_told(root: Path):
    """There is no endpoint yet that could confirm; the domain can be proven already."""
    found = graph_of(root, "dev", examples=False)
    assert [one.name for one in found.of_type("aws:sns/topicSubscription:TopicSubscription")] == [
        "platform@gatehouse.example"
    ]
    assert [one.properties["emailIdentity"] for one in found.of_type("aws:sesv2/emailIdentity:EmailIdentity")] == [
        "dev.gatehouse.example"
    ]
