"""What API Gateway is told of the plans: each stage's own limits, and a usage plan for each that API keys can have.

They stand in `shared/throttling/plans.yaml`, for the cloud and the kit alike.
"""

from __future__ import annotations

from typing import Any

import msgspec

from runtime.deployment.stages import DeploymentError
from shared.throttling import Plan, PlansError
from shared.throttling.plans import SOURCE, read


def limits(service: str) -> dict[str, Any]:
    """The part of a service's template that limits its callers. Refuses plans that make no sense (DeploymentError)."""
    try:
        plans = read(SOURCE)
    except PlansError as error:
        raise DeploymentError(str(error)) from error
    stages: dict[str, Any] = msgspec.to_builtins(plans.stages)
    named = {name: f"UsagePlan{name.capitalize()}" for name in plans.offered}
    return {
        "Mappings": {
            "StageLimits": {name: {"Rate": each["rate"], "Burst": each["burst"]} for name, each in stages.items()}
        },
        "Resources": {named[name]: _usage_plan(service, name, plan) for name, plan in plans.offered.items()},
        # Whoever makes an API key puts it into the plan of this API by its id.
        "Outputs": {f"{logical_id}Id": {"Value": {"Ref": logical_id}} for logical_id in named.values()},
    }


def _usage_plan(service: str, name: str, plan: Plan) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "UsagePlanName": {"Fn::Sub": f"${{ResourcePrefix}}-{service}-{name}"},
        # `.Stage` is the resource that SAM makes of the API's stage: a plan cannot be made before it.
        "ApiStages": [{"ApiId": {"Ref": "RestAPI"}, "Stage": {"Ref": "RestAPI.Stage"}}],
        "Throttle": {"RateLimit": plan.rate, "BurstLimit": plan.burst},
    }
    if plan.quota is not None:
        properties["Quota"] = {"Limit": plan.quota, "Period": "MONTH"}
    return {"Type": "AWS::ApiGateway::UsagePlan", "Properties": properties}
