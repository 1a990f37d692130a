"""API keys over HTTP: organisers make them, programs exchange them for access tokens."""

from __future__ import annotations

from typing import Any, Final

from services.accounts import domain, repository
from services.accounts.domain import api_keys
from services.accounts.schemas import (
    AccessTokenView,
    AddApiKey,
    ApiKeysQuery,
    ApiKeyView,
    ExchangeApiKey,
    NewApiKeyView,
    RotateApiKey,
)
from services.accounts.use_cases import api_keys as use_cases
from shared.http import BY_HANDLER, BY_HANDLER_OPTIONAL, PUBLIC, Call, PageView, Routes, member, page_answer

_keepers: Final = member("owner", "manager")

routes = Routes()


@routes.route(
    "/v1/organisers/{organiser_id}/api-keys",
    methods=["POST"],
    body=AddApiKey,
    answers=NewApiKeyView,
    status=201,
    access=_keepers,
    idempotency=BY_HANDLER_OPTIONAL,
    summary="Make an API key",
    errors=(
        domain.InvalidName,
        api_keys.UnknownScope,
        domain.RoleNotYours,
        api_keys.TooManyApiKeys,
        api_keys.KeyReused,
        api_keys.SecretChanged,
    ),
)
def add_api_key(call: Call) -> Any:
    """Makes a key for a program. Its text is in this answer alone; sent again under the Idempotency-Key, once more."""
    return _new_view(
        *use_cases.add_api_key(call.path["organiser_id"], call.body, call.person, call.idempotency_key, call.now)
    )


@routes.route(
    "/v1/organisers/{organiser_id}/api-keys",
    query=ApiKeysQuery,
    answers=PageView[ApiKeyView],
    access=_keepers,
    summary="Its API keys",
)
def list_api_keys(call: Call) -> Any:
    """The organiser's keys without their secrets, revoked ones too."""
    organiser_id = call.path["organiser_id"]
    page = use_cases.list_api_keys(organiser_id, call.query.limit, call.query.cursor)
    return page_answer(page, _view, f"/v1/organisers/{organiser_id}/api-keys", call.query)


@routes.route(
    "/v1/organisers/{organiser_id}/api-keys/{api_key_id}/rotation",
    methods=["POST"],
    body=RotateApiKey,
    answers=NewApiKeyView,
    access=_keepers,
    idempotency=BY_HANDLER,
    summary="Change an API key's secret",
    errors=(domain.RoleNotYours, api_keys.SecretChanged),
)
def rotate_api_key(call: Call) -> Any:
    """Gives the key another secret, shown in this answer; the one before is good for `overlap_seconds` more."""
    key = call.idempotency_key or ""
    return _new_view(
        *use_cases.rotate_api_key(
            call.path["organiser_id"], call.path["api_key_id"], call.body.overlap_seconds, call.person, key, call.now
        )
    )


@routes.route(
    "/v1/organisers/{organiser_id}/api-keys/{api_key_id}",
    methods=["DELETE"],
    status=204,
    access=_keepers,
    summary="Revoke an API key",
    errors=(domain.RoleNotYours,),
)
def revoke_api_key(call: Call) -> None:
    """Ends the key; tokens it was exchanged for are refused everywhere within a minute. Harmless when repeated."""
    use_cases.revoke_api_key(call.path["organiser_id"], call.path["api_key_id"], call.person, call.now)


@routes.route(
    "/v1/access-tokens",
    methods=["POST"],
    body=ExchangeApiKey,
    answers=AccessTokenView,
    status=201,
    access=PUBLIC,
    summary="Exchange an API key",
    errors=(api_keys.ApiKeyRefused,),
)
def exchange_api_key(call: Call) -> Any:
    """Gives an access token of ten minutes with the key's role and scopes. Nothing is stored, so it may be repeated."""
    row, access = use_cases.exchange_api_key(call.body.api_key, call.now)
    return AccessTokenView(
        token_type="Bearer",
        access_token=access.token,
        expires_at=access.expires_at,
        organiser_id=row.organiser_id,
        role=row.role,
        scopes=row.scopes.split(),
    )


def _view(row: repository.ApiKeyRow) -> ApiKeyView:
    return ApiKeyView(**_facts(row))


def _new_view(row: repository.ApiKeyRow, key: api_keys.ApiKey) -> NewApiKeyView:
    return NewApiKeyView(**_facts(row), api_key=key.text)


def _facts(row: repository.ApiKeyRow) -> dict[str, Any]:
    return {
        "api_key_id": row.api_key_id,
        "organiser_id": row.organiser_id,
        "name": row.name,
        "role": row.role,
        "scopes": row.scopes.split(),
        "prefix": api_keys.ApiKey(row.organiser_id, row.api_key_id, b"").prefix,
        "generation": int(row.generation),
        "previous_until": row.previous_until,
        "revoked_at": row.revoked_at,
        "created_at": row.created_at,
    }
