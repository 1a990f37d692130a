"""Stages a service for Lambda: `build/<service>/` with app.py, its configuration, and everything it imports in vendor/.

The bundle holds its dependencies already unpacked and compiled, so that Chalice has nothing to install, `chalice
package` and `chalice deploy` zip the same content, and a cold start compiles nothing.
"""

from __future__ import annotations

import json
import py_compile
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chalice
import chalice.app

from runtime.deployment.dependencies import closure, compiled, link_into, settle_time, unpacked
from runtime.deployment.stages import ROOT, DeploymentError, service_config
from shared.throttling.plans import PACKAGED, PlansError, packaged

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".chalice", "README.md", "*.yaml", "schemas", "examples")
_LAMBDA_ROOT = "/var/task"


@dataclass(frozen=True)
class BundleSettings:
    """What `.chalice/<service>/bundle.json` declares.

    The distributions a service imports, those it can do without although they are required by others, the AWS services
    whose descriptions botocore needs, and the environment variables its functions are given.
    """

    requirements: tuple[str, ...]
    botocore_services: tuple[str, ...]
    environment: tuple[str, ...]
    optional_environment: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def bundle_settings(service: str) -> BundleSettings:
    """The declaration of a service. Refuses a service without one (DeploymentError)."""
    path = ROOT / ".chalice" / service / "bundle.json"
    if not path.exists():
        raise DeploymentError(f"{service} has no .chalice/{service}/bundle.json, which says what its bundle holds")
    declared = json.loads(path.read_text(encoding="utf-8"))
    return BundleSettings(**{name: tuple(values) for name, values in declared.items()})


def environment_of(service: str, stage: str, offered: Mapping[str, str]) -> dict[str, str]:
    """The variables of a service's functions, taken from what the stage offers.

    Refuses a required one that nobody gives (DeploymentError), naming all of them at once.
    """
    settings = bundle_settings(service)
    own = dict(service_config(service)["stages"][stage].get("environment_variables", {}))
    given = {**offered, **own}
    missing = [name for name in settings.environment if not given.get(name)]
    if missing:
        raise DeploymentError(
            f"{service} needs {', '.join(missing)}, which neither the platform's stack nor your environment gives"
        )
    wanted = (*settings.environment, *settings.optional_environment)
    return {name: given[name] for name in wanted if given.get(name)}


def stage_bundle(
    service: str,
    stage: str,
    *,
    build: Path,
    cache: Path,
    environment: Mapping[str, str],
    policy_values: Mapping[str, str],
    app_name: str,
    deployed_state: Path | None = None,
) -> Path:
    """Makes `build/<service>/` anew and answers it. `policy_values` fill the placeholders of its policy.

    `deployed_state` is where Chalice keeps what `chalice deploy` made, outside of what is thrown away with the build.
    """
    source = ROOT / "services" / service
    if not (source / "app.py").exists():
        raise DeploymentError(f"services/{service} has no app.py")
    settings = bundle_settings(service)
    folder = build / service
    shutil.rmtree(folder, ignore_errors=True)
    vendor = folder / "vendor"
    vendor.mkdir(parents=True)
    shutil.copyfile(source / "app.py", folder / "app.py")
    settle_time(folder / "app.py")
    architecture = service_config(service).get("lambda_architecture", "x86_64")
    names = closure(settings.requirements, architecture, settings.left_out)
    (folder / "requirements.txt").write_text(
        "# All of these are in vendor/ already, trimmed and compiled; there is nothing left for Chalice to install.\n"
        + "".join(f"# {name}\n" for name in names),
        encoding="utf-8",
    )
    _own_code(service, vendor)
    _compiled_app(folder, vendor)
    for distribution in unpacked(names, architecture, cache).values():
        link_into(distribution, vendor, settings.botocore_services)
    _configuration(service, stage, folder, environment, policy_values, app_name)
    if deployed_state is not None:
        deployed_state.mkdir(parents=True, exist_ok=True)
        (folder / ".chalice" / "deployed").symlink_to(deployed_state, target_is_directory=True)
    return folder


def _own_code(service: str, vendor: Path) -> None:
    for package in ("shared", "contracts", f"services/{service}"):
        shutil.copytree(ROOT / package, vendor / package, ignore=_LEFT_OUT, symlinks=False)
    shutil.copyfile(ROOT / "services" / "__init__.py", vendor / "services" / "__init__.py")
    # The plans as JSON, because there is no library for YAML in a bundle; wrong ones are refused here already.
    (vendor / PACKAGED.relative_to(ROOT)).write_bytes(_plans())
    settle_time(vendor / PACKAGED.relative_to(ROOT))
    # The app is the bundle's own app.py; a second one in vendor would be a second app when imported.
    (vendor / "services" / service / "app.py").unlink()
    for package in ("shared", "contracts", "services"):
        compiled(vendor / package, package)


def _plans() -> bytes:
    try:
        return packaged()
    except PlansError as error:
        raise DeploymentError(str(error)) from error


def _compiled_app(folder: Path, vendor: Path) -> None:
    """Bytecode for the files that Chalice itself adds to the zip: app.py, and its own two modules."""
    for source, name in (
        (folder / "app.py", "app"),
        (Path(chalice.app.__file__), "chalice/app"),
        (Path(chalice.__file__), "chalice/__init__"),
    ):
        parent, _, module = name.rpartition("/")
        target = vendor / parent / "__pycache__" / f"{module}.{sys.implementation.cache_tag}.pyc"
        target.parent.mkdir(parents=True, exist_ok=True)
        py_compile.compile(
            str(source),
            cfile=str(target),
            dfile=f"{_LAMBDA_ROOT}/{name}.py",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        settle_time(target)


def _configuration(
    service: str,
    stage: str,
    folder: Path,
    environment: Mapping[str, str],
    policy_values: Mapping[str, str],
    app_name: str,
) -> None:
    config: dict[str, Any] = json.loads(json.dumps(service_config(service)))
    config["app_name"] = app_name
    config["stages"] = {stage: {**config["stages"][stage], "environment_variables": dict(environment)}}
    target = folder / ".chalice"
    target.mkdir()
    (target / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    policy = (ROOT / ".chalice" / service / "policy.json").read_text(encoding="utf-8")
    for name, value in policy_values.items():
        policy = policy.replace(f"${{{name}}}", value)
    (target / "policy.json").write_text(policy, encoding="utf-8")
