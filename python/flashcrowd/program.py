"""The flashcrowd program: where it is, which one it is, and what it says of a sweep."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence


class Failed(Exception):
    """The program, or what is around it, ended without its result."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __reduce__(self):
        # Exceptions travel between processes by their arguments.
        return (Failed, (self.message, self.code))


@dataclass(frozen=True)
class Plan:
    """What a sweep is, before anything is played."""

    cells: int
    """Trials in all."""


def find(given: str | None = None) -> Path:
    """The program: the one that is given, `$FLASHCROWD`, or the first in the path.

    Raises `Failed` if there is none.
    """
    wanted = given or os.environ.get("FLASHCROWD") or "flashcrowd"
    found = shutil.which(wanted)
    if found is None:
        raise Failed(
            f"there is no program `{wanted}`: put `flashcrowd` into the path, set FLASHCROWD, or give --program"
        )
    return Path(found).resolve()


def digest(program: Path) -> str:
    """A hash of the program's file: equal programs give equal results."""
    sha = hashlib.sha256()
    with open(program, "rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def plan(program: Path, sweep: Sequence[str], cwd: str | None = None) -> Plan:
    """What `flashcrowd sweep` would play with these arguments, in the folder `cwd` if it is given.

    Raises `Failed` with the program's own message and exit code.
    """
    done = subprocess.run([program, "sweep", *sweep, "--plan"], capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode != 0:
        raise Failed(done.stderr.strip(), done.returncode)
    return Plan(cells=int(json.loads(done.stdout)["cells"]))
