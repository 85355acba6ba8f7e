"""What the AWS provider reads of each type of resource, beyond what SecurityAudit allows. Pure data.

A preview with `--refresh` reads every resource of the state; a type that can't be read ends it. SecurityAudit is AWS's
policy for reading configuration; it lacks the calls below (its version 94, 2026-09-30, in moto's copy). The calls are
those of terraform-provider-aws 6.34, on which pulumi-aws 7 is built. A test fails for a type that isn't here.
"""

# Types whose reads SecurityAudit allows.
AUDITED = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/eip:Eip",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ecs/cluster:Cluster",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws:ecs/service:Service",
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:kms/alias:Alias",
        "aws:kms/key:Key",
        "aws:lb/listener:Listener",
        "aws:lb/listenerRule:ListenerRule",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:lb/targetGroup:TargetGroup",
        "aws:rds/instance:Instance",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:route53/record:Record",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:wafv2/webAcl:WebAcl",
        "aws:wafv2/webAclAssociation:WebAclAssociation",
    }
)
SCALING = ("application-autoscaling:ListTagsForResource",)
READS: dict[str, tuple[str, ...]] = {
    "aws:amp/alertManagerDefinition:AlertManagerDefinition": ("aps:DescribeAlertManagerDefinition",),
    "aws:amp/ruleGroupNamespace:RuleGroupNamespace": ("aps:DescribeRuleGroupsNamespace", "aps:ListTagsForResource"),
    "aws:amp/workspace:Workspace": (
        "aps:DescribeLoggingConfiguration",
        "aps:DescribeWorkspace",
        "aps:ListTagsForResource",
    ),
    "aws:appautoscaling/policy:Policy": SCALING,
    "aws:appautoscaling/scheduledAction:ScheduledAction": SCALING,
    "aws:appautoscaling/target:Target": SCALING,
    "aws:budgets/budget:Budget": ("budgets:ListTagsForResource", "budgets:ViewBudget"),
    "aws:scheduler/schedule:Schedule": ("scheduler:GetSchedule",),
    # The provider compares the value of every version with the state's. Only this environment's secrets.
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretsmanager:GetSecretValue",),
    "aws:servicediscovery/httpNamespace:HttpNamespace": (
        "servicediscovery:GetNamespace",
        "servicediscovery:ListTagsForResource",
    ),
}
NAMESPACE_TAGS = "servicediscovery:ListTagsForResource"
SECRET_VALUE = "secretsmanager:GetSecretValue"  # noqa: S105 - an action


def plan_reads(account: str, region: str, stack: str) -> dict[str, tuple[list[str], list[str]]]:
    """(actions, resources) by Sid of what a plan role reads beside SecurityAudit, but for the values of secrets.

    Where AWS generates the id (workspaces, namespaces, scalable targets) a pattern can't name the environment; these
    calls return configuration, as SecurityAudit does for every environment.
    """
    here = f"{region}:{account}"
    resources = {
        "application-autoscaling": [f"arn:aws:application-autoscaling:{here}:scalable-target/*"],
        "aps": [f"arn:aws:aps:{here}:workspace/*", f"arn:aws:aps:{here}:rulegroupsnamespace/*/*"],
        "budgets": [f"arn:aws:budgets::{account}:budget/gatehouse-{stack}"],
        "scheduler": [f"arn:aws:scheduler:{here}:schedule/default/gatehouse-{stack}-*"],
        "servicediscovery": [f"arn:aws:servicediscovery:{here}:namespace/*"],
    }
    actions = sorted({action for each in READS.values() for action in each} - {SECRET_VALUE, NAMESPACE_TAGS})
    statements = {
        f"Read{service.title().replace('-', '')}": ([each for each in actions if each.startswith(f"{service}:")], arns)
        for service, arns in resources.items()
    }
    # This one has no resource (service authorization reference).
    return {**statements, "ReadNamespaceTags": ([NAMESPACE_TAGS], ["*"])}
