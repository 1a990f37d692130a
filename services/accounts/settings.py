"""What accounts needs to know from its environment."""

from __future__ import annotations

from shared.settings import Secret, Settings


class AccountsSettings(Settings, frozen=True, kw_only=True):
    """Read once when the app is loaded.

    TRUSTED_ISSUERS is a JSON list of the issuers whose ID tokens are exchanged for sessions (README, Other issuers).
    """

    accounts_table_name: str
    accounts_table_stream_arn: str
    accounts_topic_arn: str
    access_token_signing_secret: Secret
    access_token_jwks: Secret
    token_secrets: Secret
    redis_url: str | None = None
    trusted_issuers: str | None = None
