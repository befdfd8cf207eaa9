"""Patroni as Outrider runs it: with a record of the lease for the proxy, and an eye on the replica.

Everything that Patroni decides stays Patroni's. What is added, by wrapping some of its methods:

1. A clock that nobody can set: Patroni ages the leader lock with time.time(), and a step of the
   wall clock must neither end a lease nor prolong it.
2. The record of this instance, /run/postgresql/instance.json, by which the proxy knows whether
   clients may reach this PostgreSQL (class Record).
3. A postmaster that exits is noticed at once, not at the next turn of the loop (class Watch), and a
   new one is started without loading Patroni a second time (class Spawn).
4. A primary that hands over does so as soon as a replica has everything (class Handover), and not
   after pauses of a second each. Then it stays until another one leads (class Succession).
5. Whether this replica is stuck (class Stuck), published with the member's data, and readiness
   that follows from it (function unready).
6. A pod that was made again under its name elsewhere while this one still runs: the lock knows
   names only, so this one leaves it alone (functions is_replaced and is_impostor), and a lease that
   has expired is not prolonged by the consent of the replicas (failsafe mode). A primary that sees it
   stops in good order, and gives the lock away if nobody has renewed it since.
7. A primary whose PostgreSQL exits while the API server is away: it is started again, if the lease
   still stands and all other instances consent to it (function restart_without_dcs). Patroni would
   wait for the API server.
8. A primary that has stopped and to which the API server does not listen any more, since its pod was
   deleted without a grace period, has another instance give its lock away (functions
   have_it_released and release_for). The lock would stand for its whole ttl otherwise, or until
   the next pod of its name is there. Until then the other instances go on with what they knew of
   it, although its new pod has told nothing yet: they still follow it, and get the last of its WAL
   (function with_known_leader).
9. The Service keeps the address of a primary that gives its lock away until another one leads
   (function release). Patroni takes it away, and kube-proxy, which sets up routes once a second, then
   lets the next primary wait for its own.

What decides is in functions and classes that know nothing of Patroni; hooks() ties them to it.
"""

import datetime
import functools
import inspect
import json
import logging
import math
import os
import select
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import NamedTuple, Optional

RECORD = "/run/postgresql/instance.json"

# Seconds, see Stuck.
REPLAY_STANDS = 30
NO_RECEIVER = 10
NOT_RUNNING = 60
# What pg_controldata says of a primary that was not stopped, or was just being stopped.
WAS_PRIMARY = ("in production", "in crash recovery", "shutting down", "shut down")
# The path of Patroni's REST API by which one instance has another give its lock away.
RELEASE = "outrider_release"
# What Patroni does again and again for one that exits; while it comes up it is seen to run. A turn of
# the loop is as long as such a start, so that each could find Patroni at work on the next.
STARTING_AGAIN = "restarting after failure"
# A postmaster that lived for less has not come up.
COMES_UP = 10

logger = logging.getLogger("outrider")


def boottime():
    """Seconds since the machine's start, with the time that it slept. The clock of /proc/uptime."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def steady_clock(wall, boot):
    """A time.time() that goes on from `wall` with the pace of the clock `boot`."""
    offset = wall - boot()
    return lambda: offset + boot()


# --- the record ---------------------------------------------------------------------------------


class Facts(NamedTuple):
    """What the role in the record follows from."""

    paused: bool = False  # maintenance mode
    lease_until: Optional[float] = None  # on the clock of boottime(); None: the lock is not held
    running: bool = False  # PostgreSQL runs and accepts connections
    in_recovery: Optional[bool] = None  # None: it did not answer
    may_be_primary: bool = False  # it is being promoted, or bootstrapped, or was a primary just now
    standby_leader: bool = False  # the lock makes no primary of it
    replaced: bool = False  # another pod has its name
    state: str = "starting"  # in Patroni's words
    previous: str = "none"  # the role in the record so far


def role_of(facts, now):
    """The role, and for "none" the reason."""
    # Nothing but Patroni makes a primary of a standby. So one that does not answer right now is
    # what it was.
    if facts.replaced:
        return "none", "another pod has the name of this one"
    in_recovery = facts.in_recovery
    if in_recovery is None and facts.previous in ("standby", "unmanaged"):
        in_recovery = facts.previous == "standby"

    standby = facts.running and in_recovery is True and not facts.may_be_primary
    if facts.paused:
        if standby:
            return "standby", None
        if facts.running and in_recovery is False:
            return "unmanaged", None
        return "none", f"Patroni is paused and PostgreSQL is {facts.state}"
    if facts.lease_until is not None and not (facts.standby_leader and standby):
        if facts.lease_until > now:
            return "primary", None
        return "none", "the leader lock was not renewed in time"
    if standby:
        return "standby", None
    if facts.running and in_recovery is False:
        return "none", "PostgreSQL is a primary, but this instance does not hold the leader lock"
    if facts.running and in_recovery is True:
        return "none", "PostgreSQL is being promoted or bootstrapped without the leader lock"
    return "none", f"PostgreSQL is {facts.state}"


class Record:
    """The file. Its lease is counted from just before Patroni asked for it.

    Rules, in the order in which they matter:
    - it never promises more than Patroni has: nobody else takes the lock before leaseUntil, since
      the others count its age from when they see it renewed, which is later;
    - "primary" stands in it before Patroni promotes, "none" before Patroni gives the lock away;
    - when it cannot be written, it is taken away, unless it expires by itself anyway.
    """

    def __init__(self, path=RECORD, clock=boottime):
        self.path = path
        self.clock = clock
        # Patroni's loop and its long actions (a switchover) are different threads.
        self.lock = threading.RLock()
        self.role = "none"
        self.lease_until = None
        self.asked = None

    def adopt(self, postmaster_runs):
        """Goes on with the record of a Patroni that was killed while its PostgreSQL ran on."""
        with self.lock:
            try:
                with open(self.path, encoding="utf-8") as stream:
                    old = json.load(stream)
                now = self.clock()
                if 0 <= now - old["written"] and postmaster_runs:
                    if old["role"] == "primary" and now < old["leaseUntil"] <= now + old["ttl"]:
                        self.role, self.lease_until = "primary", float(old["leaseUntil"])
                        return
                    if old["role"] in ("standby", "unmanaged"):
                        self.role = old["role"]
                        return
            except FileNotFoundError:
                pass
            except (OSError, ValueError, KeyError, TypeError) as error:
                logger.warning("The old record %s is of no use: %r", self.path, error)
            self.write("none", reason="Patroni is starting")

    def asking(self):
        """Patroni is about to ask for the lock, or in failsafe mode all the others."""
        self.asked = self.clock()

    def is_leased(self):
        """Whether the lease that was got last is still good."""
        with self.lock:
            return self.lease_until is not None and self.clock() < self.lease_until

    def leased(self, ttl, facts):
        """It has got what it asked for last, for `ttl` seconds."""
        with self.lock:
            # Nothing is known to count from: Patroni has found a way to the lock that is not hooked.
            if self.asked is None:
                return
            self.lease_until, self.asked = self.asked + ttl, None
            self.update(facts, ttl=ttl)

    def unleased(self, reason, facts):
        """Patroni has lost the lock, or is about to release it."""
        with self.lock:
            self.lease_until = None
            if self.role != "primary":
                return
            if facts.paused:
                self.update(facts)
            else:
                # Whether it is in recovery again, the end of the cycle will tell.
                self.write("none", reason=reason)

    def update(self, facts, ttl=None):
        """Writes what follows from the facts."""
        with self.lock:
            facts = facts._replace(lease_until=self.lease_until, previous=self.role)
            role, reason = role_of(facts, self.clock())
            # The lease has been written when it was renewed.
            if role == "primary" and self.role == "primary" and ttl is None:
                return
            self.write(role, reason, ttl)

    def write(self, role, reason=None, ttl=None):
        record = {"role": role}
        if role == "primary":
            # Downwards, never a moment too long.
            record["leaseUntil"] = math.floor(self.lease_until * 1000) / 1000
            record["ttl"] = ttl if ttl is not None else math.ceil(self.lease_until - self.clock())
        record["written"] = round(self.clock(), 3)
        if reason:
            record["reason"] = reason
        before, self.role = self.role, role
        if role != before:
            logger.info("Record of the instance: %s%s", role, f", {reason}" if reason else "")
        try:
            with open(self.path + ".new", "w", encoding="utf-8") as stream:
                json.dump(record, stream)
            os.rename(self.path + ".new", self.path)
        except OSError as error:
            logger.error("Cannot write %s, clients may be cut off: %s", self.path, error)
            # An old lease ends by itself, and until then it is true. Any other content is not.
            if not before == role == "primary":
                self.remove()

    def remove(self):
        for path in (self.path, self.path + ".new"):
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass
            except OSError as error:
                logger.error("Cannot remove %s either: %s", path, error)


# --- names --------------------------------------------------------------------------------------


def is_replaced(own, pod):
    """Whether the pod of this name is another one than that in which this runs.

    own: the uid of this pod, or None where it is not known
    pod: what the API server has told last of the pod of this name, or None
    """
    return bool(own and pod and pod.metadata.uid and pod.metadata.uid != own)


def is_impostor(asking, members):
    """Whether a primary that asks to go on without the API server is not the member of its name.

    asking: the body of its POST /failsafe
    members: as they were known last, with their names and data
    """
    known = next((member.data.get("conn_url") for member in members if member.name == asking.get("name")), None)
    return known is not None and known != asking.get("conn_url")


# --- the postmaster -----------------------------------------------------------------------------


class Watch:
    """Calls `ended(pid)`, in a thread of its own, when the process that it watches has exited."""

    def __init__(self, ended):
        self.ended = ended
        self.pid = None

    def watch(self, pid):
        if pid is None or pid == self.pid:
            return
        try:
            descriptor = os.pidfd_open(pid)
        except OSError as error:
            # It is gone again already: the loop sees that by itself.
            logger.debug("Cannot watch the postmaster %s: %s", pid, error)
            return
        self.pid = pid
        threading.Thread(target=self._wait, args=(pid, descriptor), name="postmaster", daemon=True).start()

    def _wait(self, pid, descriptor):
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll()
        finally:
            os.close(descriptor)
            if self.pid == pid:
                self.pid = None
        self.ended(pid)


def end_orphans(processes, limit=2.0, clock=time.monotonic, sleep=time.sleep):
    """Ends the processes of a postmaster that is gone, and waits until they are.

    A new postmaster refuses to start while one of them is attached to the old shared memory. They
    go by themselves as soon as they notice, but one that computes does not notice. It is what the
    postmaster does when one of them crashes, since what they share can no longer be trusted.

    One that nobody has reaped yet is gone: it is attached to nothing. The shell that is the first
    process of the container takes seconds for that.

    processes: with the methods kill(), is_running() and status() of psutil.Process
    """
    started = clock()
    for process in processes:
        try:
            process.kill()
        except Exception as error:  # pylint: disable=broad-except  # gone in this moment
            logger.debug("Cannot end %s: %r", process, error)
    while clock() - started < limit and any(process.is_running() and not is_zombie(process) for process in processes):
        sleep(0.01)


def is_zombie(process):
    """Whether a psutil.Process has exited; true also if nothing is known of it any more."""
    import psutil

    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_log_collector(arguments):
    """Whether it is the one process that outlives its postmaster in good order.

    It is not attached to the shared memory, writes what is left in its pipe, and ends.
    """
    return bool(arguments) and arguments[0].rstrip("\0 ").endswith(": logger")


class Spawn:
    """Starts the postmaster, in the place of multiprocessing's "spawn" in patroni.postgresql.postmaster.

    Patroni must not be the parent of the postmaster, so it starts a process in between, by which it
    loads Python and itself once more: half a second and more of one processor, at each start of
    PostgreSQL. The process in between needs none of that.
    """

    SCRIPT = (
        "import os, sys; descriptor = int(sys.argv[1]); os.set_inheritable(descriptor, False); os.setsid(); "
        "os.write(descriptor, b'%d' % os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ))"
    )

    def get_context(self, method):
        assert method == "spawn", method
        return self

    def Pipe(self, duplex):  # pylint: disable=invalid-name
        assert not duplex
        reader, self.writer = os.pipe()
        return SimpleNamespace(recv=lambda: self._receive(reader)), self.writer

    def Process(self, target, args):  # pylint: disable=invalid-name
        assert target.__name__ == "pg_ctl_start", target
        writer, command, environment = args
        return SimpleNamespace(start=lambda: self._start(writer, command, environment), join=lambda: self.between.wait())

    def _start(self, writer, command, environment):
        try:
            self.between = subprocess.Popen(
                [sys.executable, "-IS", "-c", self.SCRIPT, str(writer), *command], env=environment, pass_fds=[writer]
            )
        finally:
            os.close(writer)

    @staticmethod
    def _receive(reader):
        """The number of the postmaster, or None as Patroni's own says where it could not be started."""
        with os.fdopen(reader) as stream:
            return int(stream.read() or 0) or None


class Handover:
    """The time of patroni.ha: sleeps less where a primary that has stopped waits for its replicas.

    Patroni gives them a second to receive the last record, then it looks whether one of them has
    it, and if so it releases the lock. Here it looks all the time, and the second is the most that
    it takes.
    """

    def __init__(self, clock=time.monotonic, sleep=time.sleep):
        self.clock, self.sleep_for = clock, sleep
        # A handover runs in one thread, and others sleep for other reasons.
        self.thread = threading.local()

    def __getattr__(self, name):
        return getattr(time, name)

    def waiting_for(self, received, then):
        """`then`, a callback of Patroni; its sleeps end as soon as received(its first argument)."""

        def hooked(checkpoint, *rest):
            self.thread.received = lambda: received(checkpoint)
            try:
                return then(checkpoint, *rest)
            finally:
                self.thread.received = None

        return hooked

    def sleep(self, seconds):
        received = getattr(self.thread, "received", None)
        end = self.clock() + seconds
        while received is not None and self.clock() < end - 0.05:
            if received():
                return
            self.sleep_for(0.05)
        self.sleep_for(max(0.0, end - self.clock()))


class Succession:
    """The end of a primary that has handed over: it waits until another one leads.

    With its last container a pod loses its network, and from then on packets to its address are
    lost. Until the Service leads elsewhere, that costs a client seconds for each attempt, and a
    replica, which asks all instances how far they are before it takes over, two. While the pod is
    there, both are refused at once.
    """

    # Seconds for another one to lead, and for Services to follow: kube-proxy waits for up to a second.
    LEADS, FOLLOWS = 3.0, 1.0

    def __init__(self, clock=time.monotonic, sleep=time.sleep):
        self.clock, self.sleep = clock, sleep

    def wait(self, leader, heirs):
        """Waits, and returns who leads; None if nobody does.

        leader: asked for the name of who leads, or None
        heirs: asked whether there is anybody who may
        """
        end = self.clock() + self.LEADS
        while self.clock() < end:
            name = leader()
            if name:
                self.sleep(self.FOLLOWS)
                return name
            if not heirs():
                return None
            self.sleep(0.1)
        return None


# --- stuck, and ready ---------------------------------------------------------------------------


class Observation(NamedTuple):
    """A replica in one turn of the loop."""

    leader: Optional[str] = None  # the leader's name, if it is another instance
    paused: bool = False
    busy: bool = False  # Patroni copies, rewinds or stops PostgreSQL, not only starts it once more
    running: bool = False  # there is a postmaster
    state: str = ""  # in Patroni's words
    replay: Optional[int] = None  # None: not in recovery, or no answer
    primary: Optional[int] = None  # the last position that the primary has told
    streaming: bool = False


class Verdict(NamedTuple):
    kind: str
    since: float
    reason: str


def lsn(position):
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:08X}"


class Stuck:
    """Whether a replica is stuck: the rule of docs/postgrescluster.md, "Replicas that are stuck".

    Its clock starts again with everything that is a sign of life. It says nothing while there is
    no other leader to follow, and nothing in maintenance mode.

    excused: asked before replay that stands is held against the replica; true if that is what
        somebody wants (recovery_min_apply_delay, queries that replay waits for)
    """

    def __init__(self, excused=lambda: False):
        self.excused = excused
        self.verdict = None
        self._forget()

    def _forget(self):
        self.replay = self.behind_since = self.unfed_since = self.down_since = self.up_since = None

    def observe(self, now, seen):
        """Returns a Verdict or None; the same object for as long as it is the same trouble."""
        if seen.leader is None or seen.paused:
            self._forget()
            self.verdict = None
            return None
        self._note(now, seen)
        found = self._judge(now, seen)
        if found is None or self.verdict is None or found.kind != self.verdict.kind:
            self.verdict = found
        return self.verdict

    def _note(self, now, seen):
        if not seen.running:
            self.up_since, self.down_since = None, self.down_since or now
        else:
            self.up_since = self.up_since or now
            # One that is started again and again and exits each time is down all the while.
            if seen.replay is not None or now - self.up_since >= COMES_UP:
                self.down_since = None
        if not seen.running or seen.replay is None:
            self.replay = self.behind_since = self.unfed_since = None
            return
        moved = self.replay is not None and self.replay != seen.replay
        self.replay = seen.replay
        if seen.primary is None or seen.primary <= seen.replay:
            self.behind_since = None
        elif moved or self.behind_since is None:
            self.behind_since = now
        if seen.streaming or moved:
            self.unfed_since = None
        elif self.unfed_since is None:
            self.unfed_since = now

    def _judge(self, now, seen):
        def lasts(since, seconds):
            return since is not None and now - since >= seconds

        # While Patroni works on it there is hope, but not of another outcome than last time.
        was_down = self.verdict is not None and self.verdict.kind == "down"
        if lasts(self.down_since, NOT_RUNNING) and (was_down or not seen.busy):
            return Verdict("down", self.down_since, f"PostgreSQL does not run: {seen.state}")
        if lasts(self.unfed_since, NO_RECEIVER):
            reason = f"no WAL receiver: nothing is streamed from {seen.leader}"
            return Verdict("unfed", self.unfed_since, reason)
        if lasts(self.behind_since, REPLAY_STANDS) and not self.excused():
            reason = f"replay stands at {lsn(seen.replay)} while {seen.leader} goes on"
            return Verdict("behind", self.behind_since, reason)
        return None


class Standby(NamedTuple):
    """What the readiness of an instance that is not the leader follows from."""

    running: bool  # in recovery, and it answers
    streaming: bool
    has_streamed: bool  # since its start
    leader_known: bool
    was_ready: bool  # at the last probe, of the same postmaster
    stuck: Optional[str] = None  # the reason
    lag: int = 0  # bytes that are not replayed yet
    maximum_lag: Optional[int] = None


def unready(standby):
    """Why no reads should go to it, or None."""
    if not standby.running:
        return "PostgreSQL does not run as a standby, or does not answer"
    # Nobody can be followed: what it has is what there is to read.
    if not standby.leader_known and standby.was_ready:
        return None
    if standby.stuck is not None:
        return f"stuck: {standby.stuck}"
    if standby.leader_known and not (standby.streaming or standby.has_streamed):
        return "it has not streamed from the primary since its start"
    if standby.maximum_lag is not None and standby.lag > standby.maximum_lag:
        return f"{standby.lag} bytes behind the primary (at most {standby.maximum_lag})"
    return None


def maximum_read_lag(configuration):
    """outrider.maximum_read_lag of patroni.yaml: bytes, or None."""
    section = configuration.get("outrider") or {}
    value = section.get("maximum_read_lag") if isinstance(section, dict) else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        logger.error("outrider.maximum_read_lag is %r (expected: bytes, a whole number >= 0)", value)
        return None
    return value


# --- Patroni ------------------------------------------------------------------------------------


class UnknownPatroni(Exception):
    """Patroni is not the one that the hooks are made for."""


def check(version, known):
    """Refuses a Patroni whose version, methods or attributes are not the known ones.

    known: (class, name of a method, names of its parameters after self), or
        (class, name of an attribute that its __init__ sets, None)
    """
    if version.split(".")[:2] != ["4", "1"]:
        raise UnknownPatroni(f"Patroni is {version} (expected: 4.1.x)")
    for owner, name, parameters in known:
        if parameters is None:
            if name not in owner.__init__.__code__.co_names:
                raise UnknownPatroni(f"Patroni {version}: {owner.__name__} has no attribute {name}")
            continue
        method = inspect.getattr_static(owner, name, None)
        if isinstance(method, staticmethod):
            method = method.__func__
        if not inspect.isfunction(method):
            raise UnknownPatroni(f"Patroni {version} has no method {owner.__name__}.{name}")
        found = list(inspect.signature(method).parameters)[1:]
        if found != parameters:
            raise UnknownPatroni(
                f"Patroni {version}: {owner.__name__}.{name} takes {found} (expected: {parameters})"
            )


def guarded(function):
    """What is added to Patroni must not break it."""

    @functools.wraps(function)
    def wrapper(*args):
        try:
            return function(*args)
        except Exception:  # pylint: disable=broad-except
            logger.exception("outrider: %s failed", function.__name__)
            return None

    return wrapper


def release(dcs, version, last_lsn):
    """Takes the holder from the leader lock, if that still has this version; whether it was done.

    As Kubernetes.delete_leader, but the Service's address stays where a proxy turns clients away.
    """
    annotations = {dcs._LEADER: None}
    if last_lsn:
        annotations[dcs._OPTIME] = str(last_lsn)
    addresses = None if os.environ.get("OUTRIDER_PROXY") == "true" else []
    return bool(dcs.patch_or_create(dcs.leader_path, annotations, version, True, False, addresses))


def lock_of(dcs):
    """The object with the leader lock as it is known here, or None."""
    return dcs._kinds.get(dcs.leader_path)


def holder_of(dcs, lock):
    """Whose name stands in the leader lock, or None."""
    return lock and (lock.metadata.annotations or {}).get(dcs._LEADER)


class Instance:
    """The instance that Patroni runs, seen through Patroni's objects."""

    def __init__(self, record, clock=boottime, uid=None):
        self.record = record
        self.uid = uid
        self.clock = clock
        self.watch = Watch(self._postmaster_ended)
        self.stuck = Stuck(self._replay_is_held)
        self.succession = Succession()
        self.ha = None
        # The version of the lock when this instance renewed it last.
        self.lock_version = None
        # The leader as it was when it told last where it is.
        self.known_leader = None
        # take_leader() has failed, and Patroni has not noticed yet.
        self.refused = False
        # The verdict that is published, and since when that is.
        self.verdict, self.since = None, None
        # Of the postmaster with this start time: it has streamed, it was ready.
        self.postmaster = None
        self.has_streamed = False
        self.was_ready = False

    # names

    @guarded
    def is_replaced(self, dcs):
        return is_replaced(self.uid, dcs._pods.get(dcs._name))

    @guarded
    def is_impostor(self, ha, asking):
        return is_impostor(asking, ha.cluster.members)

    @guarded
    def with_known_leader(self, cluster):
        """The cluster with what was known last of the leader, where that tells nothing.

        So it is when its pod is deleted without a grace period: the next one has its name, and has
        not begun. Patroni would stop to follow the leader, which still stops in good order and
        waits for its replicas.
        """
        leader = cluster.leader
        if leader and leader.conn_url:
            self.known_leader = leader.member
        elif leader and self.known_leader and leader.name == self.known_leader.name:
            known = leader._replace(member=self.known_leader)
            # As Patroni does in failsafe mode.
            return type(cluster)(*cluster[:2], known, *cluster[3:])
        return cluster

    def may_hold_the_lock(self, dcs):
        if not self.is_replaced(dcs):
            return True
        logger.error("Another pod has the name of this one: the leader lock is not for this instance")
        return False

    @guarded
    def renewed(self, dcs):
        """The lock was taken, or renewed, by this instance just now."""
        self.lock_version = lock_of(dcs).metadata.resource_version

    @guarded
    def renewed_last(self, dcs):
        """Whether nobody has written the lock since this instance did, as far as is known here.

        What Patroni writes then is refused by the API server if the lock has changed meanwhile.
        """
        return self.lock_version == lock_of(dcs).metadata.resource_version

    @guarded
    def have_it_released(self, dcs, last_lsn):
        """Asks the others, one after the other, to give away the lock that this instance held; who did, or None.

        Kubernetes refuses the token of a pod that is gone, while its containers still run.
        """
        asking = {"name": dcs._name, "version": self.lock_version, "last_lsn": last_lsn}
        for member in self._heirs(dcs):
            try:
                answer = self.ha.patroni.request(member, "post", RELEASE, asking, timeout=1, retries=False)
                if answer.status == 200:
                    logger.info("%s has released the leader lock", member.name)
                    return member.name
                logger.info("%s does not release the leader lock: %s", member.name, answer.data.decode("utf-8"))
            except Exception as error:  # pylint: disable=broad-except  # it may be ending, too
                logger.info("%s cannot be asked to release the leader lock: %r", member.name, error)
        return None

    @staticmethod
    def release_for(dcs, asking):
        """Gives away the lock of an instance that has stopped and says so; why not, or None.

        Only the version of the lock that it has written itself: the API server refuses if it was
        written since.
        """
        name, version, last_lsn = (asking.get(key) for key in ("name", "version", "last_lsn"))
        if not (isinstance(name, str) and isinstance(version, str) and isinstance(last_lsn, (int, type(None)))):
            return "expected: name, version and last_lsn of who held the leader lock"
        holder = holder_of(dcs, lock_of(dcs))
        if name != holder or name == dcs._name:
            return f"the leader lock is {holder}'s"
        if not release(dcs, version, last_lsn):
            return "the API server refuses it: the leader lock was written since"
        logger.info("%s has stopped: its leader lock is released", name)
        return None

    def leave(self, ha):
        """Ends Patroni, and PostgreSQL with it; in its main thread, where its loop runs.

        It would demote, keep the lock that it must not renew, and start a standby on a volume that
        is the other pod's.
        """
        self.record.update(self.facts(ha))
        if threading.current_thread() is threading.main_thread():
            raise SystemExit

    def may_go_on_without_dcs(self, dcs):
        if not self.record.is_leased():
            # It was stopped for longer than its lease, and another one may lead.
            logger.error("The lease has expired: it is not prolonged without the API server")
            return False
        return self.may_hold_the_lock(dcs)

    @guarded
    def restart_without_dcs(self, ha):
        """Starts the PostgreSQL of a primary that has exited; what is done, or None.

        It is what Patroni does where it holds the lock (Ha.recover), with the consent of the others in
        the place of the lock, as where PostgreSQL runs on (Ha._handle_dcs_error).
        """
        from patroni import global_config
        from patroni.postgresql.misc import PostgresqlRole, PostgresqlState

        postgres = ha.state_handler
        if (
            ha.is_paused()
            or not ha.is_failsafe_mode()
            or ha.is_standby_cluster()
            or ha._async_executor.busy
            or postgres.role != PostgresqlRole.PRIMARY
            or postgres.is_running()
            or postgres.state not in (PostgresqlState.RUNNING, PostgresqlState.STARTING, PostgresqlState.CRASHED)
            or postgres.config.recovery_conf_exists()
            or postgres.controldata().get("Database cluster state") not in WAS_PRIMARY
            or not ha.check_failsafe_topology()
        ):
            return None
        postgres.set_state(PostgresqlState.CRASHED)
        action = "starting primary after failure"
        refused = ha._async_executor.try_run_async(
            action, postgres.start, args=(global_config.primary_start_timeout, ha._async_executor.critical_task)
        )
        if refused is not None:
            return None
        ha.set_is_leader(True)
        ha._failsafe.set_is_active(time.time())
        ha.recovering = True
        return action + " because failsafe mode is enabled and all members are accessible"

    # the record

    @staticmethod
    def _fresh(ha):
        """What PostgreSQL has told Patroni in this cycle, or an empty dictionary."""
        told = ha.state_handler._cluster_info_state
        return {} if "error" in told else told

    def facts(self, ha):
        postgres, told = ha.state_handler, self._fresh(ha)
        in_recovery = not told["timeline"] if "timeline" in told else None
        return Facts(
            paused=ha.is_paused(),
            running=postgres.state == "running" and bool(postgres.is_running()),
            in_recovery=in_recovery,
            may_be_primary=postgres.bootstrapping
            or ha._async_executor.scheduled_action == "promote"
            or postgres.role not in ("replica", "standby_leader"),
            standby_leader=ha.is_standby_cluster(),
            replaced=self.is_replaced(ha.dcs),
            state=str(postgres.state),
        )

    @guarded
    def leadership(self, ha, value):
        refused, self.refused = self.refused, False
        if value and not refused:
            self.record.leased(ha.dcs.ttl, self.facts(ha))
        else:
            self.record.unleased("this instance does not hold the leader lock", self.facts(ha))

    @guarded
    def releasing(self):
        if self.ha is not None:
            self.record.unleased("the leader lock is released", self.facts(self.ha))

    @guarded
    def cluster_loaded(self, ha, paused):
        """The end of the maintenance mode, seen before Patroni acts on it."""
        if self.record.role == "unmanaged" and not paused:
            self.record.update(self.facts(ha)._replace(paused=False))

    @guarded
    def after_cycle(self, ha):
        self.record.update(self.facts(ha))
        postmaster = ha.state_handler.is_running()
        self.watch.watch(postmaster.pid if postmaster else None)
        self._look_for_trouble(ha)

    @guarded
    def stopped(self, ha):
        # In maintenance mode PostgreSQL is left alone.
        if not ha.is_paused():
            self.record.unleased("Patroni has stopped", self.facts(ha))
            if not ha.state_handler.is_running():
                self.record.write("none", "Patroni has stopped")

    @guarded
    def stopping(self, ha):
        """Patroni stops: its REST API answers nobody any more, but the kernel still takes connections.

        The other instances ask it before one of them takes over, and would wait for two seconds.
        """
        ha.patroni.api.server_close()

    @guarded
    def handed_over(self, ha):
        """Patroni has stopped as the leader: waits for the next."""
        if ha.is_paused() or ha.state_handler.is_running():
            return
        name = self.succession.wait(lambda: self._leader(ha.dcs), lambda: [heir.name for heir in self._heirs(ha.dcs)])
        logger.info("%s", f"{name} leads now" if name else "Nobody leads yet")
        if name is None:
            # Nobody answers at the Service's address when this pod is gone: better none than that.
            ha.dcs.patch_or_create(ha.dcs.leader_path, {}, lock_of(ha.dcs).metadata.resource_version, True, False, [])

    @staticmethod
    def _leader(dcs):
        leader = dcs.get_cluster().leader
        return leader.name if leader else None

    @staticmethod
    def _heirs(dcs):
        """The running instances whose pods nobody has deleted."""
        return [
            member
            for member, pod in ((member, dcs._pods.get(member.name)) for member in dcs.get_cluster().members)
            if member.name != dcs._name and member.is_running and pod and not pod.metadata.deletion_timestamp
        ]

    @guarded
    def is_received(self, checkpoint):
        """Whether a replica that may take over has all up to this position."""
        return self.ha.is_failover_possible(cluster_lsn=checkpoint)

    # the postmaster

    @guarded
    def _postmaster_ended(self, pid):
        ha = self.ha
        orphans = self._backends(ha.state_handler.data_dir, pid)
        logger.info("The postmaster %s has exited%s", pid, f", ending {len(orphans)} of its processes" if orphans else "")
        end_orphans(orphans)
        ha.wakeup()

    @staticmethod
    def _backends(data_dir, postmaster):
        import psutil

        folder, found = os.path.realpath(data_dir), []
        for process in psutil.process_iter():
            try:
                if (
                    process.pid != postmaster
                    and process.name() == "postgres"
                    and process.cwd() == folder
                    and not is_log_collector(process.cmdline())
                ):
                    found.append(process)
            except psutil.Error:
                pass
        return found

    # stuck

    def _look_for_trouble(self, ha):
        before = self.stuck.verdict
        verdict = self.stuck.observe(self.clock(), self._observation(ha))
        if verdict is before:
            return
        if verdict is None:
            logger.info("This replica is no longer stuck")
        else:
            logger.warning("This replica is stuck: %s", verdict.reason)
        ha.touch_member()

    def _observation(self, ha):
        postgres, cluster, told = ha.state_handler, ha.dcs.cluster, self._fresh(ha)
        leader = cluster.leader.name if cluster and not cluster.is_unlocked() else None
        in_recovery = "timeline" in told and not told["timeline"]
        return Observation(
            leader=leader if leader != postgres.name else None,
            paused=ha.is_paused(),
            busy=ha._async_executor.busy and ha._async_executor.scheduled_action != STARTING_AGAIN,
            running=bool(postgres.is_running()),
            state=str(postgres.state),
            replay=told.get("replay_lsn") if in_recovery else None,
            primary=cluster.status.last_lsn if cluster else None,
            streaming=told.get("receiver_state") == "streaming",
        )

    @guarded
    def _replay_is_held(self):
        """True if replay waits on purpose: for a delay that was asked for, or for queries."""
        rows = self.ha.state_handler.query(
            "SELECT coalesce(wait_event_type, ''), coalesce(wait_event, '')"
            " FROM pg_catalog.pg_stat_activity WHERE backend_type = 'startup'",
            retry=False,
        )
        return any(
            kind in ("Lock", "BufferPin") or event == "RecoveryApplyDelay" or event.startswith("RecoveryConflict")
            for kind, event in rows
        )

    def published(self):
        """What goes into the member's data, or None."""
        verdict = self.stuck.verdict
        if verdict is None:
            return None
        if self.verdict is not verdict:
            # Once: the same text for as long as it is the same trouble, or each turn would write it.
            age = datetime.timedelta(seconds=self.clock() - verdict.since)
            since = datetime.datetime.now(datetime.timezone.utc) - age
            self.verdict, self.since = verdict, since.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"stuck": {"since": self.since, "reason": verdict.reason}}

    # readiness

    def readiness(self, handler):
        """Why the instance is not ready, or None; in the place of Patroni's own answer."""
        patroni = handler.server.patroni
        # It became the leader after it had been a standby, or made the database.
        if patroni.ha.is_leader():
            return None
        status = handler.get_postgresql_status()
        cluster = patroni.dcs.cluster
        streaming = status.get("replication_state") == "streaming"
        if status.get("postmaster_start_time") != self.postmaster:
            self.postmaster = status.get("postmaster_start_time")
            self.has_streamed = self.was_ready = False
        self.has_streamed = self.has_streamed or streaming
        told = max(cluster.status.last_lsn or 0 if cluster else 0, status.get("latest_end_lsn") or 0)
        verdict = self.stuck.verdict
        reason = unready(
            Standby(
                running=status.get("state") == "running" and status.get("role") in ("replica", "standby_leader"),
                streaming=streaming,
                has_streamed=self.has_streamed,
                leader_known=bool(cluster) and not cluster.is_unlocked(),
                was_ready=self.was_ready,
                stuck=verdict.reason if verdict else None,
                lag=max(0, told - ((status.get("xlog") or {}).get("replayed_location") or 0)),
                maximum_lag=maximum_read_lag(patroni.config),
            )
        )
        if self.was_ready != (reason is None):
            logger.info("Readiness: %s", reason or "ready")
        self.was_ready = reason is None
        return reason


def hooks(instance):
    """Wraps the methods of Patroni that are named here; refuses a Patroni that is not known."""
    import psutil

    # In this order: Patroni's modules import each other, and not every one may be the first.
    from patroni import global_config
    from patroni.api import RestApiHandler, check_access
    from patroni.dcs.kubernetes import Kubernetes
    from patroni.postgresql import Postgresql, postmaster
    from patroni import ha as ha_module, postgresql
    from patroni.ha import Ha
    from patroni.postgresql.postmaster import PostmasterProcess
    from patroni.__main__ import Patroni
    from patroni.version import __version__

    for module, name in ((ha_module, "time"), (postmaster, "multiprocessing"), (postgresql, "STOP_POLLING_INTERVAL")):
        if not hasattr(module, name):
            raise UnknownPatroni(f"Patroni {__version__} has no {module.__name__}.{name}")
    check(
        __version__,
        [
            (Patroni, "ensure_unique_name", ["cluster"]),
            (Ha, "run_cycle", []),
            (Ha, "acquire_lock", []),
            (Ha, "update_lock", ["update_status"]),
            (Ha, "check_failsafe_topology", []),
            (Ha, "update_failsafe", ["data"]),
            (Ha, "_handle_dcs_error", []),
            (Ha, "_failsafe", None),
            (Ha, "recovering", None),
            (Postgresql, "start", ["timeout", "task", "block_callbacks", "role", "after_start"]),
            (Postgresql, "controldata", []),
            (Ha, "set_is_leader", ["value"]),
            (Ha, "load_cluster_from_dcs", []),
            (Ha, "shutdown", []),
            (Ha, "wakeup", []),
            (Ha, "touch_member", []),
            (Ha, "is_paused", []),
            (Ha, "is_leader", []),
            (Ha, "is_standby_cluster", []),
            (Kubernetes, "take_leader", []),
            (Kubernetes, "delete_leader", ["leader", "last_lsn"]),
            # Behind a decorator.
            (Kubernetes, "touch_member", ["args", "kwargs"]),
            (Ha, "is_failover_possible", ["cluster_lsn", "exclude_failover_candidate"]),
            (Postgresql, "is_running", []),
            (
                Postgresql,
                "stop",
                ["mode", "block_callbacks", "checkpoint", "on_safepoint", "on_shutdown", "before_shutdown", "stop_timeout"],
            ),
            (Postgresql, "query", ["sql", "params", "retry"]),
            (Postgresql, "_cluster_info_state", None),
            (Postgresql, "bootstrapping", None),
            (Ha, "_async_executor", None),
            (Ha, "patroni", None),
            (Ha, "cluster", None),
            (Kubernetes, "_pods", None),
            (Kubernetes, "_kinds", None),
            (Kubernetes, "_name", None),
            (PostmasterProcess, "_is_postmaster_process", []),
            (PostmasterProcess, "start", ["data_dir", "conf", "options"]),
            (RestApiHandler, "_readiness", []),
            (RestApiHandler, "_read_json_content", ["body_is_optional"]),
            (RestApiHandler, "write_response", ["status_code", "body", "content_type", "headers"]),
            (Kubernetes, "patch_or_create", ["args", "kwargs"]),
            (RestApiHandler, "get_postgresql_status", ["retry"]),
        ],
    )

    set_is_leader, load, run_cycle = Ha.set_is_leader, Ha.load_cluster_from_dcs, Ha.run_cycle
    take, touch = Kubernetes.take_leader, Kubernetes.touch_member
    shutdown, is_postmaster = Ha.shutdown, PostmasterProcess._is_postmaster_process
    stop, handover = Postgresql.stop, Handover()
    update_failsafe, handle_dcs_error = Ha.update_failsafe, Ha._handle_dcs_error
    ensure_unique_name = Patroni.ensure_unique_name

    def after_asking(method, may=instance.may_hold_the_lock, otherwise=lambda ha: None):
        @functools.wraps(method)
        def hooked(self, *args, **kwargs):
            if not may(self.dcs):
                otherwise(self)
                return False
            instance.record.asking()
            answer = method(self, *args, **kwargs)
            if answer:
                instance.renewed(self.dcs)
            return answer

        return hooked

    def hooked_ensure_unique_name(self, cluster):
        # The address is that of the pod before, or of this one before its node was started again: mostly
        # nobody answers there, and Patroni would wait for six seconds. One that lives answers at once.
        request = self.request
        self.request = lambda member, **options: request(member, **{**options, "timeout": 1, "retries": False})
        try:
            ensure_unique_name(self, cluster)
        finally:
            self.request = request

    def hooked_dcs_error(self):
        return instance.restart_without_dcs(self) or handle_dcs_error(self)

    def hooked_update_failsafe(self, data):
        if instance.is_impostor(self, data):
            return "Another instance has its name"
        return update_failsafe(self, data)

    def hooked_run_cycle(self):
        instance.ha = self
        info = run_cycle(self)
        instance.after_cycle(self)
        return info

    def hooked_set_is_leader(self, value):
        # Both in one, so that the record says what Patroni thinks.
        with instance.record.lock:
            set_is_leader(self, value)
            instance.leadership(self, value)

    def hooked_load(self):
        load(self)
        self.cluster = instance.with_known_leader(self.cluster) or self.cluster
        instance.cluster_loaded(self, global_config.from_cluster(self.cluster).is_paused)

    def hooked_shutdown(self):
        led = self.is_leader()
        instance.stopping(self)
        shutdown(self)
        instance.stopped(self)
        if led:
            instance.handed_over(self)

    def hooked_take(self):
        # After bootstrap Patroni does not look at the answer.
        instance.record.asking()
        instance.refused = True
        instance.refused = not instance.may_hold_the_lock(self) or not take(self)
        return not instance.refused

    def hooked_delete(self, leader, last_lsn=None):
        renewed_last = instance.renewed_last(self)
        if instance.is_replaced(self) and not renewed_last:
            return False
        instance.releasing()
        lock = lock_of(self)
        if holder_of(self, lock) != self._name:
            return False
        released = release(self, lock.metadata.resource_version, last_lsn)
        self.reset_cluster()
        if released:
            return True
        return bool(renewed_last and instance.have_it_released(self, last_lsn))

    @check_access
    def do_release(self):
        asking = self._read_json_content()
        if asking:
            refused = instance.release_for(self.server.patroni.dcs, asking)
            self.write_response(409 if refused else 200, refused or "Released")

    def hooked_stop(self, *args, on_shutdown=None, **kwargs):
        if on_shutdown is not None:
            on_shutdown = handover.waiting_for(instance.is_received, on_shutdown)
        return stop(self, *args, on_shutdown=on_shutdown, **kwargs)

    def hooked_touch(self, data):
        # What it would say is said of another.
        if instance.is_replaced(self):
            return False
        published = instance.published()
        if published:
            data["outrider"] = published
        return touch(self, data)

    def hooked_is_running(self):
        # psutil says that a process runs which has exited but was not reaped yet.
        return psutil.Process.is_running(self) and not is_zombie(self)

    def hooked_is_postmaster(self):
        if is_zombie(self):
            return False
        # Patroni compares the start times of the process and in postmaster.pid; the former follows
        # the wall clock when that is set. The folder in which it runs cannot change.
        if is_postmaster(self):
            return True
        folder = self._postmaster_pid.get("data_dir")
        return bool(
            folder
            and self.name() == "postgres"
            and self.cwd() == os.path.realpath(folder)
            and self.ppid() != os.getpid()
        )

    postmaster.multiprocessing = Spawn()
    ha_module.time = handover
    # Seconds between two looks at a PostgreSQL that stops; Patroni has 1.
    postgresql.STOP_POLLING_INTERVAL = 0.1
    Postgresql.stop = hooked_stop
    Patroni.ensure_unique_name = hooked_ensure_unique_name
    Ha.acquire_lock = after_asking(Ha.acquire_lock)
    Ha.update_lock = after_asking(Ha.update_lock, otherwise=instance.leave)
    Ha.check_failsafe_topology = after_asking(Ha.check_failsafe_topology, instance.may_go_on_without_dcs)
    Ha.update_failsafe = hooked_update_failsafe
    Ha._handle_dcs_error = hooked_dcs_error
    Ha.run_cycle = hooked_run_cycle
    Ha.set_is_leader = hooked_set_is_leader
    Ha.load_cluster_from_dcs = hooked_load
    Ha.shutdown = hooked_shutdown
    Kubernetes.take_leader = hooked_take
    Kubernetes.delete_leader = hooked_delete
    Kubernetes.touch_member = hooked_touch
    PostmasterProcess._is_postmaster_process = hooked_is_postmaster
    PostmasterProcess.is_running = hooked_is_running
    setattr(RestApiHandler, f"do_POST_{RELEASE}", do_release)
    RestApiHandler._readiness = lambda self: instance.readiness(self)


def postmaster_runs(data_dir):
    """Whether a postmaster of this folder runs already: Patroni was killed, and is started again."""
    try:
        with open(os.path.join(data_dir, "postmaster.pid"), encoding="utf-8") as stream:
            pid = int(stream.readline())
        with open(f"/proc/{abs(pid)}/comm", encoding="utf-8") as stream:
            return stream.read().strip() == "postgres"
    except (OSError, ValueError):
        return False


def main():
    # Before anything of Patroni is imported. What logs the time asks time_ns() and datetime, which
    # stay with the wall clock.
    time.time = steady_clock(time.time(), boottime)
    record = Record()
    try:
        hooks(Instance(record, uid=os.environ.get("OUTRIDER_POD_UID")))
    except (UnknownPatroni, ImportError) as error:
        sys.exit(f"outrider-patroni: ERROR: {error}")
    # Not for --version and the like.
    if not any(argument.startswith("-") for argument in sys.argv[1:]):
        record.adopt(postmaster_runs(os.environ.get("PGDATA", "")))
    from patroni.__main__ import main as patroni

    patroni()
