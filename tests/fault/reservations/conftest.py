"""The fault tests of reservations run with Redis and without, as its other tests do."""

from tests.integration.reservations.conftest import no_redis, redis_or_none

__all__ = ["no_redis", "redis_or_none"]
