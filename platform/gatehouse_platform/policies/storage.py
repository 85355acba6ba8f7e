"""Storage is encrypted and private, and logs expire."""

from collections.abc import Iterable

from gatehouse_platform.offline.graph import Graph, is_known
from gatehouse_platform.policies.violation import Violation, violation

BUCKET = "aws:s3/bucket:Bucket"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
PUBLIC_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
# The property that names the key, by type.
KEYS = {
    "aws:amp/workspace:Workspace": "kmsKeyArn",
    "aws:cloudtrail/trail:Trail": "kmsKeyId",
    LOG_GROUP: "kmsKeyId",
    "aws:rds/instance:Instance": "kmsKeyId",
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
    "aws:sns/topic:Topic": "kmsMasterKeyId",
}
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def storage_is_encrypted(graph: Graph) -> Iterable[Violation]:
    """With the stack's key; the bucket of the balancer's log with S3's own."""
    name = "storage is encrypted"
    for kind, key in KEYS.items():
        for resource in graph.of_type(kind):
            if not resource.properties.get(key):
                yield violation(name, resource, key, "is not given.", "Give the stack's key.")
    for instance in graph.of_type("aws:rds/instance:Instance"):
        if instance.properties.get("storageEncrypted") is not True:
            yield violation(name, instance, "storageEncrypted", "isn't true.", "Set storage_encrypted=True.")
    encrypted = {each.properties.get("bucket") for each in graph.of_type(ENCRYPTION)}
    for bucket in graph.of_type(BUCKET):
        if bucket.id not in encrypted and is_known([bucket.id, *encrypted]):
            fix = "Add a BucketServerSideEncryptionConfiguration."
            yield violation(name, bucket, "encryption", "isn't configured.", fix)


def buckets_are_private(graph: Graph) -> Iterable[Violation]:
    """Buckets block public access in all four ways."""
    blocked = {
        each.properties.get("bucket")
        for each in graph.of_type(PUBLIC_BLOCK)
        if all(each.properties.get(block) is True for block in BLOCKS)
    }
    for bucket in graph.of_type(BUCKET):
        if bucket.id not in blocked and is_known([bucket.id, *blocked]):
            fix = f"Add a BucketPublicAccessBlock with {', '.join(BLOCKS)}."
            yield violation("buckets are private", bucket, "public access", "isn't blocked in full.", fix)


def logs_end(graph: Graph) -> Iterable[Violation]:
    """Log groups have a retention period; without one AWS keeps (and bills) them forever."""
    for group in graph.of_type(LOG_GROUP):
        if not group.properties.get("retentionInDays"):
            yield violation("logs end", group, "retentionInDays", "is not given.", "Give log_days of the settings.")
