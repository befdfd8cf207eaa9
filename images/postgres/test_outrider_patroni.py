"""Tests of outrider_patroni.py, against the Patroni that is in the image: the image build runs them.

By hand, with Patroni installed: cd images/postgres && python3 -m unittest
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
from types import SimpleNamespace

import outrider_patroni as outrider
from outrider_patroni import Facts, Observation, Record, Standby, Stuck, Watch, role_of, unready

STANDBY = Facts(running=True, in_recovery=True, state="running")
PRIMARY = Facts(running=True, in_recovery=False, may_be_primary=True, state="running")


class Clock:
    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


class Quiet(unittest.TestCase):
    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "instance.json")
        self.clock = Clock()
        self.record = Record(self.path, self.clock)

    def written(self):
        with open(self.path, encoding="utf-8") as stream:
            return json.load(stream)

    def role(self):
        return self.written()["role"]

    def wait_for_name(self, process, name):
        deadline = time.monotonic() + 10
        while process.name() != name and time.monotonic() < deadline:
            time.sleep(0.01)

    def renew(self, facts=PRIMARY, ttl=20):
        self.record.asking()
        self.record.leased(ttl, facts)


class ClockTest(unittest.TestCase):
    def test_steps_of_the_wall_clock_do_not_move_it(self):
        boot = Clock(500.0)
        clock = outrider.steady_clock(1_700_000_000.0, boot)

        boot.now += 7.5

        self.assertEqual(1_700_000_007.5, clock())

    def test_boottime_is_the_clock_of_proc_uptime(self):
        with open("/proc/uptime", encoding="utf-8") as stream:
            uptime = float(stream.read().split()[0])

        self.assertAlmostEqual(uptime, outrider.boottime(), delta=1)

    @unittest.skipIf(sys.version_info < (3, 13), "an older Python's log records ask time.time()")
    def test_log_records_keep_the_wall_clock(self):
        before, real = time.time(), time.time
        time.time = lambda: 42.0
        try:
            record = logging.makeLogRecord({})
        finally:
            time.time = real

        self.assertAlmostEqual(before, record.created, delta=5)


class RoleTest(unittest.TestCase):
    def check(self, expected, facts, now=1000.0):
        self.assertEqual(expected, role_of(facts, now)[0])

    def test_a_lease_makes_a_primary_until_it_ends(self):
        self.check("primary", PRIMARY._replace(lease_until=1000.5))
        self.check("none", PRIMARY._replace(lease_until=1000.0))
        # The lock is held and PostgreSQL starts, or is not promoted yet.
        self.check("primary", Facts(lease_until=1010.0, state="starting"))
        self.check("primary", STANDBY._replace(lease_until=1010.0))

    def test_the_leader_of_a_standby_cluster_is_a_standby(self):
        self.check("standby", STANDBY._replace(lease_until=1010.0, standby_leader=True))
        self.check("standby", STANDBY._replace(lease_until=990.0, standby_leader=True))

    def test_a_primary_without_a_lease_is_nothing(self):
        self.check("none", PRIMARY)

    def test_a_standby_that_may_become_a_primary_without_a_lease_is_nothing(self):
        self.check("standby", STANDBY)
        self.check("none", STANDBY._replace(may_be_primary=True))

    def test_a_standby_that_does_not_answer_is_what_it_was(self):
        silent = STANDBY._replace(in_recovery=None)
        self.check("standby", silent._replace(previous="standby"))
        self.check("none", silent._replace(previous="none"))
        self.check("none", silent._replace(previous="primary"))
        self.check("none", silent._replace(previous="standby", running=False))

    def test_in_maintenance_mode_no_lease_is_needed(self):
        self.check("unmanaged", PRIMARY._replace(paused=True))
        self.check("unmanaged", PRIMARY._replace(paused=True, lease_until=990.0))
        self.check("unmanaged", PRIMARY._replace(paused=True, in_recovery=None, previous="unmanaged"))
        self.check("standby", STANDBY._replace(paused=True))
        self.check("none", Facts(paused=True, state="stopped"))

    def test_none_says_why(self):
        for facts in (Facts(), PRIMARY, PRIMARY._replace(lease_until=1.0), Facts(paused=True), STANDBY._replace(may_be_primary=True)):
            self.assertTrue(role_of(facts, 1000.0)[1], facts)


class RecordTest(Quiet):
    def test_the_lease_counts_from_before_the_lock_was_asked_for(self):
        self.record.asking()
        self.clock.now += 8.0
        self.record.leased(20, PRIMARY)

        self.assertEqual({"role": "primary", "leaseUntil": 1020.0, "ttl": 20, "written": 1008.0}, self.written())

    def test_a_lease_is_never_rounded_up(self):
        self.clock.now = 1000.0009

        self.renew()

        self.assertEqual(1020.0, self.written()["leaseUntil"])

    def test_what_was_not_asked_for_is_no_lease(self):
        self.record.leased(20, PRIMARY)
        self.assertFalse(os.path.exists(self.path))

        self.renew()
        self.clock.now += 5
        self.record.leased(20, PRIMARY)
        self.assertEqual(1020.0, self.written()["leaseUntil"])

    def test_a_lost_lock_is_told_at_once(self):
        self.renew()

        self.record.unleased("another instance holds it", PRIMARY)

        self.assertEqual(("none", "another instance holds it"), (self.role(), self.written()["reason"]))

    def test_a_primary_is_not_called_a_standby_before_it_was_asked_again(self):
        self.renew(STANDBY)

        self.record.unleased("lost", STANDBY)
        self.assertEqual("none", self.role())

        self.record.update(STANDBY)
        self.assertEqual("standby", self.role())

    def test_a_standby_that_holds_no_lock_stays_one(self):
        self.record.update(STANDBY)

        self.record.unleased("does not hold it", STANDBY)

        self.assertEqual("standby", self.role())

    def test_the_end_of_a_cycle_does_not_prolong_a_lease(self):
        self.renew()
        self.clock.now += 5
        self.record.update(PRIMARY)
        self.assertEqual(1020.0, self.written()["leaseUntil"])

        self.clock.now += 16
        self.record.update(PRIMARY)
        self.assertEqual("none", self.role())

    def test_maintenance_mode_and_its_end(self):
        self.renew()
        self.renew(PRIMARY._replace(paused=True))
        self.assertEqual("unmanaged", self.role())

        # The lock is lost meanwhile, nobody else takes over.
        self.record.unleased("lost", PRIMARY._replace(paused=True))
        self.assertEqual("unmanaged", self.role())

        self.record.update(PRIMARY)
        self.assertEqual("none", self.role())

    def test_a_killed_patroni_is_followed_by_one_that_goes_on(self):
        self.renew()
        self.clock.now += 3
        successor = Record(self.path, self.clock)

        successor.adopt(postmaster_runs=True)

        self.assertEqual(1020.0, self.written()["leaseUntil"])
        successor.unleased("another holds it", PRIMARY)
        self.assertEqual("none", self.role())

    def test_an_old_record_is_not_believed_for_longer_than_it_is_true(self):
        for name, content, runs in (
            ("no postmaster", {"role": "standby", "written": 990.0}, False),
            ("its lease has ended", {"role": "primary", "leaseUntil": 999.0, "ttl": 20, "written": 979.0}, True),
            ("its lease is too long", {"role": "primary", "leaseUntil": 1900.0, "ttl": 20, "written": 990.0}, True),
            ("from before a restart of the machine", {"role": "standby", "written": 5000.0}, True),
            ("no record", [1], True),
            ("incomplete", {"role": "primary", "written": 990.0}, True),
        ):
            with self.subTest(name):
                with open(self.path, "w", encoding="utf-8") as stream:
                    json.dump(content, stream)

                Record(self.path, self.clock).adopt(runs)

                self.assertEqual("none", self.role())

    def test_an_old_standby_goes_on_while_its_postmaster_runs(self):
        self.record.update(STANDBY)

        Record(self.path, self.clock).adopt(postmaster_runs=True)

        self.assertEqual("standby", self.role())

    def test_a_record_that_cannot_be_written_is_taken_away(self):
        self.record.update(STANDBY)
        os.mkdir(self.path + ".new")

        self.renew()

        self.assertFalse(os.path.exists(self.path))

    def test_an_old_lease_that_cannot_be_renewed_ends_by_itself(self):
        self.renew()
        os.mkdir(self.path + ".new")
        self.clock.now += 2

        self.renew()
        self.assertEqual(1020.0, self.written()["leaseUntil"])

        self.record.unleased("lost", PRIMARY)
        self.assertFalse(os.path.exists(self.path))


class WatchTest(Quiet):
    def test_an_exit_is_told_at_once(self):
        ended = threading.Event()
        with subprocess.Popen(["sleep", "60"]) as process:
            watch = Watch(lambda pid: ended.set())
            watch.watch(process.pid)
            self.assertFalse(ended.wait(0.05))

            process.kill()

            self.assertTrue(ended.wait(10))
        # The number may be another process's next.
        deadline = time.monotonic() + 10
        while watch.pid is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertIsNone(watch.pid)

    def test_what_is_gone_already_is_no_error(self):
        with subprocess.Popen(["true"]) as process:
            process.wait()

        watch = Watch(self.fail)
        watch.watch(process.pid)
        watch.watch(None)

        self.assertIsNone(watch.pid)

    def test_orphans_are_ended_and_waited_for(self):
        clock, ended = Clock(), []

        class Orphan:
            def __init__(self, seconds):
                self.seconds, self.until = seconds, float("inf")

            def is_running(self):
                return clock.now < self.until

            def status(self):
                return "running"

            def kill(self):
                self.until = clock.now + self.seconds
                ended.append(self)

        def sleep(seconds):
            clock.now += seconds

        outrider.end_orphans([Orphan(0), Orphan(0.5)], clock=clock, sleep=sleep)

        self.assertEqual(2, len(ended))
        self.assertAlmostEqual(1000.5, clock.now, delta=0.02)

    def test_orphans_that_nobody_has_reaped_are_not_waited_for(self):
        import psutil

        with subprocess.Popen(["sleep", "60"]) as child:
            orphan, began = psutil.Process(child.pid), time.monotonic()

            outrider.end_orphans([orphan])

            self.assertEqual(psutil.STATUS_ZOMBIE, orphan.status())
            self.assertLess(time.monotonic() - began, 1.9)

    def test_the_log_collector_may_write_what_is_left(self):
        for title in ("postgres: logger", "postgres: shop-rw: logger ", "postgres: shop-rw: logger \0\0"):
            self.assertTrue(outrider.is_log_collector([title, ""]), title)
        for title in ("postgres: checkpointer", "postgres: logger app [local] idle", "postgres: app logger [local] INSERT"):
            self.assertFalse(outrider.is_log_collector([title]), title)
        self.assertFalse(outrider.is_log_collector([]))


class VolumeLockTest(Quiet):
    """The lock of outrider-postgres, with two processes for two containers on one volume."""

    SCRIPT = """
        set -euo pipefail
        say() { printf '%s\\n' "$*"; }
        eval "$(sed -n '/^lock_volume() {/,/^}/p' "$(command -v outrider-postgres)")"
        lock_volume
        say locked
        read -r _
    """

    def start(self):
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.pathsep.join((here, os.environ["PATH"]))
        environment = {**os.environ, "PATH": path, "PGDATA": os.path.join(self.folder, "18")}
        process = subprocess.Popen(
            ["bash", "-c", self.SCRIPT],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_the_second_waits_until_the_first_has_ended(self):
        first = self.start()
        self.assertEqual("locked\n", first.stdout.readline())
        second = self.start()
        self.assertEqual("waiting for another container on this volume to end\n", second.stdout.readline())

        first.kill()

        self.assertEqual("the other container has ended\n", second.stdout.readline())
        self.assertEqual("locked\n", second.stdout.readline())

    def test_one_that_waits_ends_when_it_is_told_to(self):
        first, second = self.start(), None
        self.assertEqual("locked\n", first.stdout.readline())
        second = self.start()
        second.stdout.readline()

        second.terminate()

        self.assertEqual(143, second.wait(10))

    def test_a_volume_that_takes_no_file_keeps_nobody_from_starting(self):
        self.folder = os.path.join(self.folder, "not there")

        self.assertTrue(self.start().stdout.readline().startswith("WARNING: cannot write "))


class SpawnTest(Quiet):
    """With the code of Patroni that starts the postmaster, and a program that stands for it."""

    def start(self, program):
        from patroni.postgresql import postmaster

        before, postmaster.multiprocessing = postmaster.multiprocessing, outrider.Spawn()
        try:
            return postmaster.PostmasterProcess.start(program, self.folder, "file", ["--option=a b"])
        finally:
            postmaster.multiprocessing = before

    def test_the_postmaster_is_nobodys_child(self):
        program = os.path.join(self.folder, "program")
        with open(program, "w", encoding="utf-8") as stream:
            stream.write('#!/bin/sh\nprintf "%s\\n" "$@" "$PATRONI_SECRET" > "$2/started"\nexec sleep 60\n')
        os.chmod(program, 0o755)
        os.environ["PATRONI_SECRET"] = "secret"
        self.addCleanup(os.environ.pop, "PATRONI_SECRET")

        process = self.start(program)

        try:
            self.assertNotEqual(os.getpid(), process.ppid())
            self.assertNotEqual(os.getsid(0), os.getsid(process.pid))
            self.wait_for_name(process, "sleep")
            with open(os.path.join(self.folder, "started"), encoding="utf-8") as stream:
                told = stream.read().splitlines()
            self.assertEqual(["-D", self.folder, "--config-file=file", "--option=a b", ""], told)
            self.assertEqual([0, 1, 2], sorted(int(name) for name in os.listdir(f"/proc/{process.pid}/fd")))
        finally:
            process.kill()

    def test_a_program_that_is_not_there(self):
        real, os_stderr = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(os_stderr, 2)
        try:
            self.assertIsNone(self.start(os.path.join(self.folder, "nothing")))
        finally:
            os.dup2(real, 2)
            os.close(real)
            os.close(os_stderr)


class HandoverTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.handover = outrider.Handover(self.clock, self.pass_time)

    def pass_time(self, seconds):
        self.clock.now += seconds

    def stop(self, received):
        """How long a callback takes that sleeps for a second, and what it returned."""
        answer = self.handover.waiting_for(received, lambda checkpoint, previous: self.handover.sleep(1) or previous)(7, 6)
        return round(self.clock.now - 1000, 2), answer

    def test_the_lock_is_released_as_soon_as_a_replica_has_everything(self):
        self.assertEqual((0.2, 6), self.stop(lambda checkpoint: checkpoint == 7 and self.clock.now >= 1000.19))

    def test_it_takes_a_second_at_most(self):
        self.assertEqual((1.0, 6), self.stop(lambda checkpoint: False))

    def test_other_sleeps_are_as_long_as_they_are(self):
        self.stop(lambda checkpoint: True)

        self.handover.sleep(2)

        self.assertEqual(1002.0, self.clock.now)
        self.assertIs(time.sleep, outrider.Handover().sleep_for)
        self.assertIs(time.monotonic, self.handover.monotonic)


class SuccessionTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.succession = outrider.Succession(self.clock, self.pass_time)

    def pass_time(self, seconds):
        self.clock.now += seconds

    def wait(self, leader, heirs=lambda: ["a-1"]):
        """Who leads in the end, and how long it took."""
        return self.succession.wait(leader, heirs), round(self.clock.now - 1000, 2)

    def test_it_waits_until_another_one_leads_and_services_have_followed(self):
        self.assertEqual(("a-1", 1.5), self.wait(lambda: "a-1" if self.clock.now >= 1000.45 else None))

    def test_it_waits_for_three_seconds_at_most(self):
        name, seconds = self.wait(lambda: None)

        self.assertIsNone(name)
        self.assertAlmostEqual(3.0, seconds, delta=0.11)

    def test_it_does_not_wait_if_nobody_is_left(self):
        self.assertEqual((None, 0.0), self.wait(lambda: None, list))


class StuckTest(unittest.TestCase):
    FED = Observation(leader="a-1", running=True, state="running", replay=100, primary=100, streaming=True)

    def setUp(self):
        self.held = False
        self.rule = Stuck(lambda: self.held)
        self.now = 1000.0

    def see(self, seen, seconds=2.5):
        """The verdict after some turns of the loop that all see the same."""
        end = self.now + seconds
        while self.now < end:
            self.now += 2.5
            verdict = self.rule.observe(self.now, seen)
        return verdict

    def test_an_idle_replica_is_well(self):
        self.assertIsNone(self.see(self.FED, 600))

    def test_replay_that_stands_for_30_seconds_while_the_primary_goes_on(self):
        self.see(self.FED, 600)

        self.assertIsNone(self.see(self.FED._replace(primary=200), 30))
        verdict = self.see(self.FED._replace(primary=300), 5)

        self.assertEqual("replay stands at 0/00000064 while a-1 goes on", verdict.reason)
        self.assertEqual(1602.5, verdict.since)
        # It is one and the same until it moves.
        self.assertIs(verdict, self.see(self.FED._replace(primary=400), 60))
        self.assertIsNone(self.see(self.FED._replace(primary=400, replay=101)))

    def test_slow_replay_is_not_stuck(self):
        for i in range(60):
            self.assertIsNone(self.see(self.FED._replace(primary=10_000, replay=100 + i)))

    def test_replay_that_is_held_on_purpose_is_not_stuck(self):
        self.held = True
        self.assertIsNone(self.see(self.FED._replace(primary=200), 120))

        self.held = False
        self.assertIsNotNone(self.see(self.FED._replace(primary=200)))

    def test_no_receiver_for_10_seconds(self):
        self.see(self.FED)
        unfed = self.FED._replace(streaming=False)

        self.assertIsNone(self.see(unfed, 10))
        self.assertEqual("no WAL receiver: nothing is streamed from a-1", self.see(unfed).reason)
        self.assertIsNone(self.see(self.FED))

    def test_replay_from_an_archive_needs_no_receiver(self):
        for i in range(60):
            self.assertIsNone(self.see(self.FED._replace(streaming=False, primary=10_000, replay=100 + i)))

    def test_postgres_that_does_not_run_for_60_seconds(self):
        down = Observation(leader="a-1", state="start failed")

        self.assertIsNone(self.see(down, 60))
        self.assertEqual("PostgreSQL does not run: start failed", self.see(down).reason)
        # Another try gives no hope yet.
        self.assertIsNotNone(self.see(down._replace(busy=True, state="starting")))
        self.assertIsNone(self.see(self.FED))

    def test_one_that_is_started_again_and_again_is_down(self):
        down, starting = Observation(leader="a-1", state="start failed"), Observation(leader="a-1", running=True, state="starting")

        for _ in range(12):
            self.assertIsNone(self.see(down))
            self.assertIsNone(self.see(starting))

        self.assertIsNotNone(self.see(down))

    def test_a_long_start_is_not_stuck(self):
        self.see(Observation(leader="a-1", state="stopped"), 30)

        self.assertIsNone(self.see(Observation(leader="a-1", running=True, state="starting"), 3600))

    def test_a_long_copy_is_not_stuck(self):
        self.assertIsNone(self.see(Observation(leader="a-1", busy=True, state="creating replica"), 3600))

    def test_nobody_is_stuck_without_a_leader_or_in_maintenance_mode(self):
        bad = self.FED._replace(streaming=False, primary=200)
        self.assertIsNotNone(self.see(bad, 30))
        for reset in (bad._replace(leader=None), bad._replace(paused=True)):
            self.assertIsNone(self.see(reset, 600))
            # And the time starts again.
            self.assertIsNone(self.see(bad, 10))


class ReadyTest(unittest.TestCase):
    WELL = Standby(running=True, streaming=True, has_streamed=True, leader_known=True, was_ready=True)

    def ready(self, **changes):
        return unready(self.WELL._replace(**changes)) is None

    def test_a_standby_is_ready_once_it_has_streamed(self):
        self.assertTrue(self.ready())
        self.assertTrue(self.ready(streaming=False))
        self.assertFalse(self.ready(streaming=False, has_streamed=False))
        self.assertFalse(self.ready(running=False))

    def test_reads_go_on_while_there_is_no_leader(self):
        self.assertTrue(self.ready(leader_known=False, streaming=False, lag=500, maximum_lag=100))
        self.assertTrue(self.ready(leader_known=False, streaming=False, has_streamed=False, was_ready=False))
        self.assertFalse(self.ready(leader_known=False, running=False))

    def test_one_that_is_stuck_is_not_ready(self):
        self.assertIn("replay stands", unready(self.WELL._replace(stuck="replay stands")))

    def test_one_that_lags_too_much_is_not_ready(self):
        self.assertTrue(self.ready(lag=1 << 40))
        self.assertTrue(self.ready(lag=100, maximum_lag=100))
        self.assertFalse(self.ready(lag=101, maximum_lag=100))

    def test_the_maximum_comes_from_the_configuration(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.assertEqual(1024, outrider.maximum_read_lag({"outrider": {"maximum_read_lag": 1024}}))
        for bad in ({}, {"outrider": None}, {"outrider": {}}, {"outrider": 7}, *(
            {"outrider": {"maximum_read_lag": value}} for value in ("16MB", -1, True, 1.5)
        )):
            self.assertIsNone(outrider.maximum_read_lag(bad), bad)


class CheckTest(unittest.TestCase):
    class Known:
        def __init__(self):
            self.attribute = 1

        def method(self, value):
            return value + self.attribute

    def check(self, version="4.1.5", name="method", parameters=("value",)):
        outrider.check(version, [(self.Known, name, parameters and list(parameters))])

    def test_the_known_one_passes(self):
        self.check()
        self.check(version="4.1.17")
        self.check(name="attribute", parameters=None)

    def test_another_one_is_refused_by_name(self):
        for message, arguments in (
            ("Patroni is 4.2.0 (expected: 4.1.x)", {"version": "4.2.0"}),
            ("Patroni 4.1.5 has no method Known.other", {"name": "other"}),
            ("Known.method takes ['value'] (expected: ['values'])", {"parameters": ("values",)}),
            ("Known has no attribute other", {"name": "other", "parameters": None}),
        ):
            with self.assertRaises(outrider.UnknownPatroni) as caught:
                self.check(**arguments)
            self.assertIn(message, str(caught.exception))


class LauncherTest(Quiet):
    """As it is started: in a process that has not imported anything of Patroni yet."""

    def run_it(self, *arguments):
        program = "import sys; sys.path.insert(0, sys.argv.pop(1)); import outrider_patroni; outrider_patroni.main()"
        here = os.path.dirname(outrider.__file__)
        return subprocess.run(
            [sys.executable, "-c", program, here, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )

    def test_it_hooks_the_patroni_that_is_here(self):
        done = self.run_it("--version")

        self.assertRegex(done.stdout, r"4\.1\.\d+\n$")
        self.assertEqual(0, done.returncode)

    def test_it_gets_as_far_as_patronis_own_checks(self):
        configuration = os.path.join(self.folder, "patroni.yaml")
        with open(configuration, "w", encoding="utf-8") as stream:
            stream.write("scope: a\n")

        done = self.run_it("--validate-config", configuration)

        self.assertIn("postgresql", done.stdout)
        self.assertNotIn("Traceback", done.stdout)


def pod(uid, deleted=None):
    return SimpleNamespace(metadata=SimpleNamespace(uid=uid, deletion_timestamp=deleted))


class HookTest(Quiet):
    """The hooks in the real Patroni, with a PostgreSQL and an API server that are made up."""

    @classmethod
    def setUpClass(cls):
        from patroni.api import RestApiHandler
        from patroni.dcs.kubernetes import Kubernetes
        from patroni.ha import Ha
        from patroni.postgresql.postmaster import PostmasterProcess

        from patroni import ha, postgresql, thread_pool
        from patroni.__main__ import Patroni
        from patroni.postgresql import Postgresql, postmaster

        thread_pool.configure_global_pool(2)
        cls.addClassCleanup(lambda: thread_pool.get_executor().shutdown())
        cls.owners = (Ha, Kubernetes, PostmasterProcess, RestApiHandler, Postgresql, postmaster, postgresql, ha, Patroni)
        cls.Ha, cls.Kubernetes, cls.Postmaster, cls.Handler = cls.owners[:4]

    def setUp(self):
        super().setUp()
        for owner in self.owners:
            self.addCleanup(self.restore, owner, dict(vars(owner)))
        # What Patroni asks of the API server.
        self.answers = {"acquire": True, "update": True, "take": True, "delete": True}
        self.seen_by_server = []
        test = self

        def patch_or_create(dcs, *args, **kwargs):
            self.patches.append(args)
            if "leader" in args[1]:
                test.seen_by_server.append(("delete", test.role()))
            return test.answers["delete"]

        def take_leader(dcs):
            return test.answers["take"]

        def touch_member(dcs, *args, **kwargs):
            test.seen_by_server.append(("touch", args[0]))
            return True

        # The signatures are Patroni's, so that the check passes.
        self.Kubernetes.patch_or_create, self.Kubernetes.take_leader = patch_or_create, take_leader
        self.Kubernetes.touch_member = touch_member
        self.pods = {"a-0": pod("uid-1")}
        self.kinds = {"shop-rw": self.lock("7", "a-0")}
        self.patches = []
        self.instance = outrider.Instance(self.record, self.clock, uid="uid-1")
        outrider.hooks(self.instance)
        self.ha = self.make_ha()
        self.instance.ha = self.ha

    @staticmethod
    def restore(owner, before):
        for name, value in before.items():
            if vars(owner).get(name) is not value and name not in ("__dict__", "__weakref__"):
                setattr(owner, name, value)
        for name in set(vars(owner)) - set(before):
            delattr(owner, name)

    def make_ha(self):
        from patroni.dcs import Cluster

        test, dcs = self, self.Kubernetes.__new__(self.Kubernetes)
        dcs._ttl = 20
        dcs.event = threading.Event()
        dcs._name = "a-0"
        # Patroni's caches of objects have nothing else of a dictionary.
        dcs._pods = SimpleNamespace(get=self.pods.get)
        dcs._kinds = SimpleNamespace(get=self.kinds.get)
        dcs._api, dcs._base_path = SimpleNamespace(use_endpoints=True), "/shop-rw"
        dcs._mpp = SimpleNamespace(is_enabled=lambda: False)
        dcs.acquire_leader_lock = lambda: test.answers["acquire"]
        dcs.update_leader = lambda *args: test.answers["update"]
        dcs._cluster_thread_lock = threading.Lock()
        dcs._cluster, dcs._cluster_valid_till = Cluster.empty(), 0
        dcs._last_failsafe = None
        self.postgres = SimpleNamespace(
            name="a-0",
            state="running",
            role="primary",
            bootstrapping=False,
            data_dir=self.folder,
            cancellable=SimpleNamespace(reset_is_cancelled=lambda: None),
            _cluster_info_state={"timeline": 1},
            is_running=lambda: SimpleNamespace(pid=None),
            config=SimpleNamespace(get=lambda *args: None),
            connection_string="postgres://10.0.0.1:5433/postgres",
            slots=dict,
        )
        watchdog = SimpleNamespace(is_running=False, keepalive=lambda: None, disable=lambda: None)
        api = SimpleNamespace(
            connection_string="https://10.0.0.1:8008/patroni", server_close=lambda: self.seen_by_server.append("closed")
        )
        ha = self.Ha(SimpleNamespace(postgresql=self.postgres, dcs=dcs, watchdog=watchdog, api=api))
        ha.touch_member = lambda: dcs.touch_member({"state": "running"})
        return ha

    @staticmethod
    def lock(version, holder):
        annotations = {"leader": holder} if holder else None
        return SimpleNamespace(metadata=SimpleNamespace(resource_version=version, annotations=annotations))

    def cycle(self, *steps):
        """A turn of Patroni's loop that does just this."""

        def run():
            for step in steps:
                step()
            return "done"

        self.ha._run_cycle = run
        self.assertEqual("done", self.ha.run_cycle())

    def test_a_start_once_more_is_no_reason_to_wait(self):
        self.ha._async_executor.schedule("restarting after failure")
        self.assertFalse(self.instance._observation(self.ha).busy)

        self.ha._async_executor.reset_scheduled_action()
        self.ha._async_executor.schedule("reinitialize")
        self.assertTrue(self.instance._observation(self.ha).busy)

    def test_a_renewed_lock_is_a_lease(self):
        self.cycle(lambda: self.ha.update_lock())
        self.assertEqual(1020.0, self.written()["leaseUntil"])

        self.clock.now += 2
        self.cycle(lambda: self.ha.update_lock())
        self.assertEqual(1022.0, self.written()["leaseUntil"])

    def test_the_lease_stands_before_patroni_promotes(self):
        self.postgres.role, self.postgres._cluster_info_state = "replica", {"timeline": 0}
        self.cycle()
        self.assertEqual("standby", self.role())

        self.cycle(lambda: self.ha.acquire_lock(), lambda: self.assertEqual("primary", self.role()))

    def test_a_lock_that_was_not_got_is_no_lease(self):
        self.postgres.role, self.postgres._cluster_info_state = "replica", {"timeline": 0}
        self.answers["acquire"] = False

        self.cycle(lambda: self.ha.acquire_lock())

        self.assertEqual("standby", self.role())

    def test_a_conflict_ends_the_lease_before_postgres_is_stopped(self):
        self.cycle(lambda: self.ha.update_lock())
        self.answers["update"] = False

        self.cycle(lambda: self.ha.update_lock(), lambda: self.assertEqual("none", self.role()))

    def test_the_lock_is_given_away_after_the_record(self):
        self.cycle(lambda: self.ha.update_lock())

        self.ha.dcs.delete_leader(None, 7)

        self.assertEqual([("delete", "none")], self.seen_by_server)

    def test_the_address_of_the_service_stays_where_a_proxy_turns_clients_away(self):
        self.cycle(lambda: self.ha.update_lock())
        for proxy, addresses in (("true", None), ("false", [])):
            with self.subTest(proxy=proxy), unittest.mock.patch.dict(os.environ, OUTRIDER_PROXY=proxy):
                self.patches.clear()

                self.assertTrue(self.ha.dcs.delete_leader(None, 7))

                self.assertEqual([("shop-rw", {"leader": None, "optime": "7"}, "7", True, False, addresses)], self.patches)

    def test_the_lock_of_another_is_not_given_away(self):
        for holder in ("a-1", None):
            self.kinds["shop-rw"] = self.lock("7", holder)
            self.assertFalse(self.ha.dcs.delete_leader(None, 7))

        self.assertEqual([], self.patches)

    def test_a_bootstrap_that_does_not_get_the_lock_is_no_primary(self):
        self.answers["take"] = False
        self.cycle(lambda: self.ha.dcs.take_leader(), lambda: self.ha.set_is_leader(True))
        self.assertEqual("none", self.role())

        self.answers["take"] = True
        self.cycle(lambda: self.ha.dcs.take_leader(), lambda: self.ha.set_is_leader(True))
        self.assertEqual("primary", self.role())

    def test_in_failsafe_mode_the_others_grant_the_lease(self):
        # The answer of the real method depends on the members; what counts is when they were asked.
        def agreed():
            self.clock.now += 9
            self.assertTrue(self.ha.check_failsafe_topology())
            self.clock.now += 2
            self.ha.set_is_leader(True)

        self.ha.dcs._last_failsafe = {"a-0": "https://a-0:8008/patroni"}
        self.cycle(lambda: self.ha.update_lock())

        self.cycle(agreed)

        self.assertEqual(1029.0, self.written()["leaseUntil"])

    def test_in_failsafe_mode_nobody_prolongs_a_lease_that_has_expired(self):
        self.ha.dcs._last_failsafe = {"a-0": "https://a-0:8008/patroni"}
        self.assertFalse(self.ha.check_failsafe_topology(), "it never had one")

        self.cycle(lambda: self.ha.update_lock())
        self.clock.now += 20

        self.assertFalse(self.ha.check_failsafe_topology())

    def test_a_replica_does_not_consent_to_one_that_only_has_the_name_of_a_member(self):
        from patroni.dcs import Cluster, Member

        known = Member(1, "a-1", None, {"conn_url": "postgres://10.0.0.2:5433/postgres"})
        self.ha.cluster = Cluster(None, None, None, None, [known], None, None, None, None, None)
        self.postgres.role, self.ha._last_wal_lsn = "replica", 7

        def asked_by(address):
            return self.ha.update_failsafe({"name": "a-1", "conn_url": f"postgres://{address}:5433/postgres", "api_url": ""})

        self.assertEqual(7, asked_by("10.0.0.2"))
        self.assertEqual("Another instance has its name", asked_by("10.0.0.9"))

    def test_a_pod_that_was_replaced_has_no_lock_and_says_nothing(self):
        self.cycle(lambda: self.ha.update_lock())
        self.assertEqual("primary", self.role())
        self.seen_by_server.clear()

        self.pods["a-0"] = pod("uid-2")
        self.assertRaises(SystemExit, self.ha.update_lock)

        self.assertEqual("another pod has the name of this one", self.written()["reason"])
        self.assertEqual([], self.seen_by_server)
        self.assertFalse(self.ha.acquire_lock())
        self.assertFalse(self.ha.check_failsafe_topology())
        self.assertFalse(self.ha.dcs.take_leader())

    def test_a_primary_that_was_replaced_gives_away_the_lock_that_it_was_the_last_to_renew(self):
        self.let_it_stop()
        for version, given in (("7", True), ("8", False)):
            with self.subTest(version=version):
                self.pods["a-0"] = pod("uid-1")
                self.kinds["shop-rw"] = self.lock("7", "a-0")
                self.cycle(lambda: self.ha.update_lock())
                self.pods["a-0"] = pod("uid-2")
                self.kinds["shop-rw"] = self.lock(version, "a-0")
                self.seen_by_server.clear()

                self.assertRaises(SystemExit, self.ha.update_lock)
                self.ha.shutdown()

                self.assertEqual(given, ("delete", "none") in self.seen_by_server)

    def refused_by_server(self, *answers):
        """A primary whose lock the API server does not let it release; the others answer this in turn."""
        from patroni.dcs import Cluster, Member

        asked, waiting = [], iter(answers)

        def request(member, method, endpoint, data, **options):
            asked.append((member.name, method, endpoint, data))
            status, text = next(waiting)
            if status is None:
                raise TimeoutError(text)
            return SimpleNamespace(status=status, data=text.encode())

        members = [Member(0, f"a-{i}", None, {"state": "running"}) for i in range(4)]
        cluster = Cluster(None, None, None, None, members, None, None, None, None, {})
        self.pods.update({"a-1": pod("uid-2"), "a-2": pod("uid-3", "2026-01-01T00:00:00Z"), "a-3": pod("uid-4")})
        self.kinds["shop-rw"] = self.lock("7", "a-0")
        self.cycle(lambda: self.ha.update_lock())
        self.ha.dcs.get_cluster = lambda: cluster
        self.ha.patroni.request = request
        self.answers["delete"] = False
        return asked

    def test_a_lock_that_it_may_not_release_is_released_by_another(self):
        asking = {"name": "a-0", "version": "7", "last_lsn": 42}
        for answers, done in (
            ([(200, "Released")], True),
            ([(None, "gone"), (200, "Released")], True),
            ([(409, "the leader lock is a-1's"), (401, "no auth header")], False),
        ):
            with self.subTest(answers=answers):
                asked = self.refused_by_server(*answers)

                self.assertEqual(done, self.ha.dcs.delete_leader(None, 42))

                self.assertEqual("none", self.role())
                names = ["a-1", "a-3"][: len(answers)]
                self.assertEqual([(name, "post", "outrider_release", asking) for name in names], asked)

    def test_nobody_is_asked_about_a_lock_that_was_written_since(self):
        asked = self.refused_by_server()
        self.kinds["shop-rw"] = self.lock("8", "a-0")

        self.assertFalse(self.ha.dcs.delete_leader(None, 42))

        self.assertEqual([], asked)

    def test_a_leader_whose_pod_was_replaced_is_still_followed(self):
        from patroni.dcs import Cluster, Leader, Member, Status, SyncState

        at_home = Member(1, "a-1", None, {"conn_url": "postgres://10.0.0.2:5433/postgres"})
        nowhere, elsewhere = Member(2, "a-1", None, {}), Member(3, "a-2", None, {})
        again = Member(4, "a-1", None, {"conn_url": "postgres://10.0.0.9:5433/postgres"})
        followed = []
        for leader in (nowhere, at_home, nowhere, elsewhere, nowhere, again, None):
            lock = leader and Leader(1, None, leader)
            cluster = Cluster("1", None, lock, Status.empty(), [], None, SyncState.empty(), None, None, {})
            self.ha.dcs.get_cluster = lambda cluster=cluster: cluster
            self.ha.load_cluster_from_dcs()
            followed.append(self.ha.cluster.leader and self.ha.cluster.leader.conn_url)

        home, later = at_home.conn_url, again.conn_url
        self.assertEqual([None, home, home, None, home, later, None], followed)

    def asked_to_release(self, asking, headers=None, holder="a-1", accepts=True):
        """The answer to a request for the release of a lock, and what was written for it."""
        written, answers = [], []

        def patch_or_create(*arguments):
            written.append(arguments)
            return accepts

        self.kinds["shop-rw"] = self.lock("9", holder)
        self.ha.dcs.patch_or_create = patch_or_create
        handler = self.Handler.__new__(self.Handler)
        handler.server = SimpleNamespace(
            patroni=SimpleNamespace(dcs=self.ha.dcs),
            check_access=lambda rh, allowlist_check_members: headers is None or rh.write_response(401, "no auth header"),
        )
        handler._read_json_content = lambda: asking
        handler.write_response = lambda status, text: answers.append((status, text))
        handler.do_POST_outrider_release()
        return answers, written

    def test_the_lock_of_one_that_has_stopped_is_released_if_nobody_has_written_it_since(self):
        asking = {"name": "a-1", "version": "7", "last_lsn": 42}
        write = ("shop-rw", {"leader": None, "optime": "42"}, "7", True, False, [])
        self.assertNotIn("OUTRIDER_PROXY", os.environ)

        self.assertEqual(([(200, "Released")], [write]), self.asked_to_release(asking))

        answers, written = self.asked_to_release(asking, accepts=False)
        self.assertEqual((409, [write]), (answers[0][0], written))

    def test_the_lock_of_nobody_else_is_released(self):
        asking = {"name": "a-1", "version": "7", "last_lsn": None}
        for holder in ("a-2", "a-0", None):
            with self.subTest(holder=holder):
                answers, written = self.asked_to_release(asking, holder=holder)
                self.assertEqual(([(409, f"the leader lock is {holder}'s")], []), (answers, written))

        own = {**asking, "name": "a-0"}
        self.assertEqual(([(409, "the leader lock is a-0's")], []), self.asked_to_release(own, holder="a-0"))

    def test_the_release_of_a_lock_is_for_who_knows_the_password(self):
        asking = {"name": "a-1", "version": "7", "last_lsn": 42}

        self.assertEqual(([(401, "no auth header")], []), self.asked_to_release(asking, headers={}))

    def test_a_request_for_release_that_says_too_little_is_refused(self):
        whole = {"name": "a-1", "version": "7", "last_lsn": 42}
        for wrong in ({"name": None}, {"version": 7}, {"last_lsn": "42"}):
            with self.subTest(wrong=wrong):
                answers, written = self.asked_to_release({**whole, **wrong})
                self.assertEqual((409, []), (answers[0][0], written))
                self.assertIn("expected: name, version and last_lsn", answers[0][1])

    def crashed_without_dcs(self):
        """A primary with a lease, whose PostgreSQL exits while the API server is away."""
        from patroni import global_config
        from patroni.dcs import Cluster, ClusterConfig, Status, SyncState

        def no_cluster():
            from patroni.exceptions import DCSError

            raise DCSError("it is away")

        config = ClusterConfig.from_node(1, json.dumps({"ttl": 20, "failsafe_mode": True}))
        global_config.update(Cluster(None, config, None, Status.empty(), [], None, SyncState.empty(), None, None, {}))
        self.addCleanup(global_config.update, None)
        self.ha.dcs._last_failsafe = {"a-0": "https://a-0:8008/patroni"}
        self.cycle(lambda: self.ha.update_lock())
        del self.ha._run_cycle
        self.ha.dcs.get_cluster = no_cluster
        self.started = threading.Event()
        self.postgres.is_running = lambda: None
        self.postgres.state = "running"
        self.postgres.config.recovery_conf_exists = lambda: False
        self.postgres.controldata = lambda: {"Database cluster state": "in production"}
        self.postgres.reset_cluster_info_state = lambda *args: None
        self.postgres.last_operation = lambda: 7
        self.postgres.set_state = lambda state: setattr(self.postgres, "state", state)
        self.postgres.start = lambda timeout, task: self.started.set()

    def test_without_the_api_server_a_primary_that_crashed_is_started_again(self):
        self.crashed_without_dcs()
        self.clock.now += 5

        info = self.ha.run_cycle()

        self.assertTrue(info.startswith("starting primary after failure"), info)
        self.assertTrue(self.started.wait(5))
        self.assertEqual(1025.0, self.written()["leaseUntil"])

    def test_without_the_api_server_nothing_is_started_that_may_be_another_s(self):
        cases = {
            "an expired lease": lambda: setattr(self.clock, "now", self.clock.now + 20),
            "a standby": lambda: setattr(self.postgres, "role", "replica"),
            "a standby signal": lambda: setattr(self.postgres.config, "recovery_conf_exists", lambda: True),
            "data of a standby": lambda: setattr(
                self.postgres, "controldata", lambda: {"Database cluster state": "in archive recovery"}
            ),
            "a failed start": lambda: setattr(self.postgres, "state", "start failed"),
            "no consent": lambda: self.ha.dcs._last_failsafe.update({"a-1": "https://127.0.0.1:1/patroni"}),
        }
        for name, change in cases.items():
            with self.subTest(name):
                self.ha = self.make_ha()
                self.crashed_without_dcs()
                change()

                self.assertEqual("DCS is not accessible", self.ha.run_cycle())
                self.assertFalse(self.started.wait(0.1))

    def test_a_shutdown_ends_it(self):
        self.cycle(lambda: self.ha.update_lock())
        self.let_it_stop()

        self.ha.shutdown()

        self.assertEqual(["closed", ("delete", "none")], self.seen_by_server[:2])
        self.assertEqual(("none", "Patroni has stopped"), (self.role(), self.written()["reason"]))

    def test_a_primary_that_is_deleted_stays_until_another_one_leads(self):
        from patroni.dcs import Cluster, Leader, Member

        members = [Member(0, name, None, {"state": "running"}) for name in ("a-0", "a-1")]
        clusters = [Cluster(None, None, leader, None, members, None, None, None, None, {}) for leader in (None, Leader(0, None, members[1]))]
        asked = []
        for deleted in (None, "2026-01-01T00:00:00Z"):
            with self.subTest(deleted=deleted):
                asked.clear()
                self.pods["a-1"] = pod("uid-2", deleted)
                self.instance.succession.wait = lambda leader, heirs: asked.extend((leader(), leader(), heirs()))
                answers = iter([*clusters, clusters[0]])
                self.ha.dcs.get_cluster = lambda answers=answers: next(answers)
                self.cycle(lambda: self.ha.update_lock())
                self.ha.is_leader = lambda: True
                self.let_it_stop()

                self.ha.shutdown()

                self.assertEqual([None, "a-1", [] if deleted else ["a-1"]], asked)
                # Nobody leads: the address of this pod goes.
                self.assertEqual(("shop-rw", {}, "7", True, False, []), self.patches[-1])

    def let_it_stop(self):
        """A PostgreSQL that stops as soon as it is told to."""
        self.postgres.is_running = lambda: None
        self.postgres.stop = lambda **kwargs: setattr(self.postgres, "state", "stopped")
        self.postgres.latest_checkpoint_locations = lambda: (1, 1)

    def test_the_address_stays_if_another_one_leads(self):
        self.instance.succession.wait = lambda *args: "a-1"
        self.cycle(lambda: self.ha.update_lock())
        self.ha.is_leader = lambda: True
        self.let_it_stop()

        self.ha.shutdown()

        self.assertEqual([{"leader": None, "optime": "1"}], [patch[1] for patch in self.patches])

    def test_one_of_the_same_name_is_not_waited_for(self):
        from patroni.__main__ import Patroni
        from patroni.dcs import Cluster, Member, Status, SyncState

        sync = SyncState.empty()
        for answers in (False, True):
            with self.subTest(answers=answers):
                asked = []

                def request(member, answers=answers, asked=asked, **options):
                    asked.append((member.name, options))
                    if not answers:
                        raise TimeoutError

                starting = Patroni.__new__(Patroni)
                starting.config = {"name": "a-0"}
                starting.logger = SimpleNamespace(update_loggers=lambda loggers: None)
                starting.request = request
                members = [Member(0, "a-0", None, {"api_url": "https://10.0.0.9:8008/patroni"})]
                cluster = Cluster("1", None, None, Status.empty(), members, None, sync, None, None, {})

                if answers:
                    self.assertRaises(SystemExit, starting.ensure_unique_name, cluster)
                else:
                    starting.ensure_unique_name(cluster)

                self.assertEqual([("a-0", {"endpoint": "/liveness", "timeout": 1, "retries": False})], asked)
                self.assertIs(request, starting.request)

    def test_a_replica_that_is_deleted_waits_for_nobody(self):
        self.instance.succession.wait = lambda *args: self.fail("it waits")
        self.ha.is_leader = lambda: False
        self.postgres.is_running = lambda: None
        self.postgres.stop = lambda **kwargs: setattr(self.postgres, "state", "stopped")

        self.ha.shutdown()

    def test_a_stopping_primary_asks_its_replicas(self):
        from patroni import ha, postgresql

        asked = []
        self.ha.is_failover_possible = lambda cluster_lsn: asked.append(cluster_lsn) or True

        for name, value in (("_do_stop", lambda *args: (args[5](7, 6) is None, True)), ("set_state", lambda *args: None)):
            self.addCleanup(setattr, postgresql.Postgresql, name, getattr(postgresql.Postgresql, name))
            setattr(postgresql.Postgresql, name, value)
        stopping = postgresql.Postgresql.__new__(postgresql.Postgresql)

        began = time.monotonic()
        stopping.stop(block_callbacks=True, checkpoint=False, on_shutdown=lambda *args: ha.time.sleep(1))

        self.assertEqual([7], asked)
        self.assertLess(time.monotonic() - began, 0.9)

    def test_a_record_that_fails_does_not_break_patroni(self):
        self.instance.facts = None

        self.cycle(lambda: self.assertTrue(self.ha.update_lock()))

        self.assertTrue(self.ha.is_leader())

    def test_an_exit_of_the_postmaster_wakes_the_loop(self):
        with subprocess.Popen(["sleep", "60"]) as process:
            self.postgres.is_running = lambda: process
            self.cycle()

            process.kill()

            self.assertTrue(self.ha.dcs.event.wait(10))

    def test_a_stuck_replica_is_published_once_and_the_same_each_turn(self):
        from patroni.dcs import Cluster, Leader, Member, Status, SyncState

        leader = Leader(1, None, Member(1, "a-1", None, {}))
        cluster = Cluster("1", None, leader, Status(900, None, []), [], None, SyncState.empty(), None, None)
        self.ha.dcs._cluster, self.ha.dcs._cluster_valid_till = cluster, float("inf")
        self.postgres.role = "replica"
        self.postgres._cluster_info_state = {"timeline": 0, "replay_lsn": 100, "receiver_state": None}

        for _ in range(6):
            self.clock.now += 2.5
            self.cycle()
        self.clock.now += 60
        self.ha.touch_member()

        published = [data["outrider"] for kind, data in self.seen_by_server if kind == "touch"]
        self.assertEqual(2, len(published))
        self.assertEqual(published[0], published[1])
        self.assertEqual("no WAL receiver: nothing is streamed from a-1", published[0]["stuck"]["reason"])
        self.assertRegex(published[0]["stuck"]["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

        self.postgres._cluster_info_state = {"timeline": 0, "replay_lsn": 900, "receiver_state": "streaming"}
        self.cycle()
        self.assertNotIn("outrider", self.seen_by_server[-1][1])

    def test_readiness_is_ours(self):
        status = {"state": "running", "role": "replica", "postmaster_start_time": 1, "replication_state": "streaming"}
        handler = self.Handler.__new__(self.Handler)
        handler.get_postgresql_status = lambda: status
        handler.server = SimpleNamespace(patroni=SimpleNamespace(ha=self.ha, dcs=self.ha.dcs, config={}))

        self.assertIsNone(handler._readiness())
        # It does not stream for a moment, and nobody leads: reads go on.
        status["replication_state"] = None
        self.assertIsNone(handler._readiness())
        status["state"] = "unknown"
        self.assertIn("does not run", handler._readiness())

    def test_the_leader_is_ready(self):
        self.cycle(lambda: self.ha.update_lock())
        handler = self.Handler.__new__(self.Handler)
        handler.server = SimpleNamespace(patroni=SimpleNamespace(ha=self.ha))

        self.assertIsNone(handler._readiness())

    def test_a_postmaster_that_was_not_reaped_yet_has_ended(self):
        with subprocess.Popen(["sleep", "60"]) as child:
            process = self.Postmaster(child.pid)
            process._postmaster_pid = {"start_time": "0", "data_dir": self.folder}
            self.assertTrue(process.is_running())

            child.kill()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

            self.assertFalse(process.is_running())
            self.assertFalse(process._is_postmaster_process())

    def test_a_postmaster_is_known_by_its_folder_when_the_clock_was_set(self):
        sleep = os.path.join(self.folder, "postgres")
        os.symlink("/bin/sleep", sleep)
        # A child of init, as a postmaster is.
        file = os.path.join(self.folder, "pid")
        script = f"cd {self.folder}; ({sleep} 60 & echo $! > {file}) > /dev/null 2>&1"
        subprocess.run(["sh", "-c", script], check=True, timeout=5)
        with open(file, encoding="utf-8") as stream:
            pid = int(stream.read())
        process = self.Postmaster(pid)
        try:
            self.wait_for_name(process, "postgres")
            process._postmaster_pid = {"start_time": "12345", "data_dir": self.folder}
            self.assertTrue(process._is_postmaster_process())
            process._postmaster_pid = {"start_time": "12345", "data_dir": "/elsewhere"}
            self.assertFalse(process._is_postmaster_process())
        finally:
            process.kill()


if __name__ == "__main__":
    unittest.main()
