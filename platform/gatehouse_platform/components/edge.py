"""The edge: the load balancer that people reach. HTTPS only, with a certificate, a name and (production) a firewall."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
from pulumi_aws import acm, ec2, lb, route53, vpc, wafv2

from gatehouse_catalog import Service
from gatehouse_catalog.rules import RESERVED_PATHS
from gatehouse_platform.components.base import below, environment_of
from gatehouse_platform.components.network import ANYWHERE, HTTPS
from gatehouse_platform.config.settings import Stack

HTTP = 80
# Priorities below are the edge's own; a service's begins above (priority).
FIRST_SERVICE_PRIORITY = 1000
SEGMENTS, PER_SEGMENT = 8, 5000  # AWS's highest priority is 50,000
VALUES_PER_RULE = 5  # AWS's quota of condition values a rule
RULES = {
    "AWSManagedRulesCommonRuleSet": 10,
    "AWSManagedRulesKnownBadInputsRuleSet": 20,
    "AWSManagedRulesAmazonIpReputationList": 30,
}
REQUESTS_PER_ADDRESS = 2000  # in five minutes; a class of 30 behind one address makes some hundreds


class PriorityTaken(Exception):
    """Two services would get the same place in the listener."""


def priority(service: Service) -> int:
    """The place of a service's rule: longer paths first, and the same whatever other services there are."""
    segments = len([part for part in service.path.split("/") if part])
    band = SEGMENTS - min(segments, SEGMENTS)
    return FIRST_SERVICE_PRIORITY + band * PER_SEGMENT + service.port % PER_SEGMENT


def check_priorities(services: Iterable[Service]) -> None:
    """Raises PriorityTaken naming both services and the fix."""
    seen: dict[int, str] = {}
    for service in services:
        other = seen.setdefault(priority(service), service.name)
        if other != service.name:
            raise PriorityTaken(
                f"services/{service.name}/service.toml: port = {service.port}: gets the same listener priority as "
                f"{other}. Choose a port that differs from its in the remainder by {PER_SEGMENT}."
            )


def paths(service: Service) -> list[str]:
    """What the listener sends to a service."""
    return ["/*"] if service.path == "/" else [service.path, f"{service.path}/*"]


def withheld() -> list[list[str]]:
    """Paths that every service answers for the platform, not for people; in rules of at most five."""
    every = [pattern for path in RESERVED_PATHS for pattern in (path, f"{path}/*")]
    return [every[start : start + VALUES_PER_RULE] for start in range(0, len(every), VALUES_PER_RULE)]


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    stack: Stack
    vpc_id: pulumi.Input[str]
    subnets: list[pulumi.Output[str]]
    log_bucket: pulumi.Input[str]


class Edge(pulumi.ComponentResource):
    """Where the internet ends. Services add their own rules to its listener."""

    group: pulumi.Output[str]
    listener: pulumi.Output[str]
    balancer_suffix: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gatehouse:platform:Edge", name, None, opts)
        stack, settings = args.stack, environment_of(args.stack)
        group = ec2.SecurityGroup(
            name,
            name=f"{stack.prefix}-edge",
            description="The load balancer; each service lets itself be reached",
            vpc_id=args.vpc_id,
            opts=below(self),
        )
        self.group = group.id
        for port in (HTTP, HTTPS):
            vpc.SecurityGroupIngressRule(
                f"edge-from-internet-{port}",
                security_group_id=group.id,
                cidr_ipv4=ANYWHERE,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                opts=below(self),
            )
        balancer = lb.LoadBalancer(
            name,
            name=stack.prefix,
            load_balancer_type="application",
            internal=False,
            security_groups=[group.id],
            subnets=args.subnets,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_deletion_protection=settings.protect,
            # Longer than the chassis keeps connections, so that it is never the service that hangs up first.
            idle_timeout=60,
            access_logs=lb.LoadBalancerAccessLogsArgs(bucket=args.log_bucket, prefix="balancer", enabled=True),
            opts=below(self),
        )
        self.balancer_suffix = balancer.arn_suffix
        self._redirect(balancer)
        self.listener = self._https(balancer, self._certificate(settings.dns.name, settings.dns.zone))
        route53.Record(
            name,
            zone_id=settings.dns.zone,
            name=settings.dns.name,
            type="A",
            aliases=[
                route53.RecordAliasArgs(name=balancer.dns_name, zone_id=balancer.zone_id, evaluate_target_health=True)
            ],
            opts=below(self),
        )
        if settings.firewall:
            self._firewall(stack.prefix, balancer)
        self.register_outputs({"url": f"https://{settings.dns.name}"})

    def _certificate(self, domain: str, zone: str) -> pulumi.Output[str]:
        certificate = acm.Certificate("edge", domain_name=domain, validation_method="DNS", opts=below(self))
        proof = certificate.domain_validation_options[0]
        record = route53.Record(
            "edge-certificate",
            zone_id=zone,
            name=proof.apply(lambda option: str(option.resource_record_name)),
            type=proof.apply(lambda option: str(option.resource_record_type)),
            records=[proof.apply(lambda option: str(option.resource_record_value))],
            ttl=300,
            allow_overwrite=True,
            opts=below(self),
        )
        valid = acm.CertificateValidation(
            "edge", certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn], opts=below(self)
        )
        return valid.certificate_arn

    def _redirect(self, balancer: lb.LoadBalancer) -> None:
        lb.Listener(
            "edge-http",
            load_balancer_arn=balancer.arn,
            port=HTTP,
            protocol="HTTP",
            default_actions=[
                lb.ListenerDefaultActionArgs(
                    type="redirect",
                    redirect=lb.ListenerDefaultActionRedirectArgs(
                        protocol="HTTPS", port=str(HTTPS), status_code="HTTP_301"
                    ),
                )
            ],
            opts=below(self),
        )

    def _https(self, balancer: lb.LoadBalancer, certificate: pulumi.Output[str]) -> pulumi.Output[str]:
        listener = lb.Listener(
            "edge-https",
            load_balancer_arn=balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            certificate_arn=certificate,
            ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",  # TLS 1.2 and 1.3
            default_actions=[
                lb.ListenerDefaultActionArgs(
                    type="fixed-response",
                    fixed_response=lb.ListenerDefaultActionFixedResponseArgs(
                        content_type="text/plain", status_code="404", message_body="There is nothing here."
                    ),
                )
            ],
            opts=below(self),
        )
        # A service at / would answer these for everybody: metrics and configuration stay inside.
        for number, patterns in enumerate(withheld(), start=1):
            lb.ListenerRule(
                f"edge-withheld-{number}",
                listener_arn=listener.arn,
                priority=number,
                conditions=[
                    lb.ListenerRuleConditionArgs(path_pattern=lb.ListenerRuleConditionPathPatternArgs(values=patterns))
                ],
                actions=[
                    lb.ListenerRuleActionArgs(
                        type="fixed-response",
                        fixed_response=lb.ListenerRuleActionFixedResponseArgs(
                            content_type="text/plain", status_code="404", message_body="There is nothing here."
                        ),
                    )
                ],
                opts=below(self),
            )
        return listener.arn

    def _firewall(self, prefix: str, balancer: lb.LoadBalancer) -> None:
        def seen(metric: str) -> wafv2.WebAclVisibilityConfigArgs:
            return wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
            )

        def seen_rule(metric: str) -> wafv2.WebAclRuleVisibilityConfigArgs:
            return wafv2.WebAclRuleVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
            )

        managed = [
            wafv2.WebAclRuleArgs(
                name=rule,
                priority=place,
                override_action=wafv2.WebAclRuleOverrideActionArgs(none=wafv2.WebAclRuleOverrideActionNoneArgs()),
                statement=wafv2.WebAclRuleStatementArgs(
                    managed_rule_group_statement=wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                        name=rule, vendor_name="AWS"
                    )
                ),
                visibility_config=seen_rule(rule),
            )
            for rule, place in RULES.items()
        ]
        limit = wafv2.WebAclRuleArgs(
            name="requests-per-address",
            priority=0,
            action=wafv2.WebAclRuleActionArgs(block=wafv2.WebAclRuleActionBlockArgs()),
            statement=wafv2.WebAclRuleStatementArgs(
                rate_based_statement=wafv2.WebAclRuleStatementRateBasedStatementArgs(
                    limit=REQUESTS_PER_ADDRESS, aggregate_key_type="IP"
                )
            ),
            visibility_config=seen_rule("requests-per-address"),
        )
        acl = wafv2.WebAcl(
            "edge",
            name=prefix,
            scope="REGIONAL",
            default_action=wafv2.WebAclDefaultActionArgs(allow=wafv2.WebAclDefaultActionAllowArgs()),
            rules=[limit, *managed],
            visibility_config=seen(prefix),
            opts=below(self),
        )
        wafv2.WebAclAssociation("edge", resource_arn=balancer.arn, web_acl_arn=acl.arn, opts=below(self))
