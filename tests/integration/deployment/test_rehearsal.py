"""Both ways of deploying all services, rehearsed at stage dev against an emulator of AWS."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from runtime.deployment.bundle import bundle_settings
from runtime.deployment.deploy import Deployment
from runtime.deployment.stages import SERVICES
from shared.auth.access import public_jwks
from shared.throttling import plans
from tests.integration.deployment.emulator import ACCOUNT, REGION, emulator

# moto says which kinds of resources it skips: alarms, secrets (made by the emulator instead), account settings.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse .* not supported by moto")

PREFIX = "stagedoor-dev"
DEPLOYER = {
    "PUBLIC_URL": "https://stagedoor.example",
    "MAIL_FROM": "box-office@stagedoor.example",
    "TEST_PROVIDER_URL": "https://payments.example",
    "DATABASE_URL": "secretsmanager:stagedoor-dev-database-url",
}


@dataclass(frozen=True)
class Rehearsal:
    """A deployment of all services that has been made once, in an account that is still there."""

    deployment: Deployment
    direct: bool
    addresses: dict[str, str]
    said: list[str]

    def again(self, service: str) -> tuple[str, list[str]]:
        """Deploys one service once more: its address, and what was said."""
        said: list[str] = []
        once_more = Deployment(
            "dev", [service], build=self.deployment.build, say=said.append, pause_seconds=0.02
        ).deploy(direct=self.direct)
        return once_more[service], said


def rehearse(*, direct: bool) -> Iterator[Rehearsal]:
    with pytest.MonkeyPatch.context() as monkeypatch, emulator(monkeypatch):
        for name, value in DEPLOYER.items():
            monkeypatch.setenv(name, value)
        said: list[str] = []
        build = Path(os.environ["STAGEDOOR_TEST_FOLDER"]) / f"build-{secrets.token_hex(3)}"
        deployment = Deployment("dev", SERVICES, build=build, say=said.append, pause_seconds=0.02)
        yield Rehearsal(deployment, direct, deployment.deploy(direct=direct), said)


def mappings() -> dict[str, dict[str, Any]]:
    """Every event source mapping, by what it reads."""
    found = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return {each["EventSourceArn"].split("/stream/")[0].rsplit(":", 1)[-1]: dict(each) for each in found}


def functions() -> dict[str, dict[str, Any]]:
    """Every function by service and handler: `orders.relay`."""
    found: dict[str, dict[str, Any]] = {}
    for page in boto3.client("lambda").get_paginator("list_functions").paginate():
        for each in page["Functions"]:
            variables = each["Environment"]["Variables"]
            [table] = [name for name in variables if name.endswith("_TABLE_NAME")]
            handler = each["Handler"].removeprefix("app.")
            found[f"{table.removesuffix('_TABLE_NAME').lower()}.{handler}"] = dict(each)
    return found


def assert_connected() -> None:
    """What a deployment is for, whichever way it was made."""
    made = functions()
    assert {name.split(".")[0] for name in made} == set(SERVICES)
    named = made["accounts.app"]["Environment"]["Variables"]["ACCESS_TOKEN_JWKS"]
    assert named == f"secretsmanager:{PREFIX}-access-token-jwks"
    jwks, secret = (
        boto3.client("secretsmanager").get_secret_value(SecretId=f"{PREFIX}-{name}")["SecretString"]
        for name in ("access-token-jwks", "access-token-signing-secret")
    )
    assert json.loads(jwks) == public_jwks(json.loads(secret))
    for service in SERVICES:
        variables = made[f"{service}.app"]["Environment"]["Variables"]
        assert variables["STAGE"] == "dev"
        assert variables[f"{service.upper()}_TABLE_NAME"] == f"{PREFIX}-{service}"
        assert set(bundle_settings(service).environment) <= set(variables)
        assert f"{service}.authorize" in made
    assert "ACCESS_TOKEN_SIGNING_SECRET" not in made["orders.app"]["Environment"]["Variables"]

    found = mappings()
    queues = {f"{PREFIX}-{service}-messages" for service in SERVICES if service != "accounts"}
    assert {name for name in found if not name.startswith("table/")} == queues
    assert {f"table/{PREFIX}-{s}" for s in ("accounts", "catalog", "orders", "payments", "tickets")} <= set(found)
    for name, mapping in found.items():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
        if not name.startswith("table/"):
            assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}
            continue
        service = name.rsplit("-", 1)[-1]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["MaximumRetryAttempts"] == 20
        failures = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}-{service}-relay-failures"
        assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == failures


@pytest.mark.xdist_group("rehearsal-by-cloudformation")
class TestByCloudFormation:
    """Platform and services as stacks, each by a change set."""

    @pytest.fixture(scope="class")
    @classmethod
    def rehearsal(cls) -> Iterator[Rehearsal]:
        yield from rehearse(direct=False)

    @pytest.mark.timeout(300)
    def test_all_services_stand_and_are_connected(self, rehearsal: Rehearsal) -> None:
        assert set(rehearsal.addresses) == set(SERVICES)
        for address in rehearsal.addresses.values():
            assert address.endswith("/dev/")
        assert_connected()
        stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
        assert {stack["StackName"] for stack in stacks} == {
            "stagedoor-account",
            f"{PREFIX}-platform",
            *(f"{PREFIX}-{service}" for service in SERVICES),
        }

    def test_a_second_deployment_of_the_same_changes_nothing(self, rehearsal: Rehearsal) -> None:
        address, said = rehearsal.again("orders")
        assert address == rehearsal.addresses["orders"]
        assert said == [
            "stagedoor-account: nothing has changed",
            f"{PREFIX}-platform: nothing has changed",
            f"{PREFIX}-orders: nothing has changed",
        ]

    def test_a_role_may_touch_its_own_service_only(self, rehearsal: Rehearsal) -> None:
        iam = boto3.client("iam")
        seen = 0
        for page in iam.get_paginator("list_roles").paginate():
            for role in page["Roles"]:
                for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
                    policy: Any = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
                    # moto keeps a policy of a template as Python wrote it, which is YAML too.
                    policy = yaml.safe_load(policy) if isinstance(policy, str) else policy
                    assert "${" not in json.dumps(policy)
                    for statement in policy["Statement"]:
                        # These have no resource of one service, or none at all (X-Ray, ListStreams, SES by sender).
                        if statement["Sid"] not in ("Traces", "Logs", "FindsItsStream", "SendsMail"):
                            own = [
                                each for each in statement["Resource"] if f":{PREFIX}-" in each or f"/{PREFIX}-" in each
                            ]
                            assert own == statement["Resource"] != []
                    seen += 1
        assert seen >= 4 * len(SERVICES) - 4


@pytest.mark.xdist_group("rehearsal-directly")
class TestDirectly:
    """`chalice deploy`, and what it cannot express set afterwards."""

    @pytest.fixture(scope="class")
    @classmethod
    def rehearsal(cls) -> Iterator[Rehearsal]:
        yield from rehearse(direct=True)

    @pytest.mark.timeout(300)
    def test_all_services_stand_and_are_connected(self, rehearsal: Rehearsal) -> None:
        assert set(rehearsal.addresses) == set(SERVICES)
        assert_connected()

    def test_an_api_answers_problem_documents_by_itself(self, rehearsal: Rehearsal) -> None:
        gateway = boto3.client("apigateway")
        apis = {api["name"]: api["id"] for api in gateway.get_rest_apis()["items"]}
        for service in SERVICES:
            responses = gateway.get_gateway_responses(restApiId=apis[f"stagedoor-{service}"])["items"]
            found = {each["responseType"]: each for each in responses}
            assert found["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
            assert found["DEFAULT_5XX"]["responseParameters"]["gatewayresponse.header.Content-Type"] == (
                "'application/problem+json'"
            )

    def test_an_api_has_the_limits_of_its_stage(self, rehearsal: Rehearsal) -> None:
        gateway = boto3.client("apigateway")
        wanted = plans().stages.dev
        for api in gateway.get_rest_apis()["items"]:
            settings = gateway.get_stage(restApiId=api["id"], stageName="dev")["methodSettings"]["*/*"]
            assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (wanted.rate, wanted.burst)

    def test_a_second_deployment_keeps_the_api_and_its_mappings(self, rehearsal: Rehearsal) -> None:
        before = {name: mapping["UUID"] for name, mapping in mappings().items()}
        address, _ = rehearsal.again("orders")
        assert address == rehearsal.addresses["orders"]
        assert {name: mapping["UUID"] for name, mapping in mappings().items()} == before
        assert_connected()
