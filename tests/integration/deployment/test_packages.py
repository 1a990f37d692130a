"""What is packaged for test and prod lints clean in two passes, and its code stands on its own."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.deployment.deploy import Deployment, platform_template
from runtime.deployment.package import as_yaml, with_code_at
from runtime.deployment.stages import ROOT, SERVICES
from tests.integration.deployment.emulator import translated

LAMBDA_BYTES_MAX = 250 * 1024 * 1024


def build_folder() -> Path:
    return Path(os.environ["STAGEDOOR_TEST_FOLDER"]) / f"build-{secrets.token_hex(3)}"


def lint(paths: list[Path]) -> str:
    """What cfn-lint has to say, which should be nothing."""
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, *map(str, paths)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stage", ["test", "prod"])
def test_all_services_package_and_lint_clean(stage: str) -> None:
    said: list[str] = []
    deployment = Deployment(stage, SERVICES, build=build_folder(), say=said.append)
    templates = deployment.package_only()
    assert set(templates) == set(SERVICES)
    after: list[Path] = []
    for service, path in templates.items():
        template = yaml.safe_load(path.read_text())
        _assert_fit_for(stage, template)
        # What CloudFormation sees after the transform; this pass finds what the first does not.
        path.with_name("transformed.yaml").write_text(as_yaml(translated(with_code_at(template, "bucket", service))))
        after.append(path.with_name("transformed.yaml"))
    assert lint([*templates.values(), *after]) == ""


def _assert_fit_for(stage: str, template: dict[str, Any]) -> None:
    resources = template["Resources"]
    assert resources["RestAPI"]["Properties"]["StageName"] == stage
    functions = {name: each["Properties"] for name, each in resources.items() if each["Type"].endswith("::Function")}
    for name, properties in functions.items():
        assert properties["Tracing"] == "Active", name
        variables = properties["Environment"]["Variables"]
        assert variables["STAGE"] == stage
        assert variables["XRAY_ENABLED"] == "1"
        # A secret's own text in a function's settings could be read by everyone who may look at the function.
        for variable, value in variables.items():
            if "SECRET" in variable or variable.endswith("_KEY"):
                assert value.startswith("secretsmanager:"), variable
        if stage == "prod" and name in ("Consume", "Relay"):
            assert properties["ReservedConcurrentExecutions"] > 0
    _assert_limited(stage, template)
    alarms = [each for each in resources.values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) >= 2
    for alarm in alarms:
        assert alarm["Condition"] == "Watched"
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": "AlarmsTopicArn"}]


def _assert_limited(stage: str, template: dict[str, Any]) -> None:
    """The stage's guard and the usage plans are those of the one file of plans."""
    document = yaml.safe_load((ROOT / "shared" / "throttling" / "plans.yaml").read_text())
    resources = template["Resources"]
    (settings,) = resources["RestAPI"]["Properties"]["MethodSettings"]
    figures = {"Rate": settings["ThrottlingRateLimit"], "Burst": settings["ThrottlingBurstLimit"]}
    for figure, value in figures.items():
        assert value == {"Fn::FindInMap": ["StageLimits", {"Ref": "Stage"}, figure]}
        assert template["Mappings"]["StageLimits"][stage][figure] == document["stages"][stage][figure.lower()]
    plans = {name: each["Properties"] for name, each in resources.items() if each["Type"].endswith("::UsagePlan")}
    assert set(plans) == {"UsagePlanFree", "UsagePlanPro", "UsagePlanPartner"}
    for name, properties in plans.items():
        plan = document["plans"][name.removeprefix("UsagePlan").lower()]
        assert properties["Throttle"] == {"RateLimit": plan["rate"], "BurstLimit": plan["burst"]}
        assert properties["Quota"] == {"Limit": plan["quota"], "Period": "MONTH"}


def test_a_broken_template_does_not_lint_clean(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(
        "Resources: {Queue: {Type: 'AWS::SQS::Queue', Properties: {VisibilityTimeout: !Ref Nothing, Colour: red}}}"
    )
    assert "Nothing" in lint([path])


def test_the_platforms_templates_lint_clean(tmp_path: Path) -> None:
    infrastructure = ROOT / "infrastructure"
    deployed = tmp_path / "platform.yaml"
    deployed.write_text(platform_template())
    assert "AWS::CloudWatch::Dashboard" in deployed.read_text()
    assert lint([infrastructure / "platform.yaml", deployed, infrastructure / "account.yaml"]) == ""


@pytest.mark.timeout(300)
def test_bundles_stand_on_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported as Lambda does it: nothing but the zip is there, and every module comes compiled."""
    # Other tests of this process may trust an issuer on this machine, which nobody in the cloud would.
    monkeypatch.delenv("TRUSTED_ISSUERS", raising=False)
    deployment = Deployment("dev", SERVICES, build=build_folder(), say=lambda _: None)
    for service, template in deployment.package_only().items():
        folder = tmp_path / service
        with zipfile.ZipFile(template.with_name("deployment.zip")) as archive:
            assert sum(entry.file_size for entry in archive.infolist()) < LAMBDA_BYTES_MAX
            names = archive.namelist()
            archive.extractall(folder)
        assert "shared/throttling/plans.json" in names
        assert not [name for name in names if name.startswith(("runtime/", "boto3/", "tests/"))]
        assert not [
            name
            for name in names
            if re.match(r"services/(?!__init__|__pycache__)", name) and f"/{service}/" not in name
        ]
        code = (
            "import sys, json; sys.path.insert(0, sys.argv[1]); import app; "
            "uncompiled = [m.__name__ for m in list(sys.modules.values()) if getattr(m, '__file__', None) "
            "and m.__file__.startswith(sys.argv[1]) and m.__file__.endswith('.py') "
            "and not __import__('os').path.exists(m.__cached__)]; "
            "print(json.dumps([sorted(app.app.handler_map), uncompiled]))"
        )
        variables = yaml.safe_load(template.read_text())["Resources"]["APIHandler"]["Properties"]["Environment"][
            "Variables"
        ]
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", code, str(folder)],
            env={**variables, "AWS_LAMBDA_FUNCTION_NAME": "rehearsal", "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{service}: {done.stderr}"
        handlers, uncompiled = json.loads(done.stdout.splitlines()[-1])
        assert "authorize" in handlers
        assert uncompiled == []
