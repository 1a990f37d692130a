"""What keeps a deployment from going on is said in a sentence, before anything is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.deployment.__main__ import main
from runtime.deployment.bundle import bundle_settings, environment_of
from runtime.deployment.cloud import Account
from runtime.deployment.dependencies import closure, lambda_platforms, locked
from runtime.deployment.deploy import Deployment, variable
from runtime.deployment.extras import extras, logical_id, mapping_settings, merged
from runtime.deployment.package import as_yaml, triggers_of, with_code_at
from runtime.deployment.stages import (
    ROOT,
    SERVICES,
    STAGES,
    DeploymentError,
    checked_services,
    checked_stage,
    function_settings,
)
from runtime.triggers.filters import FilterUnknown, matcher


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["staging"], "there is no stage 'staging': the stages are dev, test, prod"),
        (["dev", "box-office"], "there is no service 'box-office'"),
        (["prod", "--direct", "--yes"], "prod is deployed by CloudFormation only"),
        (["prod"], "prod was not deployed: confirm by typing prod, or pass --yes"),
        (["dev", "--package-only", "--prefix", "Mine!"], "'Mine!' cannot be a resource prefix"),
    ],
)
def test_a_wrong_word_is_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(arguments) == 1
    assert sentence in capsys.readouterr().err


def test_without_credentials_the_first_sentence_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    assert main(["dev"]) == 1
    assert "there are no AWS credentials" in capsys.readouterr().err


def test_a_database_that_is_a_file_is_refused_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.deployment.deploy.account", lambda: Account("000000000000", "us-east-1", "aws"))
    monkeypatch.setattr("runtime.deployment.deploy.Stacks", lambda *_: pytest.fail("something was made"))
    monkeypatch.setenv("DATABASE_URL", "sqlite:////tmp/reporting.sqlite3")
    with pytest.raises(DeploymentError, match="names a file"):
        Deployment("dev", ["reporting"]).deploy()


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(DeploymentError) as refused:
        environment_of("payments", "dev", {"RESOURCE_PREFIX": "stagedoor-dev"})
    for name in ("PAYMENTS_TABLE_NAME", "TEST_PROVIDER_URL", "TOKEN_SECRETS"):
        assert name in str(refused.value)


def test_a_service_is_given_what_it_declared_and_nothing_else() -> None:
    offered = dict.fromkeys((*bundle_settings("orders").environment, "TICKET_SIGNING_SECRET", "REDIS_URL"), "given")
    given = environment_of("orders", "prod", offered)
    assert given["STAGE"] == "prod"
    assert given["REDIS_URL"] == "given"
    assert "TICKET_SIGNING_SECRET" not in given


def test_outputs_are_named_like_variables() -> None:
    assert variable("OrdersTableStreamArn") == "ORDERS_TABLE_STREAM_ARN"
    assert variable("TestProviderApiKey") == "TEST_PROVIDER_API_KEY"


def test_services_come_in_the_order_of_the_house() -> None:
    assert checked_services([]) == list(SERVICES)
    assert checked_services(["orders", "accounts"]) == ["accounts", "orders"]
    assert [checked_stage(stage) for stage in STAGES] == ["dev", "test", "prod"]


def test_a_function_has_the_settings_chalice_would_give_it() -> None:
    assert function_settings("orders", "prod", "relay").timeout_seconds == 30
    assert function_settings("orders", "prod", "app").timeout_seconds == 10


def test_a_prefix_of_ones_own_names_everything() -> None:
    assert Deployment("dev", []).prefix == "stagedoor-dev"
    assert Deployment("dev", [], resource_prefix="ada-dev").prefix == "ada-dev"


def test_the_closure_holds_what_is_needed_at_lambda_and_leaves_out_what_is_there() -> None:
    names = closure(["pynamodb", "joserfc"], "x86_64")
    assert {"pynamodb", "botocore", "joserfc", "cryptography", "cffi"} <= set(names)
    assert "boto3" not in names
    assert "pillow" not in closure(["fpdf2"], "x86_64", ["pillow"])


def test_a_requirement_that_is_not_installed_is_refused() -> None:
    with pytest.raises(DeploymentError, match="left-handed-hammer is not installed"):
        closure(["left-handed-hammer"], "x86_64")


@pytest.mark.parametrize("service", SERVICES)
def test_the_lock_holds_every_dependency_with_its_hashes(service: str) -> None:
    settings = bundle_settings(service)
    names = closure(settings.requirements, "x86_64", settings.left_out)
    text = locked(names)
    assert text.count("==") >= len(names)
    for block in text.split("\n"):
        assert block.startswith((" ", "\t")) or "==" in block or not block
    assert text.count("--hash=sha256:") >= len(names)


def test_what_the_lock_does_not_hold_is_refused() -> None:
    with pytest.raises(DeploymentError, match="left-handed-hammer"):
        locked(["left-handed-hammer"])


def test_wheels_are_for_lambdas_platform() -> None:
    assert "manylinux_2_17_x86_64" in lambda_platforms("x86_64")
    assert all(name.endswith("_aarch64") for name in lambda_platforms("arm64"))


def test_extras_follow_the_triggers_an_app_has() -> None:
    nothing = extras("accounts", frozenset())
    assert not {"Consume", "Relay"} & set(nothing["Resources"])
    both = extras("orders", frozenset({("relay", "stream"), ("consume", "queue")}))
    source = both["Resources"]["Relay"]["Properties"]["Events"]["RelayDynamodbEventSource"]
    assert source["Properties"]["BisectBatchOnFunctionError"] is True
    assert "{" not in json.dumps(both["Resources"]["DeadLettersAlarm"]["Properties"]["Dimensions"]).replace(
        "${ResourcePrefix}", ""
    ).replace('{"', "")


def test_mappings_settings_are_evaluated_for_a_stage() -> None:
    settings = mapping_settings("orders", "relay", "stream", "test", "stagedoor-test", region="eu-west-1", account="1")
    assert settings.on_failure_arn == "arn:aws:sqs:eu-west-1:1:stagedoor-test-orders-relay-failures"
    assert mapping_settings("orders", "consume", "queue", "test", "stagedoor-test").concurrency_max == 10


def test_each_of_the_two_readers_of_one_stream_is_invoked_for_what_concerns_it() -> None:
    block = {"dynamodb": {"Keys": {"sk": {"S": "block"}}, "NewImage": {"p0": {"L": []}}}}
    silent = {"dynamodb": {"Keys": {"sk": {"S": "number"}}, "NewImage": {"outbox": {"M": {"version": {"N": "0"}}}}}}
    pool = {"dynamodb": {"Keys": {"sk": {"S": "pool"}}, "NewImage": {"outbox": {"M": {"version": {"N": "2"}}}}}}
    loud = {"dynamodb": {"Keys": {"sk": {"S": "entry"}}, "NewImage": {"outbox": {"M": {"version": {"N": "3"}}}}}}
    removal = {"dynamodb": {"Keys": {"sk": {"S": "entry"}}, "OldImage": {"outbox": {"M": {"version": {"N": "3"}}}}}}
    records = [block, silent, pool, loud, removal]
    chosen = {}
    for function in ("follow_blocks", "relay"):
        settings = mapping_settings("reservations", function, "stream", "test", "stagedoor-test")
        concerns = matcher(settings.filters)
        chosen[function] = [record for record in records if concerns(record)]
    assert chosen == {"follow_blocks": [block, pool], "relay": [pool, loud]}
    assert mapping_settings("orders", "relay", "stream", "test", "stagedoor-test").filters == ()


def test_a_filter_that_is_not_known_is_refused() -> None:
    assert matcher([])({"anything": 1})
    assert matcher(['{"a": [{"prefix": "x"}]}'])({"a": "xy"})
    assert not matcher(['{"a": [{"exists": false}]}'])({"a": None})
    for pattern in ('{"a": [{"numeric": ["=", 1]}]}', '{"a": "b"}'):
        with pytest.raises(FilterUnknown):
            matcher([pattern])


def test_documents_merge_by_key() -> None:
    assert merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": 3}) == {"a": {"b": 1, "c": [2]}, "d": 3}
    assert logical_id("follow_blocks") == "FollowBlocks"


def test_triggers_are_read_from_the_packaged_template() -> None:
    template = {
        "Resources": {
            "Relay": {"Properties": {"Handler": "app.relay", "Events": {"X": {"Type": "DynamoDB"}}}},
            "Tidy": {"Properties": {"Handler": "app.tidy", "Events": {"X": {"Type": "Schedule"}}}},
            "Log": {"Type": "AWS::Logs::LogGroup"},
        }
    }
    assert triggers_of(template) == {("relay", "stream")}


def test_code_goes_to_every_function_and_to_nothing_else() -> None:
    template = {
        "Resources": {
            "Relay": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}},
            "Api": {"Type": "AWS::Serverless::Api", "Properties": {}},
        }
    }
    placed = with_code_at(template, "artifacts", "orders.zip")["Resources"]
    assert placed["Relay"]["Properties"]["CodeUri"] == {"Bucket": "artifacts", "Key": "orders.zip"}
    assert "CodeUri" not in placed["Api"]["Properties"]


def test_templates_are_written_without_anchors() -> None:
    shared = {"Version": "2012-10-17"}
    assert "&id" not in as_yaml({"one": shared, "other": shared})


@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_names_its_own_service_and_no_other(service: str) -> None:
    text = (ROOT / ".chalice" / service / "policy.json").read_text()
    for statement in json.loads(text)["Statement"]:
        for resource in statement["Resource"]:
            for other in set(SERVICES) - {service}:
                assert not resource.endswith((f"-{other}", f"-{other}-messages", f"/${{ResourcePrefix}}-{other}"))
