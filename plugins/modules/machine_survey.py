#!/usr/bin/python
"""What a machine has, as far as it decides whether the platform can run on it."""

from __future__ import annotations

import getpass
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: machine_survey
short_description: What a machine has, as far as it decides whether the platform can run on it
version_added: 0.1.0
author: The Trackunit platform maintainers (@trackunit)
description:
  - Answers in one start what C(ansible.builtin.setup) and several commands would be asked for; the
    subset C(hardware) alone takes a second, of which two numbers are needed.
  - Changes nothing.
options:
  programs:
    description: Names of programs to look for in PATH, C(/usr/sbin) and C(/sbin).
    type: list
    elements: str
    default: []
  folders:
    description: Folders whose file systems are asked for free space; those that are not there are
      left out.
    type: list
    elements: path
    default: []
  go:
    description: Whether to ask for the version of Go.
    type: bool
    default: false
  kernel_minimums:
    description: Numbers among the kernel's settings, and what each must at least be; on Linux only.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Look at this machine
  trackunit.platform.machine_survey:
    programs: [dockerd, java]
    folders: [/var/lib]
    go: true
  register: machine
"""

RETURN = r"""
system:
  description: The operating system, for example C(Linux) or C(Darwin).
  type: str
  returned: always
architecture:
  description: The processor's architecture, for example C(x86_64).
  type: str
  returned: always
processors:
  description: Processors that this process may use.
  type: int
  returned: always
memory_mb:
  description: The machine's memory.
  type: int
  returned: always
free_gb:
  description: Free space of the fullest file system of C(folders), in GiB.
  type: int
  returned: where one of the folders exists
found:
  description: Those of C(programs) that are there.
  type: list
  elements: str
  returned: always
go_version:
  description: Version of Go, for example C(1.26.0); empty without Go.
  type: str
  returned: always
kernel_too_low:
  description: Those of C(kernel_minimums) that the kernel is below, with the minimum.
  type: dict
  returned: always
python_version:
  description: Version of Python that runs this.
  type: str
  returned: always
home:
  description: The user's home.
  type: str
  returned: always
user:
  description: The user's name.
  type: str
  returned: always
root:
  description: Whether this user is root.
  type: bool
  returned: always
may_become_root:
  description: Whether this user is root, or becomes it by sudo without a password.
  type: bool
  returned: always
"""


def processors() -> int:
    """Fewer than the machine has, where a container was given fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_mb(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Linux says it in a file, which containers of LXC replace by what they were given."""
    if meminfo.exists():
        total = re.search(r"^MemTotal:\s*(\d+) kB", meminfo.read_text(encoding="ascii"), re.M)
        if total:
            return int(total[1]) // 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2


def free_gb(folders: list[str]) -> int | None:
    """What an ordinary user may still write; rounded up, as df does."""
    free = [shutil.disk_usage(folder).free for folder in folders if Path(folder).exists()]
    return -(-min(free) // 1024**3) if free else None


def found(programs: list[str]) -> list[str]:
    """Programs of administrators are not in everybody's PATH."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return [name for name in programs if shutil.which(name, path=path)]


def go_version() -> str:
    """The toolchain that is installed, not one that it would download."""
    return answer(["go", "env", "GOVERSION"], GOTOOLCHAIN="local").removeprefix("go")


def kernel_too_low(minimums: dict[str, Any], root: Path = Path("/proc/sys")) -> dict[str, int]:
    """The settings to raise; elsewhere than on Linux there are none."""
    files = {name: root / name.replace(".", "/") for name in minimums}
    return {
        name: int(minimums[name])
        for name, file in files.items()
        if file.exists() and int(file.read_text(encoding="ascii")) < int(minimums[name])
    }


def may_become_root() -> bool:
    """Asked of sudo itself, because only it knows its rules."""
    return os.geteuid() == 0 or succeeds(["sudo", "--non-interactive", "true"])


def succeeds(argv: list[str]) -> bool:
    """Whether a program is there and ends well."""
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def answer(argv: list[str], **environment: str) -> str:
    """What a program prints; nothing where it is not there or fails."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=True, env={**os.environ, **environment}
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def survey(
    programs: list[str], folders: list[str], go: bool, kernel_minimums: dict[str, Any]
) -> dict[str, Any]:
    """Everything that the module returns."""
    free = free_gb(folders)
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": processors(),
        "memory_mb": memory_mb(),
        **({} if free is None else {"free_gb": free}),
        "found": found(programs),
        "go_version": go_version() if go else "",
        "kernel_too_low": kernel_too_low(kernel_minimums),
        "python_version": platform.python_version(),
        "home": str(Path.home()),
        "user": getpass.getuser(),
        "root": os.geteuid() == 0,
        "may_become_root": may_become_root(),
    }


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "programs": {"type": "list", "elements": "str", "default": []},
            "folders": {"type": "list", "elements": "path", "default": []},
            "go": {"type": "bool", "default": False},
            "kernel_minimums": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **survey(**module.params))


if __name__ == "__main__":
    main()
