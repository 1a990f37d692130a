"""Makes, at the emulators, what the templates of `infrastructure/` say, and tells the services where it is.

The laptop, the tests and the rehearsal of a deployment all come through here, with another prefix each. Applying a
template again changes nothing; applying a template that has grown adds what is new.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.resources import ACCOUNT, Bucket, Change, Kind, Place, Queue, Sender, Subscription, Topic
from runtime.tables import Table
from runtime.template import Evaluation, Identity, Resource, Template, TemplateError, read_template, referred_to

ROOT = Path(__file__).resolve().parent.parent
PLATFORM_TEMPLATE = ROOT / "infrastructure" / "platform.yaml"

KINDS: Mapping[str, Kind] = {
    "AWS::DynamoDB::Table": Table(),
    "AWS::SNS::Topic": Topic(),
    "AWS::SNS::Subscription": Subscription(),
    "AWS::SQS::Queue": Queue(),
    "AWS::S3::Bucket": Bucket(),
    "AWS::SES::EmailIdentity": Sender(),
}

# What only the cloud has: who may do what, networks, watching, and the parts a laptop runs as processes of its own.
ONLY_IN_THE_CLOUD = (
    "AWS::ApiGateway::",
    "AWS::ApplicationAutoScaling::",
    "AWS::CloudFront::",
    "AWS::CloudWatch::",
    "AWS::EC2::",
    "AWS::ElastiCache::",
    "AWS::Events::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Lambda::",
    "AWS::Logs::",
    "AWS::RDS::",
    "AWS::SecretsManager::",
    "AWS::SSM::",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSet",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::",
)


@dataclass
class Provisioned:
    """What stands after a template was applied: the variables the services read, and what was done for it."""

    environment: dict[str, str] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)

    def count(self, change: Change) -> int:
        """How many resources were created, changed, or found as they should be."""
        return sum(1 for each in self.changes.values() if each == change)


def provision(
    stage: str,
    resource_prefix: str,
    *,
    mail_from: str = "",
    templates: Sequence[Path] = (PLATFORM_TEMPLATE,),
    region: str | None = None,
) -> Provisioned:
    """Applies the templates at the emulators named by `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_DYNAMODB`.

    `mail_from` is the address that mails may come from; without one none is verified.
    Refuses to run without both, so that a forgotten variable never creates anything in a real account, and refuses a
    resource or property it does not know (TemplateError).
    """
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        if not os.environ.get(variable):
            raise TemplateError(f"{variable} is not set: this creates resources at emulators only")
    parameters = {"Stage": stage, "ResourcePrefix": resource_prefix, "MailFrom": mail_from}
    return _walk(parameters, templates, region, at_emulators=True)


def planned(
    stage: str, resource_prefix: str, *, templates: Sequence[Path] = (PLATFORM_TEMPLATE,), region: str | None = None
) -> dict[str, str]:
    """The variables `provision` would answer, without reaching anything; what only a service gives is made up."""
    parameters = {"Stage": stage, "ResourcePrefix": resource_prefix}
    return _walk(parameters, templates, region, at_emulators=False).environment


def _walk(
    parameters: Mapping[str, str], templates: Sequence[Path], region: str | None, *, at_emulators: bool
) -> Provisioned:
    region = region or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    place = Place(region)
    prefix = parameters["ResourcePrefix"]
    done = Provisioned({"STAGE": parameters["Stage"], "RESOURCE_PREFIX": prefix, "AWS_DEFAULT_REGION": region})
    for path in templates:
        template = read_template(path)
        evaluation = Evaluation(
            template,
            {name: value for name, value in parameters.items() if name in template.parameters},
            {
                "AWS::AccountId": ACCOUNT,
                "AWS::Partition": "aws",
                "AWS::Region": region,
                "AWS::StackName": f"{prefix}-{path.stem}",
                "AWS::URLSuffix": "amazonaws.com",
            },
        )
        for resource in template.in_order():
            if not evaluation.wanted(resource.condition) or resource.kind.startswith(ONLY_IN_THE_CLOUD):
                continue
            evaluation.known[resource.logical_id] = _one(template, resource, evaluation, place, done, at_emulators)
        done.environment.update(_told(evaluation))
    return done


def _one(
    template: Template,
    resource: Resource,
    evaluation: Evaluation,
    place: Place,
    done: Provisioned,
    at_emulators: bool,
) -> Identity:
    kind = KINDS.get(resource.kind)
    if kind is None:
        raise TemplateError(
            f"{template.name}: {resource.logical_id} is of the type {resource.kind}, which is neither made here "
            f"nor on the list of what only the cloud has (runtime/provisioning.py)"
        )
    unknown = sorted(set(resource.properties) - kind.applied - kind.only_in_the_cloud)
    if unknown:
        raise TemplateError(
            f"{template.name}: {resource.logical_id} has {', '.join(unknown)}, which {resource.kind} neither applies "
            f"here nor lists as the cloud's alone"
        )
    properties = evaluation.value({key: resource.properties[key] for key in kind.applied & set(resource.properties)})
    if not at_emulators:
        return kind.planned(properties, place)
    identity, change = kind.apply(properties, place)
    done.changes[resource.logical_id] = change
    return identity


def _told(evaluation: Evaluation) -> dict[str, str]:
    """The template's outputs as environment variables: `OrdersTableName` gives ORDERS_TABLE_NAME.

    Left out is what points at something only the cloud has, such as a secret's name: whoever runs the services here
    gives those variables their values.
    """
    variables = {}
    for name, output in evaluation.template.outputs.items():
        here = all(
            other in evaluation.known or other not in evaluation.template.resources
            for other in referred_to(output["Value"])
        )
        if not here or not evaluation.wanted(output.get("Condition")):
            continue
        value = str(evaluation.value(output["Value"]))
        if not value.startswith("secretsmanager:"):
            variables[re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()] = value
    return variables
