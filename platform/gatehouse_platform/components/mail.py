"""How mails leave an environment: SES for its own domain, and the topic that tells what became of them.

Three DKIM records prove the domain to SES and to those who get mails. A DMARC record isn't made here: it is the policy
of the whole domain, which the institute's other mails share (RFC 7489, 6.6.3: a subdomain has its parent's).
"""

import pulumi
from pulumi_aws import route53, sesv2, sns

from gatehouse_catalog import Service
from gatehouse_catalog.structs import MAIL_CONFIGURATION_SET, MAIL_EVENTS_PATH, MAIL_FROM, MAIL_TOPIC, setting_variable
from gatehouse_platform.components.base import as_json, child_of, environment_of
from gatehouse_platform.components.iam_documents import SEND_MAIL, Statement, allow, document
from gatehouse_platform.config.settings import Stack, mail_from

# What SES tells of: what must not be sent to again, and what never left.
TOLD = ("BOUNCE", "COMPLAINT", "REJECT")
DKIM_RECORDS = 3
CONFIRM_MINUTES = 5
# For 58 minutes of the hour that SNS allows: by default it drops what it couldn't deliver for a minute. In seconds.
REPEATS = {
    "minDelayTarget": 20,
    "maxDelayTarget": 60,
    "numMinDelayRetries": 3,
    "numMaxDelayRetries": 57,
    "numRetries": 60,
}


class MailSending(pulumi.ComponentResource):
    """Attributes:
    dependencies: What a task needs before it can send, although no property of it refers to it.
    """

    dependencies: list[pulumi.Resource]

    def __init__(
        self, name: str, stack: Stack, key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gatehouse:platform:MailSending", name, None, opts)
        self._stack, self._settings = stack, environment_of(stack)
        here = f"{stack.region}:{self._settings.account}"
        self._set_arn = f"arn:aws:ses:{here}:configuration-set/{stack.prefix}"
        self._topic_name = f"{stack.prefix}-mail-events"
        self._topic_arn = f"arn:aws:sns:{here}:{self._topic_name}"
        self._domain_arn = f"arn:aws:ses:{here}:identity/{self._settings.dns.name}"
        self._topic = self._make_topic(key_arn)
        configuration = sesv2.ConfigurationSet(
            name,
            configuration_set_name=stack.prefix,
            # A link in a mail signs somebody in: it never travels in plain text.
            delivery_options=sesv2.ConfigurationSetDeliveryOptionsArgs(tls_policy="REQUIRE"),
            reputation_options=sesv2.ConfigurationSetReputationOptionsArgs(reputation_metrics_enabled=True),
            sending_options=sesv2.ConfigurationSetSendingOptionsArgs(sending_enabled=True),
            opts=child_of(self),
        )
        told = sesv2.ConfigurationSetEventDestination(
            name,
            configuration_set_name=configuration.configuration_set_name,
            event_destination_name="mail-events",
            event_destination=sesv2.ConfigurationSetEventDestinationEventDestinationArgs(
                matching_event_types=list(TOLD),
                enabled=True,
                sns_destination=sesv2.ConfigurationSetEventDestinationEventDestinationSnsDestinationArgs(
                    topic_arn=self._topic.arn
                ),
            ),
            # SES publishes to the topic before it accepts it.
            opts=child_of(self, depends_on=[self._topic_policy()]),
        )
        domain = self._prove_domain(name, configuration)
        self.dependencies = [configuration, told, domain]
        self.register_outputs({"domain": self._settings.dns.name})

    def _make_topic(self, key_arn: pulumi.Input[str]) -> sns.Topic:
        return sns.Topic(
            "mail-events",
            name=self._topic_name,
            kms_master_key_id=key_arn,
            signature_version=2,  # SHA-256
            opts=child_of(self),
        )

    def _topic_policy(self) -> sns.TopicPolicy:
        only_ours = {"StringEquals": {"aws:SourceAccount": self._settings.account, "aws:SourceArn": self._set_arn}}
        publish = allow(
            "TellOfMails",
            ["sns:Publish"],
            [self._topic.arn],
            principal={"Service": "ses.amazonaws.com"},
            conditions=only_ours,
        )
        return sns.TopicPolicy(
            "mail-events", arn=self._topic.arn, policy=as_json(document(publish)), opts=child_of(self)
        )

    def _prove_domain(self, name: str, configuration: sesv2.ConfigurationSet) -> sesv2.EmailIdentity:
        dns = self._settings.dns
        domain = sesv2.EmailIdentity(
            name,
            email_identity=dns.name,
            configuration_set_name=configuration.configuration_set_name,
            opts=child_of(self),
        )
        for number in range(DKIM_RECORDS):
            token = domain.dkim_signing_attributes.apply(lambda signing, n=number: (signing.tokens or [])[n])
            route53.Record(
                f"{name}-dkim-{number + 1}",
                zone_id=dns.zone,
                name=pulumi.Output.concat(token, f"._domainkey.{dns.name}"),
                type="CNAME",
                records=[pulumi.Output.concat(token, ".dkim.amazonses.com")],
                ttl=300,
                opts=child_of(self),
            )
        return domain

    def statements(self, service: Service) -> list[Statement]:
        """What the tasks of the service may do: send from its one address, with our configuration set."""
        address = mail_from(service, self._settings)
        only_from = {"StringEquals": {"ses:FromAddress": address}}
        return [allow("SendMail", SEND_MAIL, [self._domain_arn, self._set_arn], conditions=only_from)]

    def variables(self, service: Service) -> dict[str, str]:
        """What the service is told of it."""
        values = {
            MAIL_FROM: mail_from(service, self._settings),
            MAIL_CONFIGURATION_SET: self._stack.prefix,
            MAIL_TOPIC: self._topic_arn,
        }
        return {setting_variable(key, secret=False): value for key, value in values.items()}

    def tell(self, service: Service, running: pulumi.Resource) -> None:
        """Subscribes the service, once it runs: it confirms the subscription by itself."""
        sns.TopicSubscription(
            "mail-events",
            topic=self._topic.arn,
            protocol="https",
            endpoint=f"https://{self._settings.dns.name}{service.path}{MAIL_EVENTS_PATH}",
            endpoint_auto_confirms=True,
            confirmation_timeout_in_minutes=CONFIRM_MINUTES,
            delivery_policy=as_json({"healthyRetryPolicy": REPEATS}),
            # It ends with its topic: no deployer can be allowed to end only its own (SNS).
            opts=child_of(self, depends_on=[running], retain_on_delete=True),
        )
