"""One deployment from its beginning to its end: the platform, then each service, one way or the other."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from runtime.deployment.bundle import environment_of, stage_bundle
from runtime.deployment.cloud import Account, Say, Stacks, account, upload
from runtime.deployment.direct import deploy_directly
from runtime.deployment.extras import ACCOUNT_PLACEHOLDER, merged
from runtime.deployment.monitoring import dashboard
from runtime.deployment.package import as_yaml, code_of, packaged, with_code_at, zips_kept
from runtime.deployment.stages import ROOT, SERVICES, DeploymentError
from runtime.provisioning import planned
from runtime.rotation import SecretsManager, publish_first
from runtime.template import read_document

# What no template makes: where the stage is reached, whom it mails as, whom it pays with, its SQL and Redis, who
# tells people from machines, and whose word for them is taken.
FROM_THE_DEPLOYER = (
    "PUBLIC_URL",
    "MAIL_FROM",
    "TEST_PROVIDER_URL",
    "DATABASE_URL",
    "REDIS_URL",
    "SITEVERIFY_URL",
    "SITEVERIFY_SECRET",
    "TRUSTED_ISSUERS",
)
_MADE_UP = {
    "PUBLIC_URL": "https://stagedoor.example",
    "MAIL_FROM": "box-office@stagedoor.example",
    "TEST_PROVIDER_URL": "https://payments.example",
    "DATABASE_URL": "postgresql+psycopg://reporting@database.example/reporting",
}
_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,34}[a-z0-9]")
_ACCOUNT_STACK = "stagedoor-account"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Deployment:
    """What is deployed, where it is staged, where dependencies are kept made ready, and who is told of each step.

    `pause_seconds` is the time between looks at a stack under way; `parallel` how many services are packaged at a time.
    """

    stage: str
    services: Sequence[str]
    build: Path = ROOT / "build"
    cache: Path = ROOT / "build" / "cache"
    resource_prefix: str = ""
    say: Say = print
    pause_seconds: float = 3.0
    parallel: int = 2

    @property
    def prefix(self) -> str:
        """The resource prefix: `stagedoor-<stage>`, or a person's own. Refuses what AWS would (DeploymentError)."""
        prefix = self.resource_prefix or f"stagedoor-{self.stage}"
        if not _PREFIX.fullmatch(prefix):
            raise DeploymentError(
                f"{prefix!r} cannot be a resource prefix: at most 36 small letters, digits and hyphens, a letter first"
            )
        return prefix

    def package_only(self) -> dict[str, Path]:
        """Packages the services without reaching AWS and answers each one's template.

        Made-up values stand for what only the platform's stack or the deployer can know.
        """
        nowhere = Account(ACCOUNT_PLACEHOLDER, "us-east-1", "aws")
        offered = {
            **planned(self.stage, self.prefix, region=nowhere.region),
            **_MADE_UP,
            **_secret_names(self.prefix),
            **_given(),
        }

        def one(service: str) -> Path:
            folder = self._staged(service, offered, nowhere)
            packaged(service, self.stage, folder, nowhere.region, self.cache)
            self.say(f"{service}: packaged in {_shown(folder)}")
            return folder / "package" / "sam.yaml"

        return self._each(one)

    def deploy(self, *, direct: bool = False) -> dict[str, str]:
        """Deploys the platform and the services and answers the address of each one's API."""
        where = account()
        if os.environ.get("DATABASE_URL", "").startswith("sqlite"):
            raise DeploymentError("DATABASE_URL names a file, which a function cannot keep: name a PostgreSQL database")
        stacks = Stacks(where, self.say, self.pause_seconds)
        outputs = self._platform(where, stacks)
        offered = self._offered(outputs, where)
        for service in self.services:
            # All services are asked before the first is deployed: half a stage is worse than none.
            environment_of(service, self.stage, offered)

        def one(service: str) -> str:
            folder = self._staged(service, offered, where, keep_state=direct)
            if direct:
                with zips_kept(folder, self.cache / "zips" / service):
                    return deploy_directly(service, self.stage, self.prefix, folder, where, self.say)
            return self._by_cloudformation(service, folder, outputs, where, stacks)

        return self._each(one)

    def _each(self, one: Callable[[str], Result]) -> dict[str, Result]:
        with ThreadPoolExecutor(self.parallel) as pool:
            return dict(zip(self.services, pool.map(one, self.services), strict=True))

    def _platform(self, where: Account, stacks: Stacks) -> dict[str, str]:
        folder = ROOT / "infrastructure"
        stacks.deploy(_ACCOUNT_STACK, (folder / "account.yaml").read_text(encoding="utf-8"), {})
        return stacks.deploy(
            f"{self.prefix}-platform",
            platform_template(),
            {"Stage": self.stage, "ResourcePrefix": self.prefix, "AlarmEmail": os.environ.get("ALARM_EMAIL", "")},
        )

    def _offered(self, outputs: Mapping[str, str], where: Account) -> dict[str, str]:
        """Every variable there is for this stage. The public keys of a new one are published on the way."""
        publish_first(SecretsManager(self.prefix, where.region))
        return {
            "RESOURCE_PREFIX": self.prefix,
            **{variable(name): value for name, value in outputs.items()},
            **_given(),
        }

    def _staged(self, service: str, offered: Mapping[str, str], where: Account, *, keep_state: bool = False) -> Path:
        state = (ROOT if self.build == ROOT / "build" else self.build) / ".chalice" / service / "deployed"
        return stage_bundle(
            service,
            self.stage,
            build=self.build,
            cache=self.cache,
            environment=environment_of(service, self.stage, offered),
            policy_values={
                "AWS::Partition": where.partition,
                "AWS::Region": where.region,
                "AWS::AccountId": where.account_id,
                "ResourcePrefix": self.prefix,
                "MailFrom": offered.get("MAIL_FROM", ""),
            },
            app_name=_app_name(service, self.stage, self.prefix),
            deployed_state=state if keep_state else None,
        )

    def _by_cloudformation(
        self, service: str, folder: Path, outputs: Mapping[str, str], where: Account, stacks: Stacks
    ) -> str:
        template = packaged(service, self.stage, folder, where.region, self.cache)
        code, digest = code_of(folder)
        bucket, key = outputs["ArtifactsBucketName"], f"bundles/{service}-{digest}.zip"
        upload(code, bucket, key, where)
        parameters = {
            "Stage": self.stage,
            "ResourcePrefix": self.prefix,
            "AlarmsTopicArn": outputs["AlarmsTopicArn"],
        }
        text = as_yaml(with_code_at(template, bucket, key))
        return stacks.deploy(f"{self.prefix}-{service}", text, parameters, bucket).get("EndpointURL", "")


def platform_template() -> str:
    """The platform's template as it is deployed: with the dashboard, which a laptop has no use for."""
    return as_yaml(merged(read_document(ROOT / "infrastructure" / "platform.yaml"), dashboard(SERVICES)))


def variable(output: str) -> str:
    """The environment variable that an output of the platform's stack is: OrdersTableName is ORDERS_TABLE_NAME."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).upper()


def _given() -> dict[str, str]:
    return {name: os.environ[name] for name in FROM_THE_DEPLOYER if os.environ.get(name)}


def _secret_names(prefix: str) -> dict[str, str]:
    """Where the secrets of a stage will lie, by variable."""
    names = (
        "ACCESS_TOKEN_SIGNING_SECRET",
        "ACCESS_TOKEN_JWKS",
        "TOKEN_SECRETS",
        "TICKET_SIGNING_SECRET",
        "TEST_PROVIDER_API_KEY",
        "TEST_PROVIDER_WEBHOOK_SECRET",
    )
    return {name: f"secretsmanager:{prefix}-{name.lower().replace('_', '-')}" for name in names}


def _app_name(service: str, stage: str, prefix: str) -> str:
    """What Chalice builds function names from, together with the stage; a person's own prefix keeps stacks apart."""
    return f"{prefix.removesuffix(f'-{stage}')}-{service}"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
