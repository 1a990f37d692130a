"""Token buckets by whatever identity a caller has, and the plans that say how large they are."""

from shared.throttling.addresses import network_of
from shared.throttling.bucket import Limit, Standing
from shared.throttling.buckets import Bucket, Buckets, BucketsHere, Taken
from shared.throttling.headers import left, policy
from shared.throttling.plans import Plan, Plans, PlansError, plans
from shared.throttling.usage import Changes, Counts, Metered, Usage

__all__ = [
    "Bucket",
    "Buckets",
    "BucketsHere",
    "Changes",
    "Counts",
    "Limit",
    "Metered",
    "Plan",
    "Plans",
    "PlansError",
    "Standing",
    "Taken",
    "Usage",
    "left",
    "network_of",
    "plans",
    "policy",
]
