"""CPU time of groups of processes, and a word on the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.figures import Machine

_PROC = Path("/proc")


def cpu_seconds(groups: Mapping[str, int]) -> dict[str, float]:
    """The CPU time that each process group's living processes have taken so far, and this process's as `buyers`."""
    by_group = _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()
    used = {name: by_group.get(group, 0.0) for name, group in groups.items()}
    used["buyers"] = sum(os.times()[:2])
    return used


def _from_proc() -> dict[int, float]:
    tick = os.sysconf("SC_CLK_TCK")
    found: dict[int, float] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            # A program's name may hold blanks and brackets; what follows the last bracket is numbers.
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        group = int(fields[2])
        found[group] = found.get(group, 0.0) + (int(fields[11]) + int(fields[12])) / tick
    return found


def _from_ps() -> dict[int, float]:
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,time="], capture_output=True, text=True, check=True, timeout=10)
    found: dict[int, float] = {}
    for line in listed.stdout.splitlines():
        group, _, clock = line.strip().partition(" ")
        days, _, rest = clock.strip().rpartition("-")
        seconds = 0.0
        for part in rest.split(":"):
            seconds = seconds * 60 + float(part)
        found[int(group)] = found.get(int(group), 0.0) + seconds + 86_400 * int(days or 0)
    return found


def machine() -> Machine:
    """The machine this runs on. Its name is nobody's business."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory_gb=round(pages / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        python=".".join(map(str, sys.version_info[:3])),
        load_before=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    try:
        for line in (_PROC / "cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
