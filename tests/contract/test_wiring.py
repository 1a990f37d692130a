"""Nobody speaks to nobody: the catalogue, the apps' relays, triggers and handlers, and the templates agree."""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from runtime import schemas
from runtime.deployment.bundle import bundle_settings
from runtime.deployment.deploy import FROM_THE_DEPLOYER, variable
from runtime.deployment.stages import SERVICES, STAGES, function_settings, service_config
from runtime.template import Resource, read_document, read_template
from runtime.triggers.sources import QueueSource, StreamSource, load_app, sources_of
from shared.messaging import Consumer, Relay
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CATALOG: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "contracts" / "catalog.yaml").read_text())["messages"]
PLATFORM = read_template(ROOT / "infrastructure" / "platform.yaml")
# It answers a message with a message in the same step, so its queue is its outbox (DESIGN.md).
PUBLISHES_DIRECTLY = "reservations"


def heard_by(service: str) -> list[str]:
    return sorted(name for name, entry in CATALOG.items() if service in entry["consumers"])


def published_by(service: str) -> list[str]:
    return sorted(name for name, entry in CATALOG.items() if entry["publisher"] == service)


def of_kind(kind: str) -> dict[str, Resource]:
    return {name: each for name, each in PLATFORM.resources.items() if each.kind == kind}


def in_app(service: str, kind: type) -> list[Any]:
    module = importlib.import_module(f"services.{service}.app")
    return [value for value in vars(module).values() if isinstance(value, kind)]


def sources(service: str) -> list[Any]:
    return list(sources_of({service: load_app(service)}, "dev", "stagedoor-dev"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_handles_exactly_what_it_hears(service: str) -> None:
    handled = [type_name for consumer in in_app(service, Consumer) for type_name in consumer.types]
    assert sorted(handled) == heard_by(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_exactly_what_the_catalogue_says(service: str) -> None:
    relayed = {type_name for relay in in_app(service, Relay) for type_name in relay.builders}
    if service == PUBLISHES_DIRECTLY:
        sources_text = "".join(path.read_text() for path in (ROOT / "services" / service).rglob("*.py"))
        relayed |= {name for name in published_by(service) if schemas.messages()[name].__name__ in sources_text}
    assert sorted(relayed) == published_by(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_relay_reads_its_own_stream_from_the_beginning_and_reports_what_failed(service: str) -> None:
    streams = [source for source in sources(service) if isinstance(source, StreamSource)]
    assert bool([s for s in streams if s.function.name == "relay"]) == bool(in_app(service, Relay))
    for source in streams:
        assert f"-{service}/stream/" in source.stream_arn
        assert source.reports_failures
        assert source.mapping.bisects
        assert source.mapping.on_failure_arn is not None
        assert source.mapping.on_failure_arn.endswith(f":stagedoor-dev-{service}-relay-failures")
        if source.function.name == "relay":
            # LATEST would lose what is written between the stack's creation and the mapping's first look.
            assert source.starting_position == "TRIM_HORIZON"


@pytest.mark.parametrize("service", SERVICES)
def test_a_consumer_listens_to_its_own_queue_alone(service: str) -> None:
    queues = [source for source in sources(service) if isinstance(source, QueueSource)]
    assert len(queues) == (1 if heard_by(service) else 0)
    for source in queues:
        assert source.function.name == "consume"
        assert source.queue_name.endswith(f"-{service}-messages")
        assert source.reports_failures
        assert source.batch_size > 1


def test_the_subscriptions_let_through_what_the_catalogue_says_and_nothing_else() -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for subscription in of_kind("AWS::SNS::Subscription").values():
        if subscription.properties["Protocol"] != "sqs":
            continue
        publisher = subscription.properties["TopicArn"]["Ref"].removesuffix("Topic").lower()
        consumer = subscription.properties["Endpoint"]["Fn::GetAtt"][0].removesuffix("Messages").lower()
        assert subscription.properties["RawMessageDelivery"] is True
        assert subscription.properties["FilterPolicyScope"] == "MessageAttributes"
        assert list(subscription.properties["FilterPolicy"]) == ["type"]
        assert (publisher, consumer) not in found
        found[publisher, consumer] = sorted(subscription.properties["FilterPolicy"]["type"])
    said: dict[tuple[str, str], list[str]] = {}
    for type_name, entry in sorted(CATALOG.items()):
        for consumer in entry["consumers"]:
            said.setdefault((entry["publisher"], consumer), []).append(type_name)
        assert sorted(entry["queues"]) == sorted(f"{consumer}-messages" for consumer in entry["consumers"])
        assert entry["consumers"], f"nobody hears {type_name}"
    assert found == said


def test_a_queue_lets_in_the_topics_it_is_subscribed_to_and_no_other() -> None:
    policies = of_kind("AWS::SQS::QueuePolicy")
    for name, policy in policies.items():
        consumer = name.removesuffix("MessagesPolicy").lower()
        [statement] = policy.properties["PolicyDocument"]["Statement"]
        allowed = {
            topic["Ref"].removesuffix("Topic").lower() for topic in statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        }
        assert allowed == {CATALOG[type_name]["publisher"] for type_name in heard_by(consumer)}
    assert len(policies) == sum(bool(heard_by(service)) for service in SERVICES)


@pytest.mark.parametrize("service", [service for service in SERVICES if heard_by(service)])
def test_a_message_is_not_delivered_again_while_its_function_may_still_work_on_it(service: str) -> None:
    queue = of_kind("AWS::SQS::Queue")[f"{service.capitalize()}Messages"].properties
    for stage in STAGES:
        assert queue["VisibilityTimeout"] >= 6 * function_settings(service, stage, "consume").timeout_seconds
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_a_service_reads_is_given_to_it(service: str) -> None:
    outputs = read_document(ROOT / "infrastructure" / "platform.yaml")["Outputs"]
    offered = {variable(name) for name in outputs}
    offered |= {"RESOURCE_PREFIX", *FROM_THE_DEPLOYER}
    settings = bundle_settings(service)
    given = {*settings.environment, *settings.optional_environment}
    for stage in STAGES:
        own = set(service_config(service)["stages"][stage]["environment_variables"])
        assert own == {"STAGE", "LOG_LEVEL", "XRAY_ENABLED"}
        assert given <= offered | own
    for declared in settings_of(service):
        required = {field.name.upper() for field in msgspec.structs.fields(declared) if field.required}
        assert required <= set(settings.environment)


def settings_of(service: str) -> list[type[Settings]]:
    modules = [path.stem for path in (ROOT / "services" / service).glob("*.py") if path.stem != "__init__"]
    found = [vars(importlib.import_module(f"services.{service}.{module}")) for module in modules]
    classes = {each for names in found for each in names.values() if isinstance(each, type)}
    return [each for each in classes if issubclass(each, Settings) and each is not Settings]


@pytest.mark.parametrize("service", SERVICES)
def test_triggers_are_declared_on_the_app_in_app_py(service: str) -> None:
    """A trigger elsewhere gets a handler that Lambda finds only without app.py, and middleware never runs."""
    for path in (ROOT / "services" / service).rglob("*.py"):
        if path.name == "app.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Attribute) and node.attr in {"on_sqs_message", "on_dynamodb_record"}), path


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_three_stages(service: str) -> None:
    config = service_config(service)
    assert tuple(config["stages"]) == STAGES
    assert config["autogen_policy"] is False
    for stage, settings in config["stages"].items():
        assert settings["api_gateway_stage"] == stage
        assert settings["xray"] is (stage != "dev")
        assert settings["environment_variables"]["STAGE"] == stage
    link = ROOT / "services" / service / ".chalice"
    assert link.is_symlink()
    assert str(link.readlink()) == f"../../.chalice/{service}"
    assert load_app(service).app_name == config["app_name"]


def test_the_clouds_404_names_the_versions_there_are() -> None:
    paths = [path for service in SERVICES for path in load_app(service).routes]
    versions = sorted({path.split("/")[1] for path in paths if path.startswith("/v")})
    said = (ROOT / "infrastructure/service/api.yaml").read_text(encoding="utf-8")
    assert said.count(f'"versions":{json.dumps(versions, separators=(",", ":"))}') == 2
