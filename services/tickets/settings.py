"""What tickets reads from the environment."""

from __future__ import annotations

from functools import cache

from services.tickets.domain import SigningKeys
from services.tickets.use_cases import Desk
from shared.settings import Secret, Settings


class TicketsSettings(Settings, frozen=True, kw_only=True):
    """Settings of tickets."""

    tickets_table_name: str
    tickets_table_stream_arn: str
    tickets_topic_arn: str
    tickets_queue_name: str
    documents_bucket_name: str
    ticket_signing_secret: Secret
    access_token_jwks: str
    token_secrets: Secret


def desk(settings: TicketsSettings) -> Desk:
    """What issuing works with. Raises SecretUnavailable when the signing secret cannot be had."""
    secrets = settings.ticket_signing_secret.keys()
    return Desk(
        keys=_signing_keys(tuple(secrets.items())),
        bucket=settings.documents_bucket_name,
        document_secret=next(iter(secrets.values())),
    )


@cache
def _signing_keys(secrets: tuple[tuple[str, str], ...]) -> SigningKeys:
    # Kept by what the secrets are, so that a rotated one is taken up without a new process.
    return SigningKeys(dict(secrets))
