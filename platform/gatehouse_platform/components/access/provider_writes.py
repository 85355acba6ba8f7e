"""What a deployment calls to create, change and delete each type of resource, and how IAM can limit it. Pure data.

The calls are those of terraform-provider-aws 6.34, on which pulumi-aws 7 is built, and of our schema resource. What can
limit a call (the resource's ARN, its tags, the tags that a new one gets) is what AWS's service authorization reference
says of it; test_deployers.py compares. A type that isn't here can't be deployed, and that test fails.
"""

EC2_TAGS = "ec2:CreateTags ec2:DeleteTags"
ELB_TAGS = "elasticloadbalancing:AddTags elasticloadbalancing:RemoveTags"
RDS_TAGS = "rds:AddTagsToResource rds:RemoveTagsFromResource"
WRITES: dict[str, str] = {
    "aws:acm/certificate:Certificate": "acm:AddTagsToCertificate acm:DeleteCertificate acm:RemoveTagsFromCertificate "
    "acm:RequestCertificate acm:UpdateCertificateOptions",
    "aws:acm/certificateValidation:CertificateValidation": "",
    "aws:amp/alertManagerDefinition:AlertManagerDefinition": "aps:CreateAlertManagerDefinition "
    "aps:DeleteAlertManagerDefinition aps:PutAlertManagerDefinition",
    "aws:amp/ruleGroupNamespace:RuleGroupNamespace": "aps:CreateRuleGroupsNamespace aps:DeleteRuleGroupsNamespace "
    "aps:PutRuleGroupsNamespace aps:TagResource aps:UntagResource",
    "aws:amp/workspace:Workspace": "aps:CreateWorkspace aps:DeleteWorkspace aps:TagResource aps:UntagResource "
    "aps:UpdateWorkspaceAlias",
    "aws:appautoscaling/policy:Policy": "application-autoscaling:DeleteScalingPolicy "
    "application-autoscaling:PutScalingPolicy",
    "aws:appautoscaling/scheduledAction:ScheduledAction": "application-autoscaling:DeleteScheduledAction "
    "application-autoscaling:PutScheduledAction",
    "aws:appautoscaling/target:Target": "application-autoscaling:DeregisterScalableTarget "
    "application-autoscaling:RegisterScalableTarget application-autoscaling:TagResource "
    "application-autoscaling:UntagResource",
    "aws:budgets/budget:Budget": "budgets:ModifyBudget budgets:TagResource budgets:UntagResource",
    "aws:cloudwatch/logGroup:LogGroup": "logs:AssociateKmsKey logs:CreateLogGroup logs:DeleteLogGroup "
    "logs:DeleteRetentionPolicy logs:DisassociateKmsKey logs:PutRetentionPolicy logs:TagResource logs:UntagResource",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:DeleteAlarms cloudwatch:PutMetricAlarm "
    "cloudwatch:TagResource cloudwatch:UntagResource",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "ec2:RevokeSecurityGroupEgress "
    f"ec2:RevokeSecurityGroupIngress {EC2_TAGS}",
    "aws:ec2/eip:Eip": f"ec2:AllocateAddress ec2:ReleaseAddress {EC2_TAGS}",
    "aws:ec2/flowLog:FlowLog": f"ec2:CreateFlowLogs ec2:DeleteFlowLogs {EC2_TAGS}",
    "aws:ec2/internetGateway:InternetGateway": "ec2:AttachInternetGateway ec2:CreateInternetGateway "
    f"ec2:DeleteInternetGateway ec2:DetachInternetGateway {EC2_TAGS}",
    "aws:ec2/instance:Instance": "ec2:ModifyInstanceAttribute ec2:ModifyInstanceMetadataOptions ec2:RunInstances "
    f"ec2:StartInstances ec2:StopInstances ec2:TerminateInstances {EC2_TAGS}",
    "aws:ec2/natGateway:NatGateway": f"ec2:CreateNatGateway ec2:DeleteNatGateway {EC2_TAGS}",
    "aws:ec2/route:Route": "ec2:CreateRoute ec2:DeleteRoute ec2:ReplaceRoute",
    "aws:ec2/routeTable:RouteTable": f"ec2:CreateRouteTable ec2:DeleteRouteTable {EC2_TAGS}",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "ec2:AssociateRouteTable ec2:DisassociateRouteTable "
    "ec2:ReplaceRouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup": "ec2:CreateSecurityGroup ec2:DeleteSecurityGroup "
    f"ec2:RevokeSecurityGroupEgress {EC2_TAGS}",
    "aws:ec2/subnet:Subnet": f"ec2:CreateSubnet ec2:DeleteSubnet ec2:ModifySubnetAttribute {EC2_TAGS}",
    "aws:ec2/vpc:Vpc": f"ec2:CreateVpc ec2:DeleteVpc ec2:ModifyVpcAttribute {EC2_TAGS}",
    "aws:ec2/vpcEndpoint:VpcEndpoint": f"ec2:CreateVpcEndpoint ec2:DeleteVpcEndpoints ec2:ModifyVpcEndpoint {EC2_TAGS}",
    "aws:ecs/cluster:Cluster": "ecs:CreateCluster ecs:DeleteCluster ecs:TagResource ecs:UntagResource "
    "ecs:UpdateCluster ecs:UpdateClusterSettings",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "ecs:PutClusterCapacityProviders",
    "aws:ecs/service:Service": "ecs:CreateService ecs:DeleteService ecs:TagResource ecs:UntagResource "
    "ecs:UpdateService",
    # None is deregistered (skip_destroy): a rollback needs the earlier ones, and that call can't be limited.
    "aws:ecs/taskDefinition:TaskDefinition": "ecs:RegisterTaskDefinition ecs:TagResource ecs:UntagResource",
    # Within the boundary: github_access.py.
    "aws:iam/role:Role": "",
    "aws:iam/rolePolicy:RolePolicy": "",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "",
    "aws:kms/alias:Alias": "kms:CreateAlias kms:DeleteAlias kms:UpdateAlias",
    # The last five: what services that keep data under the key call in the deployer's name.
    "aws:kms/key:Key": "kms:CancelKeyDeletion kms:CreateKey kms:DisableKey kms:EnableKey kms:EnableKeyRotation "
    "kms:PutKeyPolicy kms:ScheduleKeyDeletion kms:TagResource kms:UntagResource kms:UpdateKeyDescription "
    "kms:CreateGrant kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey",
    "aws:lb/listener:Listener": "elasticloadbalancing:CreateListener elasticloadbalancing:DeleteListener "
    f"elasticloadbalancing:ModifyListener elasticloadbalancing:ModifyListenerAttributes {ELB_TAGS}",
    "aws:lb/listenerRule:ListenerRule": "elasticloadbalancing:CreateRule elasticloadbalancing:DeleteRule "
    f"elasticloadbalancing:ModifyRule elasticloadbalancing:SetRulePriorities {ELB_TAGS}",
    "aws:lb/loadBalancer:LoadBalancer": "elasticloadbalancing:CreateLoadBalancer "
    "elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:ModifyLoadBalancerAttributes "
    f"elasticloadbalancing:SetSecurityGroups elasticloadbalancing:SetSubnets {ELB_TAGS}",
    "aws:lb/targetGroup:TargetGroup": "elasticloadbalancing:CreateTargetGroup elasticloadbalancing:DeleteTargetGroup "
    f"elasticloadbalancing:ModifyTargetGroup elasticloadbalancing:ModifyTargetGroupAttributes {ELB_TAGS}",
    "aws:rds/instance:Instance": "rds:CreateDBInstance rds:CreateDBSnapshot rds:DeleteDBInstance "
    f"rds:ModifyDBInstance rds:RebootDBInstance rds:StartDBInstance {RDS_TAGS}",
    "aws:rds/parameterGroup:ParameterGroup": "rds:CreateDBParameterGroup rds:DeleteDBParameterGroup "
    f"rds:ModifyDBParameterGroup rds:ResetDBParameterGroup {RDS_TAGS}",
    "aws:rds/subnetGroup:SubnetGroup": "rds:CreateDBSubnetGroup rds:DeleteDBSubnetGroup rds:ModifyDBSubnetGroup "
    f"{RDS_TAGS}",
    "aws:route53/record:Record": "route53:ChangeResourceRecordSets route53:GetChange",
    "aws:s3/bucket:Bucket": "s3:CreateBucket s3:DeleteBucket s3:DeleteObject s3:DeleteObjectVersion s3:ListBucket "
    "s3:ListBucketVersions s3:PutBucketTagging s3:TagResource s3:UntagResource",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy": "s3:DeleteBucketPolicy s3:PutBucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ""
    "s3:PutEncryptionConfiguration",
    "aws:scheduler/schedule:Schedule": "scheduler:CreateSchedule scheduler:DeleteSchedule scheduler:UpdateSchedule",
    "aws:secretsmanager/secret:Secret": "secretsmanager:CreateSecret secretsmanager:DeleteSecret "
    "secretsmanager:RestoreSecret secretsmanager:TagResource secretsmanager:UntagResource "
    "secretsmanager:UpdateSecret",
    "aws:secretsmanager/secretVersion:SecretVersion": "secretsmanager:GetSecretValue secretsmanager:PutSecretValue "
    "secretsmanager:UpdateSecretVersionStage",
    # Its tags can't be changed later: that call can't be limited, and would give another environment's namespace away.
    "aws:servicediscovery/httpNamespace:HttpNamespace": "servicediscovery:CreateHttpNamespace "
    "servicediscovery:DeleteNamespace servicediscovery:GetOperation servicediscovery:UpdateHttpNamespace",
    "aws:sesv2/configurationSet:ConfigurationSet": "ses:CreateConfigurationSet ses:DeleteConfigurationSet "
    "ses:PutConfigurationSetDeliveryOptions ses:PutConfigurationSetReputationOptions "
    "ses:PutConfigurationSetSendingOptions ses:TagResource ses:UntagResource",
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": ""
    "ses:CreateConfigurationSetEventDestination ses:DeleteConfigurationSetEventDestination "
    "ses:UpdateConfigurationSetEventDestination",
    "aws:sesv2/emailIdentity:EmailIdentity": "ses:CreateEmailIdentity ses:DeleteEmailIdentity "
    "ses:PutEmailIdentityConfigurationSetAttributes ses:PutEmailIdentityDkimSigningAttributes ses:TagResource "
    "ses:UntagResource",
    "aws:sns/topic:Topic": "sns:CreateTopic sns:DeleteTopic sns:SetTopicAttributes sns:TagResource sns:UntagResource",
    "aws:sns/topicPolicy:TopicPolicy": "sns:SetTopicAttributes",
    # Ended by its owner, with the link in each mail (retain_on_delete): that call can't be limited.
    "aws:sns/topicSubscription:TopicSubscription": "sns:Subscribe",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "ec2:AuthorizeSecurityGroupEgress "
    f"ec2:ModifySecurityGroupRules ec2:RevokeSecurityGroupEgress {EC2_TAGS}",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "ec2:AuthorizeSecurityGroupIngress "
    f"ec2:ModifySecurityGroupRules ec2:RevokeSecurityGroupIngress {EC2_TAGS}",
    "aws:wafv2/webAcl:WebAcl": "wafv2:CreateWebACL wafv2:DeleteWebACL wafv2:TagResource wafv2:UntagResource "
    "wafv2:UpdateWebACL",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "elasticloadbalancing:SetWebAcl wafv2:AssociateWebACL "
    "wafv2:DisassociateWebACL",
    "pulumi-python:dynamic/gatehouse:Schema": "ecs:RunTask ecs:StopTask",
}
# Services whose resources carry the environment in their ARN: {prefix} is `gatehouse-dev`, {name} is `dev`,
# {domain} is its domain.
BY_NAME: dict[str, tuple[str, ...]] = {
    "budgets": ("arn:aws:budgets::{account}:budget/{prefix}",),
    "cloudwatch": ("arn:aws:cloudwatch:{here}:alarm:{prefix}-*",),
    "ecs": (
        "arn:aws:ecs:{here}:cluster/{prefix}",
        "arn:aws:ecs:{here}:service/{prefix}/*",
        "arn:aws:ecs:{here}:task-definition/{prefix}-*",
        "arn:aws:ecs:{here}:task/{prefix}/*",
    ),
    "logs": (
        "arn:aws:logs:{here}:log-group:/gatehouse/{name}/*",
        "arn:aws:logs:{here}:log-group:/aws/rds/instance/{prefix}/*",
        "arn:aws:logs:{here}:log-group:/aws/ecs/containerinsights/{prefix}/*",
    ),
    "s3": (
        "arn:aws:s3:::{prefix}-logs-{account}",
        "arn:aws:s3:::{prefix}-logs-{account}/*",
        "arn:aws:s3:::{prefix}-history-keys-{account}",
        "arn:aws:s3:::{prefix}-history-keys-{account}/*",
    ),
    "scheduler": ("arn:aws:scheduler:{here}:schedule/default/{prefix}-*",),
    "secretsmanager": ("arn:aws:secretsmanager:{here}:secret:{prefix}/*",),
    "ses": ("arn:aws:ses:{here}:configuration-set/{prefix}", "arn:aws:ses:{here}:identity/{domain}"),
    "sns": ("arn:aws:sns:{here}:{prefix}-*",),
    "wafv2": (
        "arn:aws:wafv2:{here}:regional/webacl/{prefix}/*",
        "arn:aws:elasticloadbalancing:{here}:loadbalancer/app/{prefix}/*",
        # AWS's own rule groups, which a firewall refers to.
        "arn:aws:wafv2:{here}:regional/managedruleset/*",
    ),
}
# Calls of services that are limited by tags, but for the resource that has a name or can't have tags.
ALSO_BY_NAME: dict[str, tuple[str, ...]] = {
    "kms:CreateAlias": ("arn:aws:kms:{here}:alias/{prefix}", "arn:aws:kms:{here}:alias/{prefix}-*"),
    "kms:DeleteAlias": ("arn:aws:kms:{here}:alias/{prefix}", "arn:aws:kms:{here}:alias/{prefix}-*"),
    "kms:UpdateAlias": ("arn:aws:kms:{here}:alias/{prefix}", "arn:aws:kms:{here}:alias/{prefix}-*"),
    # AWS's image has no tag of ours, nor have an instance's interface and volume while they are made.
    "ec2:RunInstances": (
        "arn:aws:ec2:*::image/*",
        "arn:aws:ec2:{here}:network-interface/*",
        "arn:aws:ec2:{here}:volume/*",
    ),
    # RDS's default option group has no tags.
    "rds:CreateDBInstance": ("arn:aws:rds:{here}:og:default:*",),
    "rds:ModifyDBInstance": ("arn:aws:rds:{here}:og:default:*",),
}
# Calls that make something, or tag what was just made: allowed with the environment's tag, on what has none yet.
CREATING = frozenset(
    {
        "acm:AddTagsToCertificate",
        "acm:RequestCertificate",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:TagResource",
        "aps:CreateRuleGroupsNamespace",
        "aps:CreateWorkspace",
        "aps:TagResource",
        "ec2:AllocateAddress",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateFlowLogs",
        "ec2:CreateInternetGateway",
        "ec2:CreateNatGateway",
        "ec2:CreateRouteTable",
        "ec2:CreateSecurityGroup",
        "ec2:CreateSubnet",
        "ec2:CreateTags",
        "ec2:CreateVpc",
        "ec2:CreateVpcEndpoint",
        "ec2:RunInstances",
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:CreateTargetGroup",
        "kms:CreateKey",
        "kms:TagResource",
        "rds:AddTagsToResource",
        "rds:CreateDBInstance",
        "rds:CreateDBParameterGroup",
        "rds:CreateDBSnapshot",
        "rds:CreateDBSubnetGroup",
        "servicediscovery:CreateHttpNamespace",
    }
)
# Calls without a resource and without a condition, and why they may be allowed everywhere.
EVERYWHERE: dict[str, str] = {
    "elasticloadbalancing:SetWebAcl": "takes effect only together with wafv2:AssociateWebACL, which is limited",
}
RECORDS = "route53:ChangeResourceRecordSets"


def calls_of(types: list[str]) -> list[str]:
    """Every call that these types of resources take, sorted. A type without an entry takes none."""
    return sorted({call for each in types for call in WRITES.get(each, "").split()})
