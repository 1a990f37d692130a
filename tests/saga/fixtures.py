"""Fixtures of the saga tests; tests/conftest.py makes them known everywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from shared.settings import Secret
from tests.saga.box_office import BoxOffice
from tests.saga.company import Company, running_company
from tests.saga.front_door import FrontDoor
from tests.saga.mill import Mill
from tests.saga.tenants import Town


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A payment company whose webhooks the test passes on."""
    with running_company(tmp_path_factory.mktemp("company")) as running:
        yield running


@pytest.fixture(scope="module")
def office(company: Company) -> Iterator[BoxOffice]:
    """The eight apps in this process; payments works with that company."""
    # The services read the environment when they are imported, and this module is imported before it is settled.
    from services.payments import app as payments_app
    from services.payments.providers.company import PaymentCompany

    patch = pytest.MonkeyPatch()
    secrets = (Secret(os.environ[f"TEST_PROVIDER_{name}"]) for name in ("API_KEY", "WEBHOOK_SECRET"))
    patch.setattr(payments_app, "provider", PaymentCompany(company.address, *secrets))
    yield BoxOffice()
    patch.undo()


@pytest.fixture(scope="module")
def mill(office: BoxOffice) -> Mill:
    """All that the services publish from now on, for the test to deliver."""
    return Mill(office)


@pytest.fixture(scope="module")
def town(office: BoxOffice, mill: Mill, company: Company) -> Iterator[Town]:
    """A front door to the eight services, and what is needed to sign people up and sell to them."""
    from shared.auth import passwords

    # Hashing is slow on purpose; whoever is signed up for a test has nothing to protect.
    patch = pytest.MonkeyPatch()
    patch.setattr(passwords, "MEMORY_KIB", 64)
    patch.setattr(passwords, "PASSES", 1)
    passwords._hasher.cache_clear()
    yield Town(FrontDoor(office), mill, company, os.environ["TEST_PROVIDER_WEBHOOK_SECRET"])
    patch.undo()
    passwords._hasher.cache_clear()
