"""CloudFormation and S3 at AWS: stacks by change sets, code by upload, and what goes wrong said in sentences."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from runtime.deployment.stages import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

Say = Callable[[str], None]

# Templates in a request may have 51,200 bytes; from a bucket, a megabyte.
_INLINE_BYTES_MAX = 51_200
_WAIT_SECONDS_MAX = 1800
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
_CAPABILITIES: Any = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@dataclass(frozen=True)
class Account:
    """Where a deployment goes."""

    account_id: str
    region: str
    partition: str


def account() -> Account:
    """The account and region of the credentials at hand. Refuses to go on without (DeploymentError)."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or boto3.session.Session().region_name
    if not region:
        raise DeploymentError("no AWS region is chosen: set AWS_DEFAULT_REGION, or a region in your AWS profile")
    try:
        caller = boto3.client("sts", region_name=region).get_caller_identity()
    except NoCredentialsError:
        raise DeploymentError("there are no AWS credentials: set AWS_PROFILE, or run `aws sso login`") from None
    except (ClientError, BotoCoreError) as error:
        raise DeploymentError(f"AWS does not accept the credentials at hand: {error}") from error
    return Account(caller["Account"], region, caller["Arn"].split(":")[1])


class Stacks:
    """Stacks of one account and region. `pause_seconds` is how long to wait between looks at a change under way."""

    def __init__(self, where: Account, say: Say, pause_seconds: float = 3.0) -> None:
        self._cloudformation: CloudFormationClient = boto3.client("cloudformation", region_name=where.region)
        self._where = where
        self._say = say
        self._pause_seconds = pause_seconds

    def deploy(
        self, name: str, template: str, parameters: Mapping[str, str], bucket: str | None = None
    ) -> dict[str, str]:
        """Creates or changes a stack by a change set and answers its outputs.

        A large template goes through `bucket`. Refuses what CloudFormation refuses, with the reason of the first
        resource that failed (DeploymentError); CloudFormation has then rolled the stack back.
        """
        try:
            kind = "UPDATE" if self._status(name) not in (None, "REVIEW_IN_PROGRESS") else "CREATE"
            change_set = f"deploy-{int(time.time() * 1000)}"
            self._cloudformation.create_change_set(
                StackName=name,
                ChangeSetName=change_set,
                ChangeSetType=kind,  # type: ignore[arg-type]
                Capabilities=_CAPABILITIES,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                **self._source(name, template, bucket),
            )
            if self._ready(name, change_set):
                self._say(f"{name}: {self._changes(name, change_set)}")
                self._cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
                self._wait(name)
            else:
                self._say(f"{name}: nothing has changed")
                self._cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
            return self.outputs(name)
        except ClientError as error:
            raise DeploymentError(f"the stack {name} could not be deployed: {error}") from error

    def outputs(self, name: str) -> dict[str, str]:
        """The outputs of a stack. Refuses one that does not exist (DeploymentError)."""
        try:
            [stack] = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            raise DeploymentError(f"there is no stack {name}: {error}") from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _source(self, name: str, template: str, bucket: str | None) -> dict[str, Any]:
        if len(template.encode()) <= _INLINE_BYTES_MAX or bucket is None:
            return {"TemplateBody": template}
        key = f"templates/{name}.yaml"
        boto3.client("s3", region_name=self._where.region).put_object(Bucket=bucket, Key=key, Body=template.encode())
        return {"TemplateURL": f"https://{bucket}.s3.{self._where.region}.amazonaws.com/{key}"}

    def _status(self, name: str) -> str | None:
        try:
            [stack] = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return stack["StackStatus"]

    def _ready(self, name: str, change_set: str) -> bool:
        """Whether the change set can be executed; False when it holds no change."""
        gives_up_at = time.monotonic() + _WAIT_SECONDS_MAX
        while time.monotonic() < gives_up_at:
            found = self._cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set)
            if found["Status"] == "CREATE_COMPLETE":
                return True
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                if any(text in reason for text in _NOTHING_TO_DO):
                    return False
                raise DeploymentError(f"the change set of {name} failed: {reason}")
            time.sleep(self._pause_seconds)
        raise DeploymentError(f"the change set of {name} was not ready after {_WAIT_SECONDS_MAX} s")

    def _changes(self, name: str, change_set: str) -> str:
        counts: dict[str, int] = {}
        pages = self._cloudformation.get_paginator("describe_change_set").paginate(
            StackName=name, ChangeSetName=change_set
        )
        for page in pages:
            for change in page.get("Changes", []):
                action = change.get("ResourceChange", {}).get("Action", "Modify").lower()
                counts[action] = counts.get(action, 0) + 1
        said = ", ".join(f"{count} to {action}" for action, count in sorted(counts.items()))
        return said or "changes to outputs only"

    def _wait(self, name: str) -> None:
        gives_up_at = time.monotonic() + _WAIT_SECONDS_MAX
        while time.monotonic() < gives_up_at:
            status = self._status(name) or ""
            if status.endswith("_COMPLETE") and "ROLLBACK" not in status:
                return
            if status.endswith(("ROLLBACK_COMPLETE", "FAILED")):
                raise DeploymentError(f"the stack {name} was rolled back: {self._first_failure(name)}")
            time.sleep(self._pause_seconds)
        raise DeploymentError(f"the stack {name} was not done after {_WAIT_SECONDS_MAX} s")

    def _first_failure(self, name: str) -> str:
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
        if not failed:
            return "CloudFormation gives no reason"
        first = failed[-1]
        return f"{first.get('LogicalResourceId')}: {first.get('ResourceStatusReason')}"


def upload(path: Path, bucket: str, key: str, where: Account) -> None:
    """Puts a file into a bucket unless that key, which names its content, is there already."""
    s3 = boto3.client("s3", region_name=where.region)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise DeploymentError(f"the bucket {bucket} cannot be read: {error}") from error
        s3.upload_file(str(path), bucket, key)
