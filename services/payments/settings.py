"""What payments needs to know from its environment."""

from __future__ import annotations

from shared.settings import Secret, Settings


class PaymentsSettings(Settings, frozen=True, kw_only=True):
    """Read once when the app is loaded. `public_url` is the one origin buyers may be sent back to."""

    payments_table_name: str
    payments_table_stream_arn: str
    payments_topic_arn: str
    payments_queue_name: str
    public_url: str
    token_secrets: Secret
    test_provider_url: str
    test_provider_api_key: Secret
    test_provider_webhook_secret: Secret
    payment_provider: str = "test"
