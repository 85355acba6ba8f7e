"""What the AWS provider reads of each type of resource, beyond what SecurityAudit allows. Pure data.

A preview with `--refresh` reads every resource of the state; a type that can't be read ends it. SecurityAudit is AWS's
policy for reading configuration; it lacks the calls below (its version 94, 2026-09-30, in moto's copy). The calls are
those of terraform-provider-aws 6.34, on which pulumi-aws 7 is built. A test fails for a type that isn't here.
"""

# What SecurityAudit allows of it, by type.
AUDITED: dict[str, str] = {
    "aws:acm/certificate:Certificate": "acm:DescribeCertificate acm:ListTagsForCertificate",
    "aws:acm/certificateValidation:CertificateValidation": "acm:DescribeCertificate",
    "aws:cloudwatch/logGroup:LogGroup": "logs:DescribeLogGroups logs:ListTagsForResource",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "ec2:DescribeSecurityGroups",
    "aws:ec2/eip:Eip": "ec2:DescribeAddresses ec2:DescribeAddressesAttribute",
    "aws:ec2/flowLog:FlowLog": "ec2:DescribeFlowLogs",
    "aws:ec2/internetGateway:InternetGateway": "ec2:DescribeInternetGateways",
    "aws:ec2/instance:Instance": "ec2:DescribeImages ec2:DescribeInstanceAttribute "
    "ec2:DescribeInstanceCreditSpecifications ec2:DescribeInstances ec2:DescribeInstanceTypes ec2:DescribeTags "
    "ec2:DescribeVolumes",
    "aws:ec2/natGateway:NatGateway": "ec2:DescribeNatGateways",
    "aws:ec2/route:Route": "ec2:DescribeRouteTables",
    "aws:ec2/routeTable:RouteTable": "ec2:DescribeRouteTables",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "ec2:DescribeRouteTables",
    "aws:ec2/securityGroup:SecurityGroup": "ec2:DescribeSecurityGroups",
    "aws:ec2/subnet:Subnet": "ec2:DescribeSubnets",
    "aws:ec2/vpc:Vpc": "ec2:DescribeNetworkAcls ec2:DescribeRouteTables ec2:DescribeSecurityGroups "
    "ec2:DescribeVpcAttribute ec2:DescribeVpcs",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2:DescribePrefixLists ec2:DescribeVpcEndpoints",
    "aws:ecs/cluster:Cluster": "ecs:DescribeClusters ecs:ListTagsForResource",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "ecs:DescribeClusters",
    "aws:ecs/service:Service": "ecs:DescribeServices ecs:ListTagsForResource ecs:ListServiceDeployments "
    "ecs:DescribeServiceDeployments ecs:DescribeServiceRevisions",
    "aws:ecs/taskDefinition:TaskDefinition": "ecs:DescribeTaskDefinition",
    "aws:iam/role:Role": "iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies iam:GetRolePolicy",
    "aws:iam/rolePolicy:RolePolicy": "iam:GetRolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "iam:ListAttachedRolePolicies",
    "aws:kms/alias:Alias": "kms:ListAliases",
    "aws:kms/key:Key": "kms:DescribeKey kms:GetKeyPolicy kms:GetKeyRotationStatus kms:ListResourceTags",
    "aws:lb/listener:Listener": "elasticloadbalancing:DescribeListenerAttributes "
    "elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeTags",
    "aws:lb/listenerRule:ListenerRule": "elasticloadbalancing:DescribeRules elasticloadbalancing:DescribeTags",
    "aws:lb/loadBalancer:LoadBalancer": "elasticloadbalancing:DescribeCapacityReservation "
    "elasticloadbalancing:DescribeLoadBalancerAttributes elasticloadbalancing:DescribeLoadBalancers "
    "elasticloadbalancing:DescribeTags",
    "aws:lb/targetGroup:TargetGroup": "elasticloadbalancing:DescribeTags "
    "elasticloadbalancing:DescribeTargetGroupAttributes elasticloadbalancing:DescribeTargetGroups",
    "aws:rds/instance:Instance": "rds:DescribeDBInstances rds:ListTagsForResource",
    "aws:rds/parameterGroup:ParameterGroup": "rds:DescribeDBParameterGroups rds:DescribeDBParameters "
    "rds:ListTagsForResource",
    "aws:rds/subnetGroup:SubnetGroup": "rds:DescribeDBSubnetGroups rds:ListTagsForResource",
    "aws:route53/record:Record": "route53:GetHostedZone route53:ListResourceRecordSets",
    "aws:s3/bucket:Bucket": "s3:GetAccelerateConfiguration s3:GetBucketAcl s3:GetBucketCORS s3:GetBucketLocation "
    "s3:GetBucketLogging s3:GetBucketObjectLockConfiguration s3:GetBucketPolicy s3:GetBucketRequestPayment "
    "s3:GetBucketTagging s3:GetBucketVersioning s3:GetBucketWebsite s3:GetEncryptionConfiguration "
    "s3:GetLifecycleConfiguration s3:GetReplicationConfiguration s3:ListBucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy": "s3:GetBucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ""
    "s3:GetEncryptionConfiguration",
    "aws:secretsmanager/secret:Secret": "secretsmanager:DescribeSecret secretsmanager:GetResourcePolicy",
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": ""
    "ses:GetConfigurationSetEventDestinations",
    "aws:sns/topic:Topic": "sns:GetTopicAttributes sns:ListTagsForResource",
    "aws:sns/topicPolicy:TopicPolicy": "sns:GetTopicAttributes",
    "aws:sns/topicSubscription:TopicSubscription": "sns:GetSubscriptionAttributes sns:ListSubscriptionsByTopic",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "ec2:DescribeSecurityGroupRules",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "ec2:DescribeSecurityGroupRules",
    "aws:wafv2/webAcl:WebAcl": "wafv2:GetWebACL wafv2:ListTagsForResource",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "wafv2:GetWebACLForResource",
}
SCALING = ("application-autoscaling:ListTagsForResource",)
# What it lacks.
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
    "aws:s3/bucket:Bucket": ("s3:ListTagsForResource",),
    "aws:scheduler/schedule:Schedule": ("scheduler:GetSchedule",),
    # The provider compares the value of every version with the state's. Only this environment's secrets.
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretsmanager:GetSecretValue",),
    "aws:sesv2/configurationSet:ConfigurationSet": ("ses:ListTagsForResource",),
    "aws:sesv2/emailIdentity:EmailIdentity": ("ses:ListTagsForResource",),
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
        "s3": [f"arn:aws:s3:::gatehouse-{stack}-{kind}-{account}" for kind in ("logs", "history-keys")],
        "scheduler": [f"arn:aws:scheduler:{here}:schedule/default/gatehouse-{stack}-*"],
        "ses": [f"arn:aws:ses:{here}:configuration-set/gatehouse-{stack}", f"arn:aws:ses:{here}:identity/*"],
        "servicediscovery": [f"arn:aws:servicediscovery:{here}:namespace/*"],
    }
    actions = sorted({action for each in READS.values() for action in each} - {SECRET_VALUE, NAMESPACE_TAGS})
    statements = {
        f"Read{service.title().replace('-', '')}": ([each for each in actions if each.startswith(f"{service}:")], arns)
        for service, arns in resources.items()
    }
    # This one has no resource (service authorization reference).
    return {**statements, "ReadNamespaceTags": ([NAMESPACE_TAGS], ["*"])}
