"""Makes the resources of a template at the emulators: queues, topics, subscriptions, buckets and senders of mail.

Each kind names the properties it applies and those that only the cloud has (encryption, alarms' tags, backups). Any
other property is an error, so that nothing written in a template is silently without effect on a laptop. Every kind
can be applied again: it changes only what differs. Tables have a module of their own, `runtime.tables`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from runtime.template import Identity, TemplateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

Change = Literal["created", "changed", "unchanged"]
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Place:
    """Where resources are made: the region, and the clients that reach the emulators by botocore's own variables."""

    region: str

    def arn(self, service: str, rest: str) -> str:
        """The full name that AWS would give a resource of this place."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{rest}"

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(region_name=self.region)

    @cached_property
    def _config(self) -> Config:
        return Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", config=self._config)

    @cached_property
    def sns(self) -> SNSClient:
        return self._session.client("sns", config=self._config)

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", config=self._config)

    @cached_property
    def s3(self) -> S3Client:
        # An emulator on a bare address has no host name for every bucket.
        return self._session.client("s3", config=self._config.merge(Config(s3={"addressing_style": "path"})))

    @cached_property
    def ses(self) -> SESClient:
        return self._session.client("ses", config=self._config)


class Kind(Protocol):
    """One resource type of CloudFormation that the emulators can hold."""

    applied: frozenset[str]
    only_in_the_cloud: frozenset[str]

    def planned(self, properties: Mapping[str, Any], place: Place) -> Identity:
        """What the resource will be known by, without asking anybody."""
        ...

    def apply(self, properties: Mapping[str, Any], place: Place) -> tuple[Identity, Change]:
        """Makes the resource, or brings the one that is there to what the template says."""
        ...


def named(properties: Mapping[str, Any], key: str) -> str:
    """The name a resource is given. Services are told names, so a resource without one is refused (TemplateError)."""
    name = properties.get(key)
    if not isinstance(name, str) or not name:
        raise TemplateError(f"a resource without {key}: every resource has a name that begins with its prefix")
    return name


def attribute_text(value: Any) -> str:
    """A value as SQS and SNS attributes carry it: documents as JSON, booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(value)


def same_attribute(stored: str | None, wanted: str) -> bool:
    """Whether two attribute texts mean the same, whatever the spelling of a JSON document in them."""
    if stored is None or stored == wanted:
        return stored == wanted
    try:
        return bool(json.loads(stored) == json.loads(wanted))
    except ValueError:
        return stored.lower() == wanted.lower()


def error_code(error: ClientError) -> str:
    """The machine-readable reason of a refusal by AWS."""
    return str(error.response.get("Error", {}).get("Code", ""))


class Topic:
    """AWS::SNS::Topic."""

    applied = frozenset({"TopicName"})
    only_in_the_cloud = frozenset({"KmsMasterKeyId", "DisplayName", "Tags", "TracingConfig"})

    def planned(self, properties: Mapping[str, Any], place: Place) -> Identity:
        name = named(properties, "TopicName")
        arn = place.arn("sns", name)
        return Identity(arn, {"TopicArn": arn, "TopicName": name})

    def apply(self, properties: Mapping[str, Any], place: Place) -> tuple[Identity, Change]:
        identity = self.planned(properties, place)
        try:
            place.sns.get_topic_attributes(TopicArn=identity.ref)
            return identity, "unchanged"
        except ClientError as error:
            if error_code(error) not in ("NotFound", "NotFoundException"):
                raise
        arn = place.sns.create_topic(Name=identity.attributes["TopicName"])["TopicArn"]
        return Identity(arn, {**identity.attributes, "TopicArn": arn}), "created"


class Queue:
    """AWS::SQS::Queue."""

    _attributes = frozenset(
        {
            "DelaySeconds",
            "MaximumMessageSize",
            "MessageRetentionPeriod",
            "ReceiveMessageWaitTimeSeconds",
            "RedrivePolicy",
            "VisibilityTimeout",
        }
    )
    applied = _attributes | {"QueueName"}
    only_in_the_cloud = frozenset({"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "Tags"})

    def planned(self, properties: Mapping[str, Any], place: Place) -> Identity:
        name = named(properties, "QueueName")
        url = f"https://sqs.{place.region}.amazonaws.com/{ACCOUNT}/{name}"
        return Identity(url, {"Arn": place.arn("sqs", name), "QueueName": name, "QueueUrl": url})

    def apply(self, properties: Mapping[str, Any], place: Place) -> tuple[Identity, Change]:
        name = named(properties, "QueueName")
        wanted = {key: attribute_text(properties[key]) for key in sorted(self._attributes & set(properties))}
        change: Change = "unchanged"
        try:
            url = place.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError as error:
            if error_code(error) not in ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"):
                raise
            url = place.sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]  # type: ignore[arg-type]
            change = "created"
        answer = place.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        stored = {str(key): text for key, text in answer["Attributes"].items()}
        different = {key: text for key, text in wanted.items() if not same_attribute(stored.get(key), text)}
        if different:
            place.sqs.set_queue_attributes(QueueUrl=url, Attributes=different)  # type: ignore[arg-type]
            change = "changed" if change == "unchanged" else change
        return Identity(url, {"Arn": stored["QueueArn"], "QueueName": name, "QueueUrl": url}), change


class Subscription:
    """AWS::SNS::Subscription: a queue takes from a topic what its filter lets through."""

    _attributes = frozenset({"FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"})
    applied = _attributes | {"TopicArn", "Protocol", "Endpoint"}
    only_in_the_cloud = frozenset({"Region", "DeliveryPolicy"})

    def planned(self, properties: Mapping[str, Any], place: Place) -> Identity:
        return Identity(f"{properties['TopicArn']}:planned")

    def apply(self, properties: Mapping[str, Any], place: Place) -> tuple[Identity, Change]:
        if properties.get("Protocol") != "sqs":
            raise TemplateError(f"a subscription by {properties.get('Protocol')}: only sqs is known here")
        topic, endpoint = properties["TopicArn"], properties["Endpoint"]
        wanted = {key: attribute_text(properties[key]) for key in sorted(self._attributes & set(properties))}
        arn = self._subscribed(topic, endpoint, place)
        if arn is None:
            made = place.sns.subscribe(
                TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=wanted, ReturnSubscriptionArn=True
            )
            return Identity(made["SubscriptionArn"]), "created"
        stored = place.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        change: Change = "unchanged"
        for key, text in wanted.items():
            if not same_attribute(stored.get(key), text):
                place.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=key, AttributeValue=text)
                change = "changed"
        return Identity(arn), change

    def _subscribed(self, topic: str, endpoint: str, place: Place) -> str | None:
        for page in place.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
            for subscription in page["Subscriptions"]:
                if subscription.get("Endpoint") == endpoint:
                    return subscription["SubscriptionArn"]
        return None


class Bucket:
    """AWS::S3::Bucket."""

    applied = frozenset({"BucketName"})
    only_in_the_cloud = frozenset(
        {
            "AccelerateConfiguration",
            "BucketEncryption",
            # Rules about days have no use for a bucket that `make clean` empties.
            "LifecycleConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
            "VersioningConfiguration",
        }
    )

    def planned(self, properties: Mapping[str, Any], place: Place) -> Identity:
        name = named(properties, "BucketName")
        return Identity(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"})

    def apply(self, properties: Mapping[str, Any], place: Place) -> tuple[Identity, Change]:
        identity = self.planned(properties, place)
        try:
            place.s3.head_bucket(Bucket=identity.ref)
            return identity, "unchanged"
        except ClientError as error:
            if error_code(error) not in ("404", "NoSuchBucket", "NotFound"):
                raise
        if place.region == "us-east-1":
            # This one region refuses to be named as the place of a bucket.
            place.s3.create_bucket(Bucket=identity.ref)
        else:
            place.s3.create_bucket(
                Bucket=identity.ref,
                CreateBucketConfiguration={"LocationConstraint": place.region},  # type: ignore[typeddict-item]
            )
        return identity, "created"


class Sender:
    """AWS::SES::EmailIdentity: an address or a domain that mails may come from."""

    applied = frozenset({"EmailIdentity"})
    only_in_the_cloud = frozenset(
        {"ConfigurationSetAttributes", "DkimAttributes", "DkimSigningAttributes", "FeedbackAttributes", "Tags"}
        | {"MailFromAttributes"}
    )

    def planned(self, properties: Mapping[str, Any], place: Place) -> Identity:
        return Identity(named(properties, "EmailIdentity"))

    def apply(self, properties: Mapping[str, Any], place: Place) -> tuple[Identity, Change]:
        identity = self.planned(properties, place)
        for page in place.ses.get_paginator("list_identities").paginate():
            if identity.ref in page["Identities"]:
                return identity, "unchanged"
        if "@" in identity.ref:
            place.ses.verify_email_identity(EmailAddress=identity.ref)
        else:
            place.ses.verify_domain_identity(Domain=identity.ref)
        return identity, "created"
