package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.PostgresClusterStatus.InstanceStatus;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryPhase;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryStatus;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Lets the time of a small cluster pass and looks which steps are taken, and which never. */
class RecoveryTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final long HERE = 64 * Bytes.MIB;
  private static final String TIED =
      "0/2 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 1 node(s)"
          + " had untolerated taint {node.kubernetes.io/unreachable: }.";

  /** A cluster of three at a time; what one decision remembers goes into the next. */
  static final class World {
    private final Map<Integer, ExamplePod> pods = new HashMap<>();
    private final Map<Integer, String> claims = new HashMap<>();
    private final Map<String, String> endpoints = new HashMap<>(Map.of("leader", "shop-0"));
    private final Map<String, String> config = new HashMap<>(Map.of("config", "{\"ttl\":20}"));
    private final Map<String, String> failover = new HashMap<>();
    private final Map<String, NodeState> nodes = new HashMap<>();
    private String spec = "instances: 3";
    private String claimPhase = "Bound";
    private boolean leaderAlive = true;
    private @Nullable String scaling;
    private List<RecoveryStatus> memory = List.of();
    private List<InstanceStatus> before = List.of();

    World() {
      pods.put(0, new ExamplePod(0).primary(HERE));
      pods.put(1, new ExamplePod(1).replica(HERE));
      pods.put(2, new ExamplePod(2).replica(HERE));
      for (int i = 0; i < 3; i++) {
        claims.put(i, "claim-" + i);
      }
    }

    World with(int ordinal, ExamplePod pod) {
      pods.put(ordinal, pod);
      return this;
    }

    Observed observed() {
      List<Instance> instances = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        ExamplePod pod = pods.get(i);
        if (pod != null) {
          instances.add(pod.instance());
        }
      }
      List<PersistentVolumeClaim> volumes = new ArrayList<>();
      claims.forEach(
          (ordinal, uid) ->
              volumes.add(
                  new PersistentVolumeClaimBuilder()
                      .withNewMetadata()
                      .withName(Example.NAMES.claim(ordinal))
                      .withUid(uid)
                      .withAnnotations(Map.of("volume.kubernetes.io/selected-node", "node2"))
                      .endMetadata()
                      .withNewStatus()
                      .withPhase(claimPhase)
                      .endStatus()
                      .build()));
      Map<String, Endpoints> all = new HashMap<>();
      for (var entry :
          Map.of(
                  Example.NAMES.scope(), endpoints,
                  Example.NAMES.patroniConfig(), config,
                  Example.NAMES.patroniFailover(), failover)
              .entrySet()) {
        all.put(entry.getKey(), Example.endpoints(entry.getKey(), entry.getValue()));
      }
      return new Observed(Example.statefulSet(3), instances, volumes, all);
    }

    Recovery.Decision at(Instant now) {
      Recovery.Decision decision =
          Recovery.next(
              new Recovery.Facts(
                  Example.NAMES,
                  Example.wanted(spec),
                  observed(),
                  leaderAlive,
                  scaling,
                  nodes,
                  memory,
                  before),
              now);
      memory = decision.memory();
      return decision;
    }

    Recovery.@Nullable Step step(int seconds) {
      return at(NOON.plusSeconds(seconds)).step();
    }

    @Nullable RecoveryStatus of(int ordinal) {
      return memory.stream()
          .filter(m -> m.instance().equals(Example.NAMES.pod(ordinal)))
          .findFirst()
          .orElse(null);
    }

    RecoveryPhase phase(int ordinal) {
      RecoveryStatus found = of(ordinal);
      assertNotNull(found, () -> "nothing of " + ordinal + " in " + memory);
      return found.phase();
    }

    String next(int ordinal) {
      RecoveryStatus found = of(ordinal);
      assertNotNull(found, () -> "nothing of " + ordinal + " in " + memory);
      return String.valueOf(found.next());
    }
  }

  private static ExamplePod stuck(int ordinal, String uid, int startedAfterNoon) {
    return stuck(ordinal, uid, startedAfterNoon, 1, HERE - 1);
  }

  private static ExamplePod stuck(
      int ordinal, String uid, int startedAfterNoon, long timeline, long location) {
    return new ExamplePod(ordinal)
        .uid(uid)
        .stuck(timeline, location, NOON.minusSeconds(30), "replay stands still")
        .started("postgres", NOON.plusSeconds(startedAfterNoon));
  }

  /** As {@link World}, when shop-2 was restarted at 15 s and its new pod is stuck again. */
  private static World restarted() {
    World world = new World().with(2, stuck(2, "first", -3600));
    world.step(0);
    assertInstanceOf(Recovery.Restart.class, world.step(15));
    return world.with(2, stuck(2, "second", 60));
  }

  /** shop-2 in the last status. */
  private static InstanceStatus lately(@Nullable String role, @Nullable Long timeline) {
    return new InstanceStatus(
        "shop-2", role, "streaming", true, "node2", timeline, 0L, null, null, null, null, null);
  }

  /** As {@link World}, with shop-2 on a node that is lost since noon. */
  private static World homeless() {
    World world = new World();
    world.before = List.of(lately("replica", 1L));
    world.nodes.put("node2", NodeState.LOST);
    return world.with(2, new ExamplePod(2).uid("new").homeless(NOON, TIED));
  }

  @Test
  void nothingIsDoneToAHealthyCluster() {
    // When
    Recovery.Decision decision = new World().at(NOON);

    // Then
    assertEquals(Recovery.Decision.NONE, decision);
  }

  @Test
  void aStuckInstanceIsNamedAtOnceAndRestartedAfterFifteenSeconds() {
    // Given
    World world = new World().with(2, stuck(2, "first", -3600));

    // When
    assertNull(world.step(0));

    // Then
    assertEquals(RecoveryPhase.Named, world.phase(2));
    assertNull(world.step(14));
    Recovery.Step step = world.step(15);
    assertEquals(
        new Recovery.Restart(
            "shop-2",
            "first",
            "shop-2 is stuck: replay stands still. Its pod is deleted, so that it starts anew"),
        step);
    assertEquals(RecoveryPhase.Restarted, world.phase(2));
    // And again until the pod is gone, also by an operator that was restarted meanwhile
    assertInstanceOf(Recovery.Restart.class, world.step(16));
    world.with(2, stuck(2, "first", -3600).ending(NOON.plusSeconds(75)));
    assertNull(world.step(17));
    world.pods.remove(2);
    assertNull(world.step(40));
    assertEquals("it starts", world.next(2));
  }

  @Test
  void oneThatRecoversByItselfIsLeftAlone() {
    // Given
    World world = new World().with(2, stuck(2, "first", -3600));
    world.step(0);

    // When
    world.with(2, new ExamplePod(2).replica(HERE));

    // Then
    assertNull(world.step(20));
    assertEquals(List.of(), world.memory);
  }

  @Test
  void aRestartThatHelpedIsForgottenAfterTenMinutes() {
    // Given
    World world = restarted().with(2, new ExamplePod(2).uid("second").replica(HERE));

    // When
    assertNull(world.step(100));

    // Then
    assertEquals(RecoveryPhase.Restarted, world.phase(2));
    assertNull(world.step(699));
    assertNotNull(world.of(2));
    assertFalse(world.at(NOON.plusSeconds(700)).lookAgain());
    assertNull(world.of(2));
  }

  @Test
  void oneThatIsStuckAgainGetsANewCopy() {
    // Given
    World world = restarted();

    // When
    assertNull(world.step(104), "its container is not back for 45 s");
    Recovery.Step step = world.step(105);

    // Then
    assertEquals(
        new Recovery.NewCopy(
            "shop-2",
            "second",
            "data-shop-2",
            "claim-2",
            "shop-2: replay stands still. Its volume is given up and it copies the primary, which"
                + " has all that this instance had"),
        step);
    assertEquals(RecoveryPhase.NewCopy, world.phase(2));
    assertInstanceOf(Recovery.NewCopy.class, world.step(106), "until both are gone");
    world.claims.remove(2);
    world.pods.remove(2);
    assertNull(world.step(120));
  }

  @Test
  void anInstanceThatWasWellForAWhileAndIsStuckAgainGetsANewCopyToo() {
    // Given
    World world = restarted().with(2, new ExamplePod(2).uid("second").replica(HERE));
    world.step(100);
    world.with(2, stuck(2, "second", 60));

    // Then
    assertInstanceOf(Recovery.NewCopy.class, world.step(650));
  }

  /** A new copy was made at 105 s. */
  private static World copied() {
    World world = restarted();
    assertInstanceOf(Recovery.NewCopy.class, world.step(105));
    world.claims.put(2, "claim-2-new");
    return world;
  }

  @Test
  void aNewCopyThatDidNotHelpIsAMatterForAPersonForAnHour() {
    // Given
    World world = copied().with(2, stuck(2, "third", 150));

    // When
    assertNull(world.step(105 + 3599));

    // Then
    assertEquals(RecoveryPhase.PersonNeeded, world.phase(2));
    assertEquals(
        "a person must look, since the new copy made at 2026-11-21T12:01:45Z did not help; the next"
            + " one is made an hour after that at the earliest",
        world.next(2));
    assertInstanceOf(Recovery.NewCopy.class, world.step(105 + 3600));
  }

  @Test
  void aNewCopyTakesItsTime() {
    // Given
    World world =
        copied()
            .with(
                2,
                new ExamplePod(2)
                    .uid("third")
                    .running()
                    .started("postgres", NOON.plusSeconds(150))
                    .patroni(
                        """
                        {"state":"creating replica","role":"replica",\
                        "outrider":{"stuck":{"reason":"PostgreSQL does not run"}}}"""));

    // Then
    assertNull(world.step(300));
    assertNull(world.step(5 * 3600));
    assertEquals(RecoveryPhase.NewCopy, world.phase(2));
    // When it is well
    world.with(2, new ExamplePod(2).uid("third").replica(HERE));
    world.step(6 * 3600);
    world.step(6 * 3600 + 600);
    assertNull(world.of(2));
  }

  /** What makes every cure wait. */
  enum Hold {
    NO_LEADER,
    LEADER_NOT_READY,
    LEADER_GOES,
    LOCK_NOT_RENEWED,
    IS_THE_LEADER,
    SWITCHOVER,
    SCALING,
    PAUSED;

    void on(World world) {
      switch (this) {
        case NO_LEADER -> world.endpoints.remove("leader");
        case LEADER_NOT_READY -> world.with(0, new ExamplePod(0).primary(HERE).running());
        case LEADER_GOES ->
            world.with(0, new ExamplePod(0).primary(HERE).ending(NOON.plusSeconds(99999)));
        case LOCK_NOT_RENEWED -> world.leaderAlive = false;
        case IS_THE_LEADER -> world.endpoints.put("leader", "shop-2");
        case SWITCHOVER -> world.failover.put("member", "shop-1");
        case SCALING -> world.scaling = "shop-1 to take over from shop-0";
        case PAUSED -> world.config.put("config", "{\"loop_wait\":2,\"pause\": true}");
      }
    }

    void off(World world) {
      world.endpoints.put("leader", "shop-0");
      world.with(0, new ExamplePod(0).primary(HERE));
      world.leaderAlive = true;
      world.failover.clear();
      world.scaling = null;
      world.config.put("config", "{\"loop_wait\":2}");
    }
  }

  @ParameterizedTest
  @EnumSource(Hold.class)
  void aRestartWaits(Hold hold) {
    // Given
    World world = new World().with(2, stuck(2, "first", -3600));
    world.step(0);

    // When
    hold.on(world);

    // Then
    assertNull(world.step(15));
    assertTrue(world.next(2).startsWith("its restart waits for "), world.next(2));
    assertNull(world.step(3600));
    hold.off(world);
    assertInstanceOf(Recovery.Restart.class, world.step(3601));
  }

  @ParameterizedTest
  @EnumSource(Hold.class)
  void aNewCopyWaits(Hold hold) {
    // Given
    World world = restarted();

    // When
    hold.on(world);

    // Then
    assertNull(world.step(105));
    assertTrue(world.next(2).startsWith("a new copy waits for "), world.next(2));
    assertNull(world.step(3600));
    hold.off(world);
    assertInstanceOf(Recovery.NewCopy.class, world.step(3601));
  }

  @ParameterizedTest
  @EnumSource(Hold.class)
  void aNewCopyOfALostInstanceWaits(Hold hold) {
    // Given
    World world = homeless();
    world.step(15);

    // When
    hold.on(world);

    // Then
    assertNull(world.step(601));
    hold.off(world);
    assertInstanceOf(Recovery.NewCopy.class, world.step(602));
  }

  @ParameterizedTest
  @EnumSource(Hold.class)
  void aNewCopyThatWasBegunWaitsAsWell(Hold hold) {
    // Given: deciding and doing are two things, and the second did not happen
    World world = restarted();
    assertInstanceOf(Recovery.NewCopy.class, world.step(105));

    // When
    hold.on(world);

    // Then
    assertNull(world.step(110));
  }

  @ParameterizedTest
  @CsvSource({
    // timeline and position of the instance, then of the primary; whether its volume may go
    "1, 100, 1, 100, true",
    "1, 99, 1, 100, true",
    "1, 101, 1, 100, false",
    "1, 100, 2, 100, true",
    "1, 101, 2, 100, false",
    "2, 50, 1, 100, false",
    "2, 100, 1, 100, false",
    "3, 10, 12, 1000, true",
  })
  void aVolumeIsGivenUpOnlyWhereThePrimaryHasAllOfIt(
      long timeline, long location, long primaryTimeline, long primaryLocation, boolean may) {
    // Given
    World world =
        restarted()
            .with(2, stuck(2, "second", 60, timeline, location))
            .with(
                0,
                new ExamplePod(0)
                    .ready()
                    .patroni(
                        """
                        {"state":"running","role":"primary","xlog_location":%d,"timeline":%d}"""
                            .formatted(primaryLocation, primaryTimeline)));

    // When
    Recovery.Step step = world.step(105);

    // Then
    assertEquals(may, step instanceof Recovery.NewCopy, () -> String.valueOf(step));
    if (!may) {
      assertTrue(world.next(2).startsWith("its volume is kept: it was on timeline "));
      assertNull(world.step(301));
      assertEquals(RecoveryPhase.PersonNeeded, world.phase(2));
    }
  }

  @Test
  void aPrimaryThatDoesNotSayHowFarItIsIsNoSource() {
    // Given
    World world =
        restarted()
            .with(0, new ExamplePod(0).ready().patroni("{\"state\":\"running\",\"timeline\":1}"));

    // Then
    assertNull(world.step(105));
    assertEquals(
        "its volume is kept: the primary shop-0 does not say how far it is", world.next(2));
  }

  /** What is known of the lost instance from the time before. */
  @ParameterizedTest
  @CsvSource({
    "replica, 1, true",
    "replica, 2, false",
    "replica, , false",
    "primary, 1, false",
    ", 1, false",
  })
  void ofALostInstanceAReplicaOfThisPrimaryHasNothingNew(
      @Nullable String role, @Nullable Long timeline, boolean may) {
    // Given
    World world = homeless();
    world.before = List.of(lately(role, timeline));
    world.step(15);
    world.before = List.of();

    // When
    Recovery.Step step = world.step(600);

    // Then
    assertEquals(may, step instanceof Recovery.NewCopy, () -> String.valueOf(step));
  }

  @ParameterizedTest
  @CsvSource({"63, true", "65, false"})
  void ofALostPrimaryItsLastPositionCounts(long mebibytes, boolean may) {
    // Given: it was primary, and its pod was there until it was removed by force
    World world = new World();
    world.nodes.put("node1", NodeState.LOST);
    world.with(2, new ExamplePod(2).primary(mebibytes * Bytes.MIB).ending(NOON));
    assertInstanceOf(Recovery.ForceDelete.class, world.step(30));
    world.pods.remove(2);
    world.step(31);
    world.with(2, new ExamplePod(2).uid("new").homeless(NOON.plusSeconds(31), TIED));
    world.step(45);

    // When
    Recovery.Step step = world.step(700);

    // Then
    assertEquals(may, step instanceof Recovery.NewCopy, () -> world.next(2));
  }

  @Test
  void twoStuckInstancesAreCuredOneAfterTheOther() {
    // Given
    World world = new World().with(1, stuck(1, "one", -3600)).with(2, stuck(2, "two", -3600));
    world.step(0);

    // When
    Recovery.Step first = world.step(15);
    assertInstanceOf(Recovery.Restart.class, first);
    assertEquals("shop-1", first.instance());
    world.with(1, stuck(1, "one", -3600).ending(NOON.plusSeconds(75)));
    assertNull(world.step(20));
    assertEquals("its restart waits for shop-1 to be back", world.next(2));
    world.with(1, stuck(1, "one-again", 30));

    // Then
    Recovery.Step second = world.step(31);
    assertInstanceOf(Recovery.Restart.class, second);
    assertEquals("shop-2", second.instance());
    world.with(2, stuck(2, "two-again", 50));
    // And new copies
    Recovery.Step third = world.step(95);
    assertInstanceOf(Recovery.NewCopy.class, third);
    assertEquals("shop-1", third.instance());
    world.claims.put(1, "claim-1-new");
    world.with(
        1,
        new ExamplePod(1)
            .uid("one-copied")
            .running()
            .patroni("{\"state\":\"creating replica\",\"role\":\"replica\"}"));
    assertNull(world.step(100));
    assertNull(world.step(2000), "however long the first one takes");
    assertEquals("a new copy waits for the new copy of shop-1", world.next(2));
    world.with(1, new ExamplePod(1).uid("one-copied").replica(HERE));
    assertInstanceOf(Recovery.NewCopy.class, world.step(2001));
  }

  @ParameterizedTest
  @ValueSource(strings = {"instances: 0", "instances: 2"})
  void anInstanceThatIsToGoIsLeftAlone(String spec) {
    // Given
    World world = new World().with(2, stuck(2, "first", -3600));
    world.spec = spec;

    // Then
    world.step(0);
    assertNull(world.step(60));
    assertNull(world.of(2));
  }

  @ParameterizedTest
  @CsvSource({
    // node, seconds past the end of its grace period, marked by the taint manager, removed
    "LOST, 29, false, false",
    "LOST, 30, false, true",
    "READY, 3600, true, false",
    "CORDONED, 3600, true, false",
    "UNKNOWN, 30, false, false",
    "UNKNOWN, 29, true, false",
    "UNKNOWN, 30, true, true",
    ", 30, true, true",
  })
  void aPodIsRemovedByForceOnlyFromALostNode(
      @Nullable NodeState node, int seconds, boolean marked, boolean removed) {
    // Given
    World world = new World();
    ExamplePod pod = new ExamplePod(0).primary(HERE).ending(NOON);
    if (marked) {
      pod.condition("DisruptionTarget", "True", "DeletionByTaintManager", "deleting due to taint");
    }
    world.with(0, pod);
    if (node != null) {
      world.nodes.put("node1", node);
    }
    // Whether anybody leads plays no part
    world.endpoints.remove("leader");

    // When
    Recovery.Step step = world.step(seconds);

    // Then
    assertEquals(removed, step instanceof Recovery.ForceDelete, () -> String.valueOf(step));
    assertEquals(
        removed ? "uid-0" : null, step == null ? null : step.pod(), () -> String.valueOf(step));
  }

  @Test
  void anInstanceThatIsToGoIsRemovedFromALostNodeToo() {
    // Given
    World world = new World();
    world.spec = "instances: 0";
    world.nodes.put("node1", NodeState.LOST);
    world.with(2, new ExamplePod(2).replica(HERE).ending(NOON));

    // Then
    assertInstanceOf(Recovery.ForceDelete.class, world.step(30));
  }

  @ParameterizedTest
  @CsvSource({
    "'', 599, false",
    "'', 600, true",
    "1m, 59, false",
    "1m, 60, true",
    "2h, 7199, false",
    "2h, 7200, true",
    "never, 864000, false",
  })
  void aLostInstanceGetsANewVolumeAfterTheSetTime(String after, int seconds, boolean may) {
    // Given
    World world = homeless();
    if (!after.isEmpty()) {
      world.spec = "instances: 3\nrecovery: {newVolumeAfter: " + after + "}";
    }
    world.step(15);

    // When
    Recovery.Step step = world.step(seconds);

    // Then
    assertEquals(may, step instanceof Recovery.NewCopy, () -> String.valueOf(step));
    if (!may) {
      assertTrue(world.next(2).startsWith("it waits for node node2 with its volume"));
    }
  }

  @Test
  void aLostInstanceWhoseNodeComesBackKeepsItsVolume() {
    // Given
    World world = homeless();
    world.step(15);
    assertNull(world.step(599));

    // When
    world.with(2, new ExamplePod(2).uid("new").replica(HERE));

    // Then
    assertNull(world.step(600));
    assertEquals(List.of(), world.memory);
  }

  @Test
  void theVolumeOfACordonedNodeIsKept() {
    // Given
    World world = homeless();
    world.nodes.put("node2", NodeState.CORDONED);

    // Then
    world.step(15);
    assertNull(world.step(864000));
    assertTrue(world.next(2).contains("maintenance of node node2"), world.next(2));
  }

  @ParameterizedTest
  @CsvSource({
    "Bound, 0/2 nodes are available: 2 Insufficient memory., false",
    "Pending, 0/2 nodes are available: 1 node(s) had volume node affinity conflict., false",
    "Lost, 0/2 nodes are available: 1 node(s) had volume node affinity conflict., false",
    "Bound, 0/2 nodes are available: 1 node(s) had volume node affinity conflict., true",
  })
  void aVolumeIsGivenUpOnlyIfItTiesThePod(String phase, String message, boolean may) {
    // Given
    World world = homeless();
    world.claimPhase = phase;
    world.with(2, new ExamplePod(2).uid("new").homeless(NOON, message));
    world.step(15);

    // When
    Recovery.Step step = world.step(864000);

    // Then
    assertEquals(may, step instanceof Recovery.NewCopy, () -> String.valueOf(step));
  }

  @Test
  void aContainerThatFailsIsLeftToKubernetesUnlessItWasStuckBefore() {
    // Given
    ExamplePod failing =
        new ExamplePod(2)
            .uid("second")
            .running()
            .waiting("postgres", "CrashLoopBackOff", "back-off");
    World never = new World().with(2, failing);
    World stuckBefore = restarted().with(2, failing);

    // Then
    never.step(0);
    assertNull(never.step(864000));
    assertNull(stuckBefore.step(614));
    assertInstanceOf(
        Recovery.NewCopy.class,
        stuckBefore.step(615),
        "ten minutes after the restart, which was at 15 s");
  }

  @Test
  void aPodThatIsBackAndStillStartsIsLeftAlone() {
    // Given: replay of much WAL takes its time
    World world =
        restarted()
            .with(
                2,
                new ExamplePod(2)
                    .uid("second")
                    .running()
                    .started("postgres", NOON.plusSeconds(60))
                    .patroni("{\"state\":\"starting\",\"role\":\"replica\"}"));

    // Then
    assertNull(world.step(105));
    assertNull(world.step(3600));
    assertEquals("it starts", world.next(2));
  }

  @Test
  void anInstanceThatIsNotReadyForNoReasonIsOnlyRemembered() {
    // Given
    World world = new World();
    world.before = List.of(lately("replica", 1L));
    world.pods.remove(2);

    // When
    assertNull(world.step(0));

    // Then
    RecoveryStatus memory = world.of(2);
    assertNotNull(memory);
    assertEquals(RecoveryPhase.Watched, memory.phase());
    assertEquals(1L, memory.timeline());
    assertEquals("replica", memory.role());
    assertNull(memory.reason());
  }

  @Test
  void whatAnInstanceSaidLastIsRememberedBeforeItIsKnownToBeUnwell() {
    // Given an instance that is still ready, but whose Patroni has lost its PostgreSQL
    World world = new World();
    world.before = List.of(lately("replica", 1L));
    world.with(2, new ExamplePod(2).ready());
    assertNull(world.step(0));

    // When the status has forgotten it, too
    world.before = List.of(lately(null, null));
    world.with(2, new ExamplePod(2).running());
    assertNull(world.step(10));

    // Then
    RecoveryStatus memory = world.of(2);
    assertNotNull(memory);
    assertEquals(1L, memory.timeline());
    assertEquals("replica", memory.role());
  }

  @Test
  void theLockIsAliveIfItWasSeenToChange() {
    // Given
    LeaderHeartbeat first = LeaderHeartbeat.NONE.look("a", NOON);
    LeaderHeartbeat second = first.look("b", NOON.plusSeconds(5));

    // Then
    assertFalse(LeaderHeartbeat.NONE.alive(NOON));
    assertFalse(first.alive(NOON), "one look tells nothing");
    assertTrue(second.alive(NOON.plusSeconds(5)));
    assertTrue(second.look("b", NOON.plusSeconds(24)).alive(NOON.plusSeconds(25)));
    assertFalse(second.look("b", NOON.plusSeconds(25)).alive(NOON.plusSeconds(26)));
    assertFalse(second.look(null, NOON.plusSeconds(6)).alive(NOON.plusSeconds(6)));
    assertFalse(second.look(null, NOON.plusSeconds(6)).look("c", NOON.plusSeconds(7)).alive(NOON));
  }

  @ParameterizedTest
  @CsvSource({
    "ImagePullBackOff, 'image registry/x of container postgres cannot be pulled'",
    "ErrImagePull, 'image registry/x of container postgres cannot be pulled'",
    "CrashLoopBackOff, 'container postgres ends again and again'",
    "CreateContainerConfigError, 'container postgres does not start: CreateContainerConfigError"
        + " (words)'",
    "ContainerCreating, ",
    "PodInitializing, ",
  })
  void whatTheKubeletSaysIsTold(String reason, @Nullable String words) {
    // Given
    var pod = new ExamplePod(2).running().waiting("postgres", reason, "words").pod();
    pod.getStatus().getContainerStatuses().getFirst().setImage("registry/x");

    // When
    String told = Problem.of(Instance.of(pod), NOON).map(Problem::reason).orElse(null);

    // Then
    assertEquals(words, told);
  }

  @Test
  void aPodIsUnschedulableForAMomentUntilItsVolumeIsThere() {
    // Given
    Instance pod = new ExamplePod(2).homeless(NOON, TIED).instance();

    // Then
    assertTrue(Problem.of(pod, NOON.plus(Duration.ofSeconds(9))).isEmpty());
    assertTrue(Problem.of(pod, NOON.plus(Duration.ofSeconds(10))).isPresent());
  }

  @Test
  void aPositionIsWrittenAsPostgresDoes() {
    assertEquals("16/B374D848", Recovery.lsn(0x16_B374_D848L));
  }
}
