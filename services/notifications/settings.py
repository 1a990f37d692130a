"""What notifications reads from the environment."""

from __future__ import annotations

from services.notifications.use_cases import Counter
from shared.settings import Settings


class NotificationsSettings(Settings, frozen=True, kw_only=True):
    """Settings of notifications."""

    notifications_table_name: str
    notifications_queue_name: str
    documents_bucket_name: str
    mail_from: str
    public_url: str
    access_token_jwks: str


def counter(settings: NotificationsSettings) -> Counter:
    """What sending works with."""
    return Counter(sender=settings.mail_from, bucket=settings.documents_bucket_name, public_url=settings.public_url)
