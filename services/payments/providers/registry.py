"""Which payment company is used: the one the setting PAYMENT_PROVIDER names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.payments.providers import Provider
from services.payments.providers.company import PaymentCompany
from services.payments.settings import PaymentsSettings
from shared.settings import InvalidSetting


def _payment_company(settings: PaymentsSettings) -> Provider:
    return PaymentCompany(
        settings.test_provider_url, settings.test_provider_api_key, settings.test_provider_webhook_secret
    )


PROVIDERS: Final[Mapping[str, Callable[[PaymentsSettings], Provider]]] = {"test": _payment_company}


def provider_of(settings: PaymentsSettings) -> Provider:
    """The provider the settings name. Raises InvalidSetting for a name nobody has an adapter for."""
    make = PROVIDERS.get(settings.payment_provider)
    if make is None:
        known = ", ".join(sorted(PROVIDERS))
        raise InvalidSetting("PaymentsSettings", [f"PAYMENT_PROVIDER must be one of: {known}"])
    return make(settings)
