"""`chalice deploy`, and afterwards what Chalice cannot express, set on what it has made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from runtime.deployment.cloud import Account, Say
from runtime.deployment.extras import extras, mapping_settings
from runtime.deployment.package import run_chalice
from runtime.deployment.stages import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_KINDS = {"sqs_event": "queue", "dynamodb_event": "stream"}
_LIMITS = "/*/*/throttling/"


def deploy_directly(service: str, stage: str, resource_prefix: str, folder: Path, where: Account, say: Say) -> str:
    """Deploys a staged bundle and answers the address of its API.

    Every step may be done again; the extras are set after each deployment, because Chalice would not miss them.
    """
    run_chalice(folder, ["deploy", "--stage", stage, "--no-autogen-policy"], {"AWS_DEFAULT_REGION": where.region})
    state = json.loads((folder / ".chalice" / "deployed" / f"{stage}.json").read_text(encoding="utf-8"))
    lambda_client: LambdaClient = boto3.client("lambda", region_name=where.region)
    address = ""
    try:
        for resource in state["resources"]:
            if resource["resource_type"] in _KINDS:
                _set_mapping(service, stage, resource_prefix, resource, lambda_client, where, say)
            if resource["resource_type"] == "rest_api":
                address = resource["rest_api_url"]
                _set_api(service, stage, resource["rest_api_id"], where, say)
    except ClientError as error:
        raise DeploymentError(f"{service} is deployed, but what Chalice cannot express is not set: {error}") from error
    return address


def _set_mapping(
    service: str,
    stage: str,
    resource_prefix: str,
    resource: dict[str, Any],
    lambda_client: LambdaClient,
    where: Account,
    say: Say,
) -> None:
    function = resource["lambda_arn"].rsplit("-", 1)[-1]
    kind = _KINDS[resource["resource_type"]]
    settings = mapping_settings(
        service, function, kind, stage, resource_prefix, region=where.region, account=where.account_id
    )
    wanted: dict[str, Any] = {"FunctionResponseTypes": list(settings.function_response_types)}
    if kind == "stream":
        wanted["BisectBatchOnFunctionError"] = settings.bisects
        wanted["MaximumRetryAttempts"] = settings.retries_max
        wanted["MaximumRecordAgeInSeconds"] = settings.record_age_seconds_max
        if settings.on_failure_arn is not None:
            wanted["DestinationConfig"] = {"OnFailure": {"Destination": settings.on_failure_arn}}
        wanted["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in settings.filters]}
    elif settings.concurrency_max is not None:
        wanted["ScalingConfig"] = {"MaximumConcurrency": settings.concurrency_max}
    lambda_client.update_event_source_mapping(UUID=resource["event_uuid"], **wanted)
    say(f"{service}.{function}: {', '.join(sorted(wanted))} set on its mapping")


def _set_api(service: str, stage: str, api_id: str, where: Account, say: Say) -> None:
    document = extras(service, frozenset())
    properties = document["Resources"]["RestAPI"]["Properties"]
    gateway = boto3.client("apigateway", region_name=where.region)
    responses = properties["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    for kind, response in responses.items():
        status = {"statusCode": str(response["statusCode"])} if "statusCode" in response else {}
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            responseParameters=response["responseParameters"],
            responseTemplates=response["responseTemplates"],
            **status,
        )
    # A personal stack has no callers with API keys, so the usage plans are left to CloudFormation.
    limits = document["Mappings"]["StageLimits"][stage]
    gateway.create_deployment(restApiId=api_id, stageName=stage)
    gateway.update_stage(
        restApiId=api_id,
        stageName=stage,
        patchOperations=[
            {"op": "replace", "path": f"{_LIMITS}rateLimit", "value": str(limits["Rate"])},
            {"op": "replace", "path": f"{_LIMITS}burstLimit", "value": str(limits["Burst"])},
            {"op": "replace", "path": "/tracingEnabled", "value": "false" if stage == "dev" else "true"},
        ],
    )
    say(f"{service}: {len(responses)} gateway responses, throttling and tracing set on its API")
