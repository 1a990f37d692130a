"""`python -m runtime.deployment`, which is what deploy.sh calls: deploys a stage, or packages it only."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import runtime.own_environment  # noqa: F401  it acts by being imported, and must come first
from runtime.deployment.deploy import Deployment
from runtime.deployment.stages import ROOT, DeploymentError, checked_services, checked_stage
from runtime.parts import PartFailed
from runtime.template import TemplateError


def main(arguments: list[str] | None = None) -> int:
    """Deploys; answers the exit code, and says in a sentence what keeps it from deploying."""
    parser = argparse.ArgumentParser(
        prog="./deploy.sh",
        description="Deploys a stage: the platform's stack, then each service.",
        epilog="Your environment gives PUBLIC_URL, MAIL_FROM, TEST_PROVIDER_URL, DATABASE_URL (reporting) and, if there"
        " is one, REDIS_URL, ALARM_EMAIL, SITEVERIFY_URL, SITEVERIFY_SECRET and TRUSTED_ISSUERS; a value may be"
        " secretsmanager:<name>.",
    )
    parser.add_argument("stage", help="dev, test or prod")
    parser.add_argument("services", nargs="*", metavar="service", help="only these services (all)")
    parser.add_argument("--direct", action="store_true", help="by `chalice deploy`, for a quick stack of your own")
    parser.add_argument("--package-only", action="store_true", help="package and stop; AWS is not reached")
    parser.add_argument("--prefix", default="", help="comes first in every name (stagedoor-<stage>)")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where bundles are staged (build/)")
    parser.add_argument("--yes", action="store_true", help="deploy prod without asking")
    options = parser.parse_args(arguments)
    try:
        stage = checked_stage(options.stage)
        services = checked_services(options.services)
        deployment = Deployment(stage, services, build=options.build.resolve(), resource_prefix=options.prefix)
        if options.package_only:
            deployment.package_only()
            return 0
        if stage == "prod" and options.direct:
            raise DeploymentError("prod is deployed by CloudFormation only: --direct has no change set and no rollback")
        if stage == "prod" and not options.yes and not _confirmed():
            raise DeploymentError("prod was not deployed: confirm by typing prod, or pass --yes")
        addresses = deployment.deploy(direct=options.direct)
    except (DeploymentError, PartFailed, TemplateError) as error:
        print(f"deploy.sh: {error}", file=sys.stderr)
        return 1
    for service, address in addresses.items():
        print(f"{service:<14} {address}")
    return 0


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("This changes prod. Type prod to go on: ").strip() == "prod"


if __name__ == "__main__":
    sys.exit(main())
