"""What reservations needs from its environment."""

from __future__ import annotations

from functools import lru_cache

from shared.settings import Secret, Settings, load


class ReservationsSettings(Settings, frozen=True, kw_only=True):
    """The settings; without REDIS_URL everything works, and finding a place is slower.

    With SITEVERIFY_URL, whoever wants a number of a waiting room must solve the challenge of the provider there.
    """

    resource_prefix: str
    reservations_table_name: str
    reservations_table_stream_arn: str
    reservations_topic_arn: str
    reservations_queue_name: str
    access_token_jwks: str
    token_secrets: Secret
    redis_url: str | None = None
    siteverify_url: str | None = None
    siteverify_secret: Secret | None = None


@lru_cache(maxsize=1)
def settings() -> ReservationsSettings:
    """The settings of this process, read once. Raises MissingSettings with every missing name."""
    return load(ReservationsSettings)
