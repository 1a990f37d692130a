"""What the functions need besides the project's own code: wheels for Lambda's platform, fetched once and made lean.

Each wheel of the lock is downloaded with its hash checked, unpacked, trimmed and compiled into a folder of its own
under `build/`; a service's bundle links the files of those it needs. Nothing is built: Lambda's platform is not
necessarily the one this runs on.
"""

from __future__ import annotations

import compileall
import fcntl
import importlib.metadata
import os
import py_compile
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from runtime.deployment.stages import ROOT, DeploymentError

LOCK = ROOT / "requirements.txt"
# Lambda's runtimes up to Python 3.11 stand on Amazon Linux 2, with glibc 2.26, later ones on 2023, with 2.34.
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_24", "manylinux_2_26")
_LATER_PLATFORMS = ("manylinux_2_28", "manylinux_2_31", "manylinux_2_34")
# Lambda's own folder, so that stack traces of compiled code name files that are there.
_LAMBDA_ROOT = "/var/task"
_BOTOCORE_DATA = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")
# What only builds or type checkers read, and dateutil's own time zones, which nothing here asks for.
_NEVER = (".pyi", ".pyx", ".pxd", ".c", ".h", ".cpp", ".hpp", "dateutil-zoneinfo.tar.gz")
# A pin with its marker and the lines of hashes that belong to it, up to the next pin.
_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==.*?(?=^[A-Za-z0-9]|\Z)", re.MULTILINE | re.DOTALL)


def lambda_platforms(architecture: str) -> list[str]:
    """The wheel platforms that run in Lambda under this Python, for x86_64 or arm64."""
    names = _PLATFORMS + (_LATER_PLATFORMS if sys.version_info >= (3, 12) else ())
    return [f"{name}_{_MACHINES[architecture]}" for name in names]


def closure(requirements: Sequence[str], architecture: str, left_out: Sequence[str] = ()) -> list[str]:
    """The distributions that requirements need at Lambda, by name, with everything those need but for `left_out`.

    Read from what is installed here, so a requirement that is not installed is refused (DeploymentError).
    """
    target = {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": _MACHINES[architecture],
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found: set[str] = set()
    open_ends = [Requirement(text) for text in requirements]
    seen: set[str] = set()
    while open_ends:
        requirement = open_ends.pop()
        if str(requirement) in seen or canonicalize_name(requirement.name) in left_out:
            continue
        seen.add(str(requirement))
        found.add(canonicalize_name(requirement.name))
        try:
            needs = importlib.metadata.requires(requirement.name) or []
        except importlib.metadata.PackageNotFoundError:
            raise DeploymentError(f"{requirement.name} is not installed here: install requirements.txt first") from None
        for text in needs:
            need = Requirement(text)
            if need.marker is None or any(_applies(need.marker, target, extra) for extra in ("", *requirement.extras)):
                need.marker = None
                open_ends.append(need)
    return sorted(found)


def _applies(marker: Marker, target: dict[str, str], extra: str) -> bool:
    return marker.evaluate({**target, "extra": extra})


def locked(names: Sequence[str]) -> str:
    """The lines of the lock for these distributions, with their hashes. Refuses what it does not hold."""
    pins = _LOCKED.finditer(LOCK.read_text(encoding="utf-8"))
    lines: dict[str, str] = {canonicalize_name(pin["name"]): pin[0].strip() for pin in pins}
    missing = [name for name in names if name not in lines]
    if missing:
        raise DeploymentError(f"{LOCK.name} does not hold {', '.join(missing)}: make the lock anew")
    return "\n".join(lines[name] for name in names) + "\n"


def unpacked(names: Sequence[str], architecture: str, cache: Path) -> dict[str, Path]:
    """The folder of each distribution, lean and compiled. What is not in the cache is downloaded and made first."""
    python = f"{sys.version_info.major}{sys.version_info.minor}"
    cache = cache / f"py{python}-{architecture}"
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "lock"):
        wheels = _wheels(names, architecture, cache / "wheels")
        folders: dict[str, Path] = {}
        for name, wheel in wheels.items():
            folder = cache / "unpacked" / wheel.stem
            if not folder.exists():
                _unpack(wheel, folder)
            folders[name] = folder
    return folders


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time: tests in parallel share the cache."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wheels(names: Sequence[str], architecture: str, folder: Path) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    lock = locked(names)
    versions = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    have = _by_name_and_version(folder)
    missing = [name for name in versions if (canonicalize_name(name), versions[name]) not in have]
    if missing:
        _download(locked([canonicalize_name(name) for name in missing]), architecture, folder)
        have = _by_name_and_version(folder)
    return {canonicalize_name(name): have[canonicalize_name(name), version] for name, version in versions.items()}


def _by_name_and_version(folder: Path) -> dict[tuple[str, str], Path]:
    found: dict[tuple[str, str], Path] = {}
    for wheel in sorted(folder.glob("*.whl")):
        name, version, _, _ = parse_wheel_filename(wheel.name)
        found[name, str(version)] = wheel
    return found


def _download(lock: str, architecture: str, folder: Path) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text(lock, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--implementation", "cp"]
    command += ["--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
    for platform in lambda_platforms(architecture):
        command += ["--platform", platform]
    command += ["--dest", str(folder), "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DeploymentError(f"the wheels for Lambda could not be downloaded: {done.stderr.strip()[-800:]}")


def _unpack(wheel: Path, folder: Path) -> None:
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if _wanted(name):
                archive.extract(name, part)
    compiled(part, sourceless=True)
    part.rename(folder)


def _wanted(name: str) -> bool:
    first, _, rest = name.partition("/")
    if first.endswith(".dist-info"):
        # Versions and entry points are read at runtime; records and licences' lists are pip's.
        return rest in ("METADATA", "entry_points.txt")
    if first.endswith(".data"):
        return False
    parts = name.split("/")
    return not name.endswith(_NEVER) and "__pycache__" not in parts and "tests" not in parts[:-1]


def compiled(folder: Path, into: str = "", *, sourceless: bool = False) -> None:
    """Compiles every module below a folder as Lambda will find it, and gives all files one time.

    Bytecode that is never checked against its source needs no clock and no stat at a cold start, and equal content
    gives an equal bundle whenever it is made. `sourceless` leaves the bytecode alone in the sources' place.
    """
    compileall.compile_dir(
        folder,
        maxlevels=20,
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=f"{_LAMBDA_ROOT}/{into}" if into else _LAMBDA_ROOT,
        legacy=sourceless,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    for path in list(folder.rglob("*")):
        # A module that this Python cannot compile keeps its source.
        if sourceless and path.suffix == ".py" and path.with_suffix(".pyc").exists():
            path.unlink()
        elif path.is_file():
            settle_time(path)


def settle_time(path: Path) -> None:
    """Gives a file the one time that all files of a bundle have: the first of 2000."""
    os.utime(path, (946_684_800, 946_684_800))


def link_into(folder: Path, vendor: Path, botocore_services: Sequence[str]) -> None:
    """Links a distribution's files into a bundle; of botocore's descriptions only those of the services in use."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or not _of_use(relative, botocore_services):
            continue
        target = vendor / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except FileExistsError:
            # Two distributions of one namespace package, and only its marker can be the same.
            continue
        except OSError:
            shutil.copy2(path, target)


def _of_use(relative: Path, botocore_services: Sequence[str]) -> bool:
    if relative.parts[:2] != ("botocore", "data") or len(relative.parts) < 3:
        return True
    return relative.parts[2] in botocore_services or relative.name in _BOTOCORE_DATA
