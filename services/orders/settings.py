"""What orders needs to know from its environment."""

from __future__ import annotations

from shared.settings import Secret, Settings


class OrdersSettings(Settings, frozen=True, kw_only=True):
    """Read once when the app is loaded."""

    orders_table_name: str
    orders_table_stream_arn: str
    orders_topic_arn: str
    orders_queue_name: str
    token_secrets: Secret
