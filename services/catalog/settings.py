"""What catalog needs to know from its environment."""

from __future__ import annotations

from shared.settings import Secret, Settings


class CatalogSettings(Settings, frozen=True, kw_only=True):
    """Read once when the app is loaded."""

    catalog_table_name: str
    catalog_table_stream_arn: str
    catalog_topic_arn: str
    catalog_queue_name: str
    access_token_jwks: Secret
    token_secrets: Secret
    redis_url: str | None = None
