"""Sweeps on a real Ray cluster of two nodes on this machine.

Run with `python -m unittest discover -s python/tests` and FLASHCROWD set to the program; skipped, and said
so, where Ray or the program is missing.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flashcrowd import program, ray as sweeps

try:
    import ray
    from ray.cluster_utils import Cluster
except ImportError:
    ray = None

PROGRAM = os.environ.get("FLASHCROWD") or shutil.which("flashcrowd")

SCENARIO = """(
    horizon: "48h",
    replicates: 2,
    pools: {"p": (gpu: "L40S", gpus_per_node: 1, max_nodes: 4, min_nodes: 1, gpu_price: "2/h")},
    services: {
        "chat": (
            serving: Slots(4),
            service_time: Exponential(mean: "400ms"),
            slo: [(quantile: 0.95, limit: "3s")],
            autoscaler: QueueDepth(waiting_per_replica: 4, min: 1, max: 4),
        ),
    },
    traffic: {"t": Poisson(rate: 11)},
)
"""

OVER = ["s.ron", "--over", "pools.p.max_nodes=1,2,3,4", "--over", "load=0.5,0.6,0.7,0.8,0.9"]


def files(folder: Path) -> dict[str, bytes]:
    """All files of a sweep but what says how long it took, or who held it."""
    all_files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in all_files
        if path.name not in ("timing.csv", ".lock")
    }


@unittest.skipUnless(ray is not None and PROGRAM, "needs Ray and the program (FLASHCROWD)")
class OnRay(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.place = Path(tempfile.mkdtemp(prefix="flashcrowd-test-"))
        (cls.place / "s.ron").write_text(SCENARIO, encoding="utf-8")
        cls.before = os.getcwd()
        os.chdir(cls.place)
        subprocess.run([PROGRAM, "sweep", *OVER, "--out", "whole", "--quiet"], check=True, capture_output=True)
        cls.whole = files(cls.place / "whole")

    @classmethod
    def tearDownClass(cls) -> None:
        os.chdir(cls.before)
        shutil.rmtree(cls.place)

    def setUp(self) -> None:
        # The head has no CPUs: only nodes that may be lost play.
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        self.nodes = [self.cluster.add_node(num_cpus=1) for _ in range(2)]
        self.cluster.wait_for_nodes()

    def tearDown(self) -> None:
        ray.shutdown()
        self.cluster.shutdown()

    def sweep(self, *more: str) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = sweeps.main(
                ["sweep", *OVER, "--address", self.cluster.address, "--program", PROGRAM, "--shards", "10", *more]
            )
        return code, said.getvalue()

    def lose_a_worker(self, out: Path, count: int = 1) -> threading.Thread:
        """Kills a node, or both, as soon as some shards are there: the other one plays the rest."""

        def lose() -> None:
            shards = out / sweeps.SHARDS
            while len(list(shards.glob("*/index.csv"))) < 3:
                time.sleep(0.02)
            for node in self.nodes[:count]:
                self.cluster.remove_node(node, allow_graceful=False)

        thread = threading.Thread(target=lose)
        thread.start()
        return thread

    def test_a_lost_worker_changes_nothing_through_the_object_store(self) -> None:
        killer = self.lose_a_worker(self.place / "store")
        code, said = self.sweep("--out", "store")
        killer.join()
        self.assertEqual(code, 0, said)
        self.assertIn("10 of 10 shards", said)
        self.assertEqual(files(self.place / "store"), self.whole)

    def test_a_lost_worker_changes_nothing_on_a_shared_folder(self) -> None:
        killer = self.lose_a_worker(self.place / "shared")
        code, said = self.sweep("--out", "shared", "--results", "shared")
        killer.join()
        self.assertEqual(code, 0, said)
        self.assertEqual(files(self.place / "shared"), self.whole)

    def test_without_retries_it_ends_and_the_same_command_goes_on(self) -> None:
        # With both nodes a shard is lost that was being played, whichever played it.
        killer = self.lose_a_worker(self.place / "ended", count=2)
        code, said = self.sweep("--out", "ended", "--retries", "0")
        killer.join()
        self.assertEqual(code, 1, said)
        self.assertIn("was lost with its worker", said)
        self.assertFalse((self.place / "ended" / "sweep.csv").exists())
        self.cluster.add_node(num_cpus=1)
        code, said = self.sweep("--out", "ended")
        self.assertEqual(code, 0, said)
        self.assertNotIn("10 of 10 shards", said)
        self.assertEqual(files(self.place / "ended"), self.whole)

    def test_what_a_driver_that_was_stopped_has_is_not_played_again(self) -> None:
        shards = self.place / "again" / sweeps.SHARDS
        for index in range(1, 4):
            subprocess.run(
                [PROGRAM, "sweep", *OVER, "--shard", f"{index}/10", "--out", shards / f"{index}-of-10", "--quiet"],
                check=True,
                capture_output=True,
            )
        (shards / "count.json").write_text('{"shards": 10}', encoding="utf-8")
        code, said = self.sweep("--out", "again")
        self.assertEqual(code, 0, said)
        self.assertIn("7 of 7 shards", said)
        self.assertEqual(files(self.place / "again"), self.whole)

    def test_files_are_sent_to_workers_that_do_not_have_them(self) -> None:
        sent = self.place / "sent"
        sent.mkdir()
        shutil.copy("s.ron", sent)
        elsewhere = self.place / "elsewhere"
        elsewhere.mkdir()
        os.chdir(elsewhere)
        try:
            code, said = self.sweep("--out", str(self.place / "from-sent"), "--files", str(sent))
        finally:
            os.chdir(self.place)
        self.assertEqual(code, 0, said)
        self.assertEqual(files(self.place / "from-sent"), self.whole)

    def test_another_program_on_a_worker_is_refused(self) -> None:
        own = program.digest
        program.digest = lambda path: "0" * 64
        try:
            code, said = self.sweep("--out", "other")
        finally:
            program.digest = own
        self.assertEqual(code, 2, said)
        self.assertIn("is another program than the driver's", said)
        self.assertFalse((self.place / "other" / "sweep.csv").exists())

    def test_a_setting_that_does_not_exist_is_the_programs_own_message(self) -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = sweeps.main(["sweep", "s.ron", "--over", "pools.q.max_nodes=1", "--out", "x", "--program", PROGRAM])
        self.assertEqual(code, 2)
        self.assertIn("pools.q", said.getvalue())
        self.assertFalse((self.place / "x").exists())


@unittest.skipUnless(PROGRAM, "needs the program (FLASHCROWD)")
class WithoutACluster(unittest.TestCase):
    def run_main(self, *arguments: str) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = sweeps.main(list(arguments))
        return code, said.getvalue()

    def test_an_address_that_does_not_answer_is_named(self) -> None:
        scenario = ["@horizontal", "--over", "load=0.5,1", "--out", "never", "--program", PROGRAM]
        for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "no-such-host.invalid:6379"):
            began = time.monotonic()
            code, said = self.run_main("sweep", *scenario, "--address", address)
            self.assertEqual(code, 2, said)
            self.assertIn(f"no Ray cluster answers at `{address}`", said)
            self.assertLess(time.monotonic() - began, 30)
        self.assertFalse(Path("never").exists())

    def test_a_program_that_does_not_exist_is_named(self) -> None:
        code, said = self.run_main("sweep", "@horizontal", "--out", "never", "--program", "no-such-program")
        self.assertEqual((code, "there is no program `no-such-program`" in said), (2, True), said)

    def test_what_is_decided_here_is_refused(self) -> None:
        code, said = self.run_main("sweep", "@horizontal", "--out", "never", "--shard", "1/2")
        self.assertEqual((code, "`--shard` is decided here" in said), (2, True), said)


class Sizes(unittest.TestCase):
    def test_tasks_take_some_seconds_and_every_cpu_has_one(self) -> None:
        self.assertEqual(sweeps.shards_for(1_000_000, 0.01, 10.0, 1_000), 1_000)
        self.assertEqual(sweeps.shards_for(1_000_000, 0.1, 10.0, 1_000), 10_000)
        self.assertEqual(sweeps.shards_for(40, 60.0, 10.0, 8), 40)
        self.assertEqual(sweeps.shards_for(3, 0.001, 10.0, 8), 3)

    def test_an_archive_is_put_in_its_place_whole(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "one")
            (folder / "cells").mkdir(parents=True)
            (folder / "cells" / "a.json").write_text("{}", encoding="utf-8")
            (folder / ".lock").touch()
            other = Path(place, "other")
            other.mkdir()
            (other / "torn").touch()
            sweeps.unpack(sweeps.packed(folder), other)
            self.assertEqual(files(other), {"cells/a.json": b"{}"})


if __name__ == "__main__":
    unittest.main()
