"""An emulator of AWS for rehearsals: moto's server, mended where it refuses what AWS accepts.

Each mend stands in for something of AWS's own: the transform of SAM templates, secrets made by a template, and API
Gateway's reading of Chalice's Swagger. moto runs no function; what is rehearsed is that everything is accepted, made
and connected.
"""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import yaml
from moto.apigateway.models import APIGatewayBackend, RestAPI, apigateway_backends
from moto.cloudformation.models import CloudFormationBackend
from moto.secretsmanager.models import secretsmanager_backends
from moto.server import ThreadedMotoServer
from samtranslator.translator.transform import transform

from runtime.deployment.package import as_yaml
from runtime.template import Evaluation, parse_template

REGION = "us-east-1"
ACCOUNT = "123456789012"


class _Policies:
    """In place of a look at IAM for the policies that AWS manages."""

    def load(self) -> dict[str, str]:
        return {}


def translated(template: dict[str, Any]) -> dict[str, Any]:
    """A SAM template as CloudFormation sees it after its transform."""
    return cast(dict[str, Any], transform(template, {}, _Policies()))


@contextmanager
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh account at an address of its own, which all of boto3 is pointed at while it lives."""
    _mend(monkeypatch)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "REDIS_URL", "ALARM_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "rehearsal")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rehearsal")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_REGION", raising=False)
    # moto keeps its accounts in the process, whatever server they were reached by.
    urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST")).close()
    try:
        yield address
    finally:
        server.stop()


def _mend(monkeypatch: pytest.MonkeyPatch) -> None:
    create_change_set = CloudFormationBackend.create_change_set

    def as_aws_does(self: CloudFormationBackend, **given: Any) -> Any:
        template = yaml.load(given["template"], Loader=_loader())
        parameters = given["parameters"]
        _make_secrets(template, parameters)
        if template.get("Transform"):
            given["template"] = as_yaml(translated(template))
        return create_change_set(self, **given)

    monkeypatch.setattr(CloudFormationBackend, "create_change_set", as_aws_does)
    monkeypatch.setattr(CloudFormationBackend, "execute_change_set", _execute_change_set)
    put_rest_api = APIGatewayBackend.put_rest_api

    def from_swagger(self: APIGatewayBackend, function_id: str, api_doc: dict[str, Any], **given: Any) -> Any:
        given["fail_on_warnings"] = False
        return put_rest_api(self, function_id, _as_openapi(api_doc), **given)

    monkeypatch.setattr(APIGatewayBackend, "put_rest_api", from_swagger)
    import_rest_api = APIGatewayBackend.import_rest_api

    def with_description(self: APIGatewayBackend, api_doc: dict[str, Any], fail_on_warnings: bool) -> Any:
        info = {"description": "", **api_doc["info"]}
        return import_rest_api(self, {**api_doc, "info": info}, fail_on_warnings=False)

    monkeypatch.setattr(APIGatewayBackend, "import_rest_api", with_description)
    monkeypatch.setattr(RestAPI, "create_from_cloudformation_json", classmethod(_rest_api))


def _execute_change_set(self: CloudFormationBackend, change_set_name: str, stack_name: str | None = None) -> None:
    """As a stack is made without a change set; moto's own way evaluates neither conditions nor outputs."""
    [change_set] = [each for each in self.change_sets.values() if each.change_set_name == change_set_name]
    if change_set.change_set_type == "CREATE":
        del self.stacks[change_set.stack_id]
        self.create_stack(change_set.stack_name, change_set.template, change_set.parameters, notification_arns=[])
    else:
        change_set.stack.update(change_set.template, None, parameters=change_set.parameters)
    change_set.execution_status = "EXECUTE_COMPLETE"


def _loader() -> Any:
    """The loader of the product's templates, which knows the short forms."""
    from runtime import template

    return template._Loader


def _rest_api(
    cls: type[RestAPI], /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **given: Any
) -> RestAPI:
    """An API made by a template from its document, which moto does not look at."""
    properties = cloudformation_json["Properties"]
    backend = apigateway_backends[account_id][region_name]
    return backend.import_rest_api(properties["Body"], fail_on_warnings=False)


def _as_openapi(document: dict[str, Any]) -> dict[str, Any]:
    """Swagger 2.0 under the name of OpenAPI 3, without the mocks that answer preflight requests."""
    paths = {
        path: {
            method: described
            for method, described in methods.items()
            if described.get("x-amazon-apigateway-integration", {}).get("type") != "mock"
        }
        for path, methods in document["paths"].items()
    }
    return {**{key: value for key, value in document.items() if key != "swagger"}, "openapi": "3.0.0", "paths": paths}


def _make_secrets(template: dict[str, Any], parameters: dict[str, str]) -> None:
    """moto's CloudFormation knows no secrets; made here as the template says."""
    made = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SecretsManager::Secret"
    }
    backend = secretsmanager_backends[ACCOUNT][REGION]
    evaluation = (
        Evaluation(parse_template(template, "rehearsal"), parameters, {"AWS::Region": REGION}) if made else None
    )
    for resource in made.values():
        assert evaluation is not None
        properties = evaluation.value(resource["Properties"])
        if any(secret["Name"] == properties["Name"] for secret in backend.list_secrets([])[0]):
            continue
        text = properties.get("SecretString") or _generated(properties["GenerateSecretString"])
        backend.create_secret(
            name=properties["Name"],
            secret_string=text,
            secret_binary=None,
            description=properties.get("Description"),
            tags=[],
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )


def _generated(wish: dict[str, Any]) -> str:
    text = secrets.token_urlsafe(wish["PasswordLength"])
    if "GenerateStringKey" in wish:
        return json.dumps({**json.loads(wish["SecretStringTemplate"]), wish["GenerateStringKey"]: text})
    return text
