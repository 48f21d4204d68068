"""Sweeps on a Ray cluster: `python -m flashcrowd.ray sweep SCENARIO --over ..`.

The sweep is cut into shards (`flashcrowd sweep --shard I/N`), each of which is a task of some seconds.
A shard whose worker is lost is played again, and goes on where it was if its folder outlived the worker.
`flashcrowd sweep merge` puts the shards together, to the same bytes as one run on one machine.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Sequence

from flashcrowd import program
from flashcrowd.program import Failed

SHARDS = ".shards"
"""Where shards wait in the folder of a sweep until they are put together."""

BUSY = "another sweep is being written"
"""What the program says of a folder that another process holds."""

CONNECT_S = 5.0
"""How long an address may take to answer."""


@dataclass(frozen=True)
class Task:
    """A shard, and how it is played."""

    index: int
    """From 1."""
    of: int
    sweep: tuple[str, ...]
    """Arguments of `flashcrowd sweep`."""
    program: str
    digest: str
    """Of the program that the driver has."""
    cwd: str | None
    """Where paths of the arguments start; `None` for where the worker is."""
    folder: str | None
    """On a disk that all machines share; `None` to send the shard through the object store."""

    @property
    def name(self) -> str:
        return f"{self.index}-of-{self.of}"


def play(task: Task) -> bytes:
    """Plays a shard on a worker. Returns it as an archive, or nothing where its folder is shared.

    Raises `Failed` if the worker's program is another one, or the program fails.
    """
    own = program.find(task.program)
    if program.digest(own) != task.digest:
        raise Failed(
            f"`{own}` on {socket.gethostname()} is another program than the driver's: "
            "install the same on all machines, since another one may give other results"
        )
    if task.folder is not None:
        run(own, task, Path(task.folder))
        return b""
    with tempfile.TemporaryDirectory(prefix="flashcrowd-") as place:
        folder = Path(place, "shard")
        run(own, task, folder)
        return packed(folder)


def run(own: Path, task: Task, folder: Path) -> None:
    """Plays a shard into a folder. A worker that was lost may have left its process behind, which holds the
    folder and goes on: then there is nothing to do but to wait."""
    shard = ["--shard", f"{task.index}/{task.of}", "--out", str(folder), "--threads", "1", "--quiet"]
    while True:
        done = subprocess.run(
            [own, "sweep", *task.sweep, *shard], cwd=task.cwd, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return
        if BUSY not in done.stderr:
            raise Failed(f"shard {task.name}: {done.stderr.strip()}", done.returncode)
        time.sleep(0.5)


def packed(folder: Path) -> bytes:
    """The files of a folder as one archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        archive.add(folder, arcname=".", filter=lambda entry: None if entry.name == "./.lock" else entry)
    return out.getvalue()


def unpack(archive: bytes, folder: Path) -> None:
    """Puts an archive in its place, whole or not at all."""
    beside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        files.extractall(beside, filter="data")
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def shards_for(cells: int, seconds_a_cell: float, task_s: float, cpus: int) -> int:
    """Into how many shards a sweep is cut: tasks of about `task_s` seconds, and at least one for each CPU."""
    by_time = math.ceil(cells * seconds_a_cell / task_s)
    return max(1, min(cells, max(by_time, cpus)))


def seconds_a_cell(own: Path, sweep: Sequence[str], cells: int, cwd: str | None) -> float:
    """How long a cell takes, by one of them: its CPU time, and what the program takes beside."""
    with tempfile.TemporaryDirectory(prefix="flashcrowd-") as place:
        folder = Path(place, "pilot")
        shard = ["--shard", f"1/{cells}", "--out", str(folder), "--threads", "1", "--quiet"]
        done = subprocess.run([own, "sweep", *sweep, *shard], capture_output=True, text=True, check=False, cwd=cwd)
        if done.returncode != 0:
            raise Failed(done.stderr.strip(), done.returncode)
        with open(folder / "timing.csv", newline="", encoding="utf-8") as file:
            return max(sum(float(row["cpu_s"]) for row in csv.DictReader(file)), 1e-4)


def answers(address: str) -> None:
    """Raises `Failed` if nobody listens at `HOST:PORT`: Ray itself would try for minutes."""
    place = address.removeprefix("ray://")
    if ":" not in place:
        return
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise Failed(f"no Ray cluster answers at `{address}`: {error}; see `ray status`") from error


def connect(address: str, files: str | None):
    """Connects to a cluster; gives the `ray` module."""
    answers(address)
    try:
        import ray
    except ImportError as error:
        raise Failed(f"Ray cannot be used ({error}): pip install 'ray[default]'") from error
    own = str(Path(__file__).resolve().parent.parent)
    environment: dict[str, object] = {"env_vars": {"PYTHONPATH": own}}
    if files is not None:
        environment = {"working_dir": files, "py_modules": [str(Path(own, "flashcrowd"))]}
    try:
        ray.init(address=address, runtime_env=environment, log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise Failed(f"no Ray cluster answers at `{address}`: {error}") from error
    return ray


def finished(ray, tasks: Iterator[Task], at_once: int, retries: int):
    """Plays tasks, so many at once: the driver holds no more than it must. Yields each with its archive."""
    remote = ray.remote(num_cpus=1, max_retries=retries, scheduling_strategy="SPREAD")(play)
    open_tasks: dict[object, Task] = {}
    for task in tasks:
        open_tasks[remote.remote(task)] = task
        if len(open_tasks) >= at_once:
            yield from some(ray, open_tasks)
    while open_tasks:
        yield from some(ray, open_tasks)


def some(ray, open_tasks: dict[object, Task]):
    """Those that are ready, at least one."""
    ready, _ = ray.wait(list(open_tasks), num_returns=1)
    for reference in ready:
        task = open_tasks.pop(reference)
        try:
            yield task, ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", None)
            raise (cause if isinstance(cause, Failed) else Failed(f"shard {task.name}: {error}", 1)) from error
        except ray.exceptions.RayError as error:
            raise Failed(
                f"shard {task.name} was lost with its worker, more often than --retries: {error}; "
                "the same command goes on with the shards that are there",
                1,
            ) from error


def count_of(shards: Path, make: Callable[[], int]) -> int:
    """Into how many shards this folder's sweep is cut: what was begun is gone on with."""
    file = shards / "count.json"
    if file.exists():
        return int(json.loads(file.read_text(encoding="utf-8"))["shards"])
    count = make()
    shards.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps({"shards": count}), encoding="utf-8")
    beside.rename(file)
    return count


def left(done: int, of: int, since: float) -> str:
    """`12 of 40 shards, 80 s left`."""
    if done == 0:
        return f"0 of {of} shards"
    return f"{done} of {of} shards, {(time.monotonic() - since) / done * (of - done):.0f} s left"


def sweep(args: argparse.Namespace, rest: Sequence[str]) -> int:
    """Plays a sweep on a cluster; returns the exit code of the merge."""
    own = program.find(args.program)
    # What workers read is read here, too.
    plan = program.plan(own, rest, args.files)
    out = Path(args.out).absolute()
    ray = connect(args.address, args.files)
    try:
        play_all(ray, args, rest, own, plan.cells, out / SHARDS)
    finally:
        ray.shutdown()
    merged = subprocess.run([own, "sweep", "merge", str(out / SHARDS), "--out", str(out)], check=False)
    if merged.returncode == 0:
        shutil.rmtree(out / SHARDS)
    return merged.returncode


def play_all(ray, args: argparse.Namespace, rest: Sequence[str], own: Path, cells: int, shards: Path) -> None:
    """Plays the shards that are not there yet."""
    cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def wanted() -> int:
        return args.shards or shards_for(cells, seconds_a_cell(own, rest, cells, args.files), args.task_s, cpus)

    of = min(count_of(shards, wanted), cells)
    digest = program.digest(own)

    def task(index: int) -> Task:
        return Task(
            index=index,
            of=of,
            sweep=tuple(rest),
            program=str(own),
            digest=digest,
            cwd=None if args.files else str(Path.cwd()),
            folder=str(shards / f"{index}-of-{of}") if args.results == "shared" else None,
        )

    missing = [index for index in range(1, of + 1) if not (shards / f"{index}-of-{of}" / "index.csv").exists()]
    since = time.monotonic()
    say(args, left(0, len(missing), since))
    played = finished(ray, map(task, missing), 2 * cpus, args.retries)
    for done, (shard, archive) in enumerate(played, start=1):
        if archive:
            unpack(archive, shards / shard.name)
        say(args, left(done, len(missing), since))


def say(args: argparse.Namespace, words: str) -> None:
    """Progress goes to stderr: one line that changes on a terminal, else a line now and then."""
    if args.quiet:
        return
    if sys.stderr.isatty():
        print(f"\r{words:<60}", end="", file=sys.stderr, flush=True)
    else:
        print(words, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line; what it does not know is for `flashcrowd sweep`."""
    top = argparse.ArgumentParser(prog="python -m flashcrowd.ray", description=__doc__.splitlines()[0])
    commands = top.add_subparsers(dest="command", required=True)
    own = commands.add_parser(
        "sweep",
        help="play a sweep on a cluster",
        description="All other options are those of `flashcrowd sweep`: SCENARIO --over PATH=V1,V2,.. ..",
        allow_abbrev=False,
    )
    own.add_argument("--out", required=True, help="folder of the sweep; what it holds is not played again")
    own.add_argument("--address", default="auto", help="of the cluster: auto, HOST:PORT or ray://HOST:PORT")
    own.add_argument("--program", help="the program, at the same place on all machines; `flashcrowd` of the path")
    own.add_argument("--files", help="folder that is sent to workers and in which they play; the same as here if not")
    own.add_argument(
        "--results",
        choices=["store", "shared"],
        default="store",
        help="shards come back through the object store, or OUT is on a disk that all machines share",
    )
    own.add_argument("--task-s", type=float, default=10.0, help="about how many seconds a task takes")
    own.add_argument("--shards", type=int, help="so many shards instead")
    own.add_argument("--retries", type=int, default=5, help="how often a shard is played again whose worker was lost")
    own.add_argument("--quiet", action="store_true", help="no progress")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    args, rest = parser().parse_known_args(arguments)
    for option in ("--shard", "--threads", "--format", "--plan"):
        if any(word == option or word.startswith(f"{option}=") for word in rest):
            print(f"error: `{option}` is decided here", file=sys.stderr)
            return 2
    if args.task_s <= 0 or (args.shards is not None and args.shards < 1) or args.retries < 0:
        print("error: --task-s, --shards and --retries: expected a positive number", file=sys.stderr)
        return 2
    try:
        return sweep(args, rest)
    except Failed as failed:
        words = failed.message
        print(words if words.startswith("error") else f"error: {words}", file=sys.stderr)
        return failed.code


if __name__ == "__main__":
    sys.exit(main())
