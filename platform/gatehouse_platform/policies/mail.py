"""Mail: a role sends from one address of the environment's own domain, encrypted, and bounces come back."""

from collections.abc import Iterable

from gatehouse_platform.offline.graph import Graph, RecordedResource, is_known
from gatehouse_platform.policies.grants import ROLE_POLICY, statements
from gatehouse_platform.policies.violation import Violation, violation

EMAIL_IDENTITY = "aws:sesv2/emailIdentity:EmailIdentity"
CONFIGURATION_SET = "aws:sesv2/configurationSet:ConfigurationSet"
DESTINATION = "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination"
MUST_BE_TOLD = {"BOUNCE", "COMPLAINT"}


def mails_come_from_our_domain(graph: Graph) -> Iterable[Violation]:
    """Whoever may send may do so from addresses of this environment's domain only, with its configuration set."""
    name = "mails come from our domain"
    own = {str(each.outputs.get("arn")) for each in graph.of_type(EMAIL_IDENTITY, CONFIGURATION_SET)}
    domains = {str(each.properties["emailIdentity"]) for each in graph.of_type(EMAIL_IDENTITY)}
    for policy in graph.of_type(ROLE_POLICY):
        for prop, statement in statements(policy):
            sends = any(action.startswith("ses:Send") for action in statement.get("Action", ()))
            if not sends or statement["Effect"] != "Allow":
                continue
            where = f"{prop}.{statement.get('Sid', '')}"
            others = sorted(set(statement.get("Resource", ())) - own)
            if others and is_known([*others, *own]):
                fix = "Name the domain and the configuration set of this environment."
                yield violation(name, policy, where, f"sends for {', '.join(others)}.", fix)
            address = statement.get("Condition", {}).get("StringEquals", {}).get("ses:FromAddress", "")
            at = str(address).rpartition("@")[2]
            if not any(at == domain or at.endswith(f".{domain}") for domain in domains):
                fix = "Add StringEquals ses:FromAddress, an address at the environment's domain."
                yield violation(name, policy, where, "may send from any address.", fix)


def _is_told(destination: RecordedResource) -> bool:
    """Whether an event destination tells a topic of all that matters; one that isn't known yet is taken for one."""
    asked = destination.properties.get("eventDestination")
    if not isinstance(asked, dict):
        return not is_known([asked])
    types = asked.get("matchingEventTypes") or ()
    topic = asked.get("snsDestination")
    return asked.get("enabled") is True and bool(topic) and not MUST_BE_TOLD - set(types)


def bounces_come_back(graph: Graph) -> Iterable[Violation]:
    """A configuration set asks for TLS, and tells a topic of bounces and complaints."""
    name = "bounces come back"
    told = {str(each.properties.get("configurationSetName")) for each in graph.of_type(DESTINATION) if _is_told(each)}
    for each in graph.of_type(CONFIGURATION_SET):
        delivery = each.properties.get("deliveryOptions") or {}
        if is_known([delivery]) and delivery.get("tlsPolicy") != "REQUIRE":
            fix = 'Set tls_policy="REQUIRE".'
            yield violation(name, each, "deliveryOptions.tlsPolicy", "lets mails leave in plain text.", fix)
        if each.properties.get("configurationSetName") not in told and is_known([*told]):
            fix = "Add an enabled event destination with an SNS topic, for BOUNCE and COMPLAINT."
            yield violation(name, each, "event destination", "doesn't tell of bounces and complaints.", fix)
