"""`chalice package` of a staged bundle, with the extras merged in."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from runtime.deployment.extras import extras, merged
from runtime.deployment.stages import DeploymentError

_KINDS = {"SQS": "queue", "DynamoDB": "stream"}
_ZIPS_KEPT = 4
_CHALICE = "from chalice.cli import main; import sys; sys.exit(main())"


def run_chalice(folder: Path, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Runs the Chalice CLI in a staged bundle and answers what it printed. Refuses its failure (DeploymentError)."""
    variables = {**os.environ, **(environment or {})}
    # A laptop's environment file has nothing to say to a deployment.
    variables["STAGEDOOR_ENVIRONMENT_FILE"] = ""
    done = subprocess.run(
        [sys.executable, "-c", _CHALICE, *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise DeploymentError(f"chalice {arguments[0]} failed in {folder.name}: {said}")
    return done.stdout


@contextmanager
def zips_kept(folder: Path, cache: Path) -> Iterator[None]:
    """Spares Chalice zipping again what has not changed: it names a zip by its content, and takes one that is there.

    Only whole zips are kept, each put there in one step, so a run that is killed leaves no half of one to the next.
    """
    mine = folder / ".chalice" / "deployments"
    mine.mkdir(exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    for path in cache.glob("*.zip"):
        with suppress(FileNotFoundError):
            _link(path, mine / path.name)
    before = {path.name for path in mine.iterdir()}
    yield
    for path in mine.glob("*.zip"):
        if path.name not in before:
            part = cache / f"{path.name}.{os.getpid()}.part"
            _link(path, part)
            part.replace(cache / path.name)
    newest_first = sorted(cache.glob("*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[_ZIPS_KEPT:]:
        path.unlink(missing_ok=True)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(path, target)


def packaged(service: str, stage: str, folder: Path, region: str, cache: Path) -> dict[str, Any]:
    """The SAM template of a staged bundle, extras merged in; it lies in `package/sam.yaml` beside `deployment.zip`."""
    arguments = ["package", "--stage", stage, "--template-format", "yaml", "package"]
    with zips_kept(folder, cache / "zips" / service):
        run_chalice(folder, arguments, {"AWS_DEFAULT_REGION": region})
    path = folder / "package" / "sam.yaml"
    template = yaml.safe_load(path.read_text(encoding="utf-8"))
    template = merged(template, extras(service, triggers_of(template)))
    path.write_text(as_yaml(template), encoding="utf-8")
    found: dict[str, Any] = template
    return found


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, which CloudFormation does not read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(template: Mapping[str, Any]) -> str:
    """A template as text that CloudFormation reads."""
    return yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=120)


def triggers_of(template: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The functions of a packaged app that a stream or a queue triggers, by their Python names."""
    found: set[tuple[str, str]] = set()
    for resource in template["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] in _KINDS:
                name = resource["Properties"]["Handler"].rsplit(".", 1)[-1]
                found.add((name, _KINDS[event["Type"]]))
    return frozenset(found)


def code_of(folder: Path) -> tuple[Path, str]:
    """The zip of a packaged bundle, and the SHA-256 of its content in hexadecimal."""
    path = folder / "package" / "deployment.zip"
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def with_code_at(template: dict[str, Any], bucket: str, key: str) -> dict[str, Any]:
    """The template with the code of every function at an S3 address instead of a local file."""
    resources = dict(template["Resources"])
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = {**resource["Properties"], "CodeUri": {"Bucket": bucket, "Key": key}}
            resources[name] = {**resource, "Properties": properties}
    return {**template, "Resources": resources}
