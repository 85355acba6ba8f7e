"""The edge: the public load balancer. HTTPS only, with a certificate, a DNS name and (production) a firewall."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
import pulumi_awsx
from pulumi_aws import acm, ec2, lb, route53, vpc, wafv2

from gatehouse_catalog import Service
from gatehouse_catalog.rules import RESERVED_PATHS
from gatehouse_platform.components.base import child_of, environment_of
from gatehouse_platform.components.network import ANYWHERE, HTTPS
from gatehouse_platform.config.settings import Stack

HTTP = 80
# Lower priorities are the edge's own rules.
FIRST_SERVICE_PRIORITY = 1000
SEGMENTS, PER_SEGMENT = 8, 5000  # AWS's highest priority is 50,000
VALUES_PER_RULE = 5  # AWS's quota of condition values a rule
RULES = {
    "AWSManagedRulesCommonRuleSet": 10,
    "AWSManagedRulesKnownBadInputsRuleSet": 20,
    "AWSManagedRulesAmazonIpReputationList": 30,
}
NOTHING = "There is nothing here."
REQUESTS_PER_ADDRESS = 2000  # in five minutes; a class of 30 behind one address sends some hundreds


class PriorityTaken(Exception):
    """Two services would get the same listener priority."""


def priority(service: Service) -> int:
    """The priority of a service's rule: longer paths first, and independent of the other services."""
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
                f"{other}. Choose a port whose remainder by {PER_SEGMENT} is free."
            )


def paths(service: Service) -> list[str]:
    """The path patterns that the listener forwards to a service."""
    return ["/*"] if service.path == "/" else [service.path, f"{service.path}/*"]


def internal_paths() -> list[list[str]]:
    """Patterns of the paths that only the platform may request, in groups of at most five (a rule's limit)."""
    every = [pattern for path in RESERVED_PATHS for pattern in (path, f"{path}/*")]
    return [every[start : start + VALUES_PER_RULE] for start in range(0, len(every), VALUES_PER_RULE)]


def redirect() -> pulumi_awsx.lb.ListenerArgs:
    """The listener that sends HTTP to HTTPS."""
    return pulumi_awsx.lb.ListenerArgs(
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
    )


def https(certificate: pulumi.Input[str]) -> pulumi_awsx.lb.ListenerArgs:
    """The listener that the rules of services hang on. What none of them takes is answered with 404."""
    return pulumi_awsx.lb.ListenerArgs(
        port=HTTPS,
        protocol="HTTPS",
        certificate_arn=certificate,
        ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",  # TLS 1.2 and 1.3
        default_actions=[
            lb.ListenerDefaultActionArgs(
                type="fixed-response",
                fixed_response=lb.ListenerDefaultActionFixedResponseArgs(
                    content_type="text/plain", status_code="404", message_body=NOTHING
                ),
            )
        ],
    )


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    stack: Stack
    vpc_id: pulumi.Input[str]
    subnets: list[pulumi.Output[str]]
    log_bucket: pulumi.Input[str]


class Edge(pulumi.ComponentResource):
    """The public load balancer. Services add their own rules to its listener. A parked environment has its security
    group only: `listener` and `balancer_suffix` aren't set, and nothing runs that would need them."""

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
            opts=child_of(self),
        )
        self.group = group.id
        if not settings.parked:
            self._balance(args, group)
        self.register_outputs({"url": f"https://{settings.dns.name}"})

    def _balance(self, args: EdgeArgs, group: ec2.SecurityGroup) -> None:
        stack, settings = args.stack, environment_of(args.stack)
        for port in (HTTP, HTTPS):
            vpc.SecurityGroupIngressRule(
                f"edge-from-internet-{port}",
                security_group_id=group.id,
                cidr_ipv4=ANYWHERE,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                opts=child_of(self),
            )
        balancer = pulumi_awsx.lb.ApplicationLoadBalancer(
            "edge",
            name=stack.prefix,
            internal=False,
            security_groups=[group.id],
            subnet_ids=args.subnets,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_deletion_protection=settings.protect,
            # Longer than the chassis keeps connections, so that no service closes one that the balancer reuses.
            idle_timeout=60,
            access_logs=lb.LoadBalancerAccessLogsArgs(bucket=args.log_bucket, prefix="balancer", enabled=True),
            listeners=[redirect(), https(self._certificate(settings.dns.name, settings.dns.zone))],
            # awsx always makes one. Nothing is sent to it: each service has its own.
            default_target_group=pulumi_awsx.lb.TargetGroupArgs(name=f"{stack.prefix}-unused", vpc_id=args.vpc_id),
            opts=child_of(self),
        )
        arn = balancer.load_balancer.apply(lambda made: made.arn)
        self.balancer_suffix = balancer.load_balancer.apply(lambda made: made.arn_suffix)
        self.listener = balancer.listeners.apply(lambda made: (made or [])[1].arn)
        self._withhold(self.listener)
        route53.Record(
            "edge",
            zone_id=settings.dns.zone,
            name=settings.dns.name,
            type="A",
            aliases=[
                route53.RecordAliasArgs(
                    name=balancer.load_balancer.apply(lambda made: made.dns_name),
                    zone_id=balancer.load_balancer.apply(lambda made: made.zone_id),
                    evaluate_target_health=True,
                )
            ],
            opts=child_of(self),
        )
        if settings.firewall:
            self._firewall(stack.prefix, arn)

    def _certificate(self, domain: str, zone: str) -> pulumi.Output[str]:
        certificate = acm.Certificate("edge", domain_name=domain, validation_method="DNS", opts=child_of(self))
        proof = certificate.domain_validation_options[0]
        record = route53.Record(
            "edge-certificate",
            zone_id=zone,
            name=proof.apply(lambda option: str(option.resource_record_name)),
            type=proof.apply(lambda option: str(option.resource_record_type)),
            records=[proof.apply(lambda option: str(option.resource_record_value))],
            ttl=300,
            allow_overwrite=True,
            opts=child_of(self),
        )
        valid = acm.CertificateValidation(
            "edge", certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn], opts=child_of(self)
        )
        return valid.certificate_arn

    def _withhold(self, listener: pulumi.Output[str]) -> None:
        """A service at / would expose metrics and configuration."""
        for number, patterns in enumerate(internal_paths(), start=1):
            lb.ListenerRule(
                f"edge-withheld-{number}",
                listener_arn=listener,
                priority=number,
                conditions=[
                    lb.ListenerRuleConditionArgs(path_pattern=lb.ListenerRuleConditionPathPatternArgs(values=patterns))
                ],
                actions=[
                    lb.ListenerRuleActionArgs(
                        type="fixed-response",
                        fixed_response=lb.ListenerRuleActionFixedResponseArgs(
                            content_type="text/plain", status_code="404", message_body=NOTHING
                        ),
                    )
                ],
                opts=child_of(self),
            )

    def _firewall(self, prefix: str, balancer: pulumi.Output[str]) -> None:
        def visibility(metric: str) -> wafv2.WebAclVisibilityConfigArgs:
            return wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
            )

        def rule_visibility(metric: str) -> wafv2.WebAclRuleVisibilityConfigArgs:
            return wafv2.WebAclRuleVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
            )

        managed = [
            wafv2.WebAclRuleArgs(
                name=rule,
                priority=rule_priority,
                override_action=wafv2.WebAclRuleOverrideActionArgs(none=wafv2.WebAclRuleOverrideActionNoneArgs()),
                statement=wafv2.WebAclRuleStatementArgs(
                    managed_rule_group_statement=wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                        name=rule, vendor_name="AWS"
                    )
                ),
                visibility_config=rule_visibility(rule),
            )
            for rule, rule_priority in RULES.items()
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
            visibility_config=rule_visibility("requests-per-address"),
        )
        acl = wafv2.WebAcl(
            "edge",
            name=prefix,
            scope="REGIONAL",
            default_action=wafv2.WebAclDefaultActionArgs(allow=wafv2.WebAclDefaultActionAllowArgs()),
            rules=[limit, *managed],
            visibility_config=visibility(prefix),
            opts=child_of(self),
        )
        wafv2.WebAclAssociation("edge", resource_arn=balancer, web_acl_arn=acl.arn, opts=child_of(self))
