"""The interpreter of templates: what it evaluates, in which order, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runtime.provisioning import KINDS, PLATFORM_TEMPLATE, planned, provision
from runtime.template import Evaluation, Identity, TemplateError, parse_template, read_template, referred_to

_PSEUDO = {"AWS::Region": "eu-central-1", "AWS::AccountId": "000000000000", "AWS::StackName": "stack"}


def evaluation(resources: dict[str, Any] | None = None, **parts: Any) -> Evaluation:
    document = {
        "Parameters": {"Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]}, "Size": {"Default": "small"}},
        "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        "Mappings": {"Sizes": {"small": {"nodes": 1}, "large": {"nodes": 3}}},
        "Resources": resources or {"Orders": {"Type": "AWS::SNS::Topic"}},
        **parts,
    }
    made = Evaluation(parse_template(document, "sample.yaml"), {"Stage": "dev"}, _PSEUDO)
    made.known["Orders"] = Identity("arn:orders", {"TopicName": "orders"})
    return made


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Size"}, "small"),
        ({"Ref": "AWS::Region"}, "eu-central-1"),
        ({"Ref": "Orders"}, "arn:orders"),
        ({"Fn::GetAtt": ["Orders", "TopicName"]}, "orders"),
        ({"Fn::Sub": "${Stage}-${Orders.TopicName}-${AWS::Region}"}, "dev-orders-eu-central-1"),
        ({"Fn::Sub": ["${Own}/${Stage}", {"Own": {"Ref": "Size"}}]}, "small/dev"),
        ({"Fn::Sub": "${!Literal}"}, "${Literal}"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-dev"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b,c"]}]}, "b"),
        ({"Fn::If": ["IsProd", "big", "little"]}, "little"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Size"}, "nodes"]}, 1),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": [1, 1]}]}, False),
        ({"Fn::Or": [{"Condition": "IsProd"}, {"Fn::Not": [{"Condition": "IsProd"}]}]}, True),
        ({"Keep": 1, "Drop": {"Ref": "AWS::NoValue"}}, {"Keep": 1}),
        ([1, {"Fn::If": ["IsProd", 2, {"Ref": "AWS::NoValue"}]}, 3], [1, 3]),
    ],
)
def test_values(written: Any, value: Any) -> None:
    assert evaluation().value(written) == value


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"Fn::GetAZs": ""}, "Fn::GetAZs is not known here"),
        ({"Ref": "Nobody"}, "nothing is called Nobody"),
        ({"Fn::GetAtt": ["Orders", "Colour"]}, "Orders has no attribute Colour"),
        ({"Fn::If": ["IsBlue", 1, 2]}, "no condition IsBlue"),
        ({"Fn::FindInMap": ["Sizes", "huge", "nodes"]}, "mappings have no huge"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(written: Any, says: str) -> None:
    with pytest.raises(TemplateError, match=says):
        evaluation().value(written)


def test_a_value_that_is_not_allowed_is_refused() -> None:
    template = evaluation().template
    with pytest.raises(TemplateError, match="Stage is test, allowed are dev, prod"):
        Evaluation(template, {"Stage": "test"}, _PSEUDO)
    with pytest.raises(TemplateError, match="needs a value for its parameter Stage"):
        Evaluation(template, {}, _PSEUDO)
    with pytest.raises(TemplateError, match="has no parameter Colour"):
        Evaluation(template, {"Stage": "dev", "Colour": "blue"}, _PSEUDO)


def test_resources_come_after_what_they_refer_to() -> None:
    resources = {
        "Third": {"Type": "X", "Properties": {"Text": {"Fn::Sub": "${Second.Arn}"}}},
        "Second": {"Type": "X", "Properties": {"Deep": [{"In": {"Ref": "First"}}]}, "DependsOn": ["Zero"]},
        "First": {"Type": "X"},
        "Zero": {"Type": "X"},
    }
    order = [each.logical_id for each in evaluation(resources).template.in_order()]
    assert sorted(order[:2]) == ["First", "Zero"]
    assert order[2:] == ["Second", "Third"]


def test_a_circle_is_refused() -> None:
    resources = {
        "Hen": {"Type": "X", "Properties": {"From": {"Ref": "Egg"}}},
        "Egg": {"Type": "X", "Properties": {"From": {"Ref": "Hen"}}},
    }
    with pytest.raises(TemplateError, match="circle: Hen -> Egg -> Hen"):
        evaluation(resources).template.in_order()


def test_short_forms_are_read(tmp_path: Path) -> None:
    file = tmp_path / "short.yaml"
    file.write_text(
        "Resources:\n  A:\n    Type: X\n    Properties:\n"
        "      One: !GetAtt B.Arn\n      Two: !Join ['-', [!Ref C, x]]\n      Date: 2012-10-17\n",
        encoding="utf-8",
    )
    properties = read_template(file).resources["A"].properties
    assert properties["One"] == {"Fn::GetAtt": ["B", "Arn"]}
    assert properties["Two"] == {"Fn::Join": ["-", [{"Ref": "C"}, "x"]]}
    assert properties["Date"] == "2012-10-17", "the version of a policy is a text, not a date"
    assert referred_to(properties) == {"B", "C"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{Type: 'AWS::Dance::Floor'}", "AWS::Dance::Floor, which is neither made here"),
        ("{Type: 'AWS::SNS::Topic', Properties: {TopicName: t, Shine: 1}}", "has Shine, which AWS::SNS::Topic"),
        ("{Type: 'AWS::SNS::Topic'}", "a resource without TopicName"),
    ],
)
def test_what_is_not_known_is_never_passed_over(tmp_path: Path, body: str, says: str) -> None:
    file = tmp_path / "strange.yaml"
    file.write_text(
        f"Parameters: {{Stage: {{Type: String}}, ResourcePrefix: {{Type: String}}}}\nResources: {{Thing: {body}}}\n",
        encoding="utf-8",
    )
    with pytest.raises(TemplateError, match=says):
        planned("dev", "p", templates=[file])


def test_a_resource_whose_condition_is_false_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "sometimes.yaml"
    file.write_text(
        "Parameters: {Stage: {Type: String}, ResourcePrefix: {Type: String}}\n"
        "Conditions: {IsProd: !Equals [!Ref Stage, prod]}\n"
        "Resources:\n"
        "  Spare: {Type: 'AWS::SNS::Topic', Condition: IsProd, Properties: {TopicName: spare}}\n"
        "Outputs:\n  SpareTopicArn: {Value: !Ref Spare}\n",
        encoding="utf-8",
    )
    assert "SPARE_TOPIC_ARN" in planned("prod", "p", templates=[file])
    assert "SPARE_TOPIC_ARN" not in planned("dev", "p", templates=[file])


@pytest.mark.parametrize("stage", ["dev", "test", "prod"])
def test_the_platform_tells_every_service_its_places(stage: str) -> None:
    told = planned(stage, "mine", region="eu-west-1")
    assert told["ORDERS_TABLE_NAME"] == "mine-orders"
    assert told["ORDERS_TOPIC_ARN"] == "arn:aws:sns:eu-west-1:000000000000:mine-orders"
    assert told["ORDERS_QUEUE_NAME"] == "mine-orders-messages"
    assert told["DOCUMENTS_BUCKET_NAME"].startswith("mine-documents")
    assert not [name for name, value in told.items() if value.startswith("secretsmanager:")]
    kinds = {resource.kind for resource in read_template(PLATFORM_TEMPLATE).resources.values()}
    assert {"AWS::DynamoDB::Table", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::S3::Bucket"} <= kinds & set(KINDS)


def test_nothing_is_made_without_an_emulator_to_make_it_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    with pytest.raises(TemplateError, match="AWS_ENDPOINT_URL_DYNAMODB is not set"):
        provision("dev", "nowhere")
