package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.SwitchoverStatus;
import dev.outrider.operator.api.SwitchoverStatus.Phase;
import io.fabric8.kubernetes.api.model.Endpoints;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SwitchoverTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final long WAL = 640 * Bytes.MIB;

  /** A cluster of three whose primary is shop-0, and a clock; a test changes what it is about. */
  private static final class World {
    private final Map<Integer, Instance> instances = new HashMap<>();
    private final Map<String, String> failover = new HashMap<>();
    private final Map<String, String> sync = new HashMap<>();
    private @Nullable String leader = "shop-0";
    private int wanted = 3;
    private int replicas = 3;
    private boolean synchronous;
    private Instant now = NOON;
    private @Nullable String annotation;
    private @Nullable SwitchoverStatus status;

    World() {
      instances.put(0, new ExamplePod(0).primary(WAL).instance());
      instances.put(1, new ExamplePod(1).replica(WAL).instance());
      instances.put(2, new ExamplePod(2).replica(WAL).instance());
    }

    /** One run of the operator; the status is kept, Patroni's object is written. */
    Switchover.Decision run() {
      Map<String, Endpoints> endpoints = new HashMap<>();
      if (leader != null) {
        put(endpoints, Example.NAMES.scope(), Map.of("leader", leader));
      }
      put(endpoints, Example.NAMES.patroniFailover(), failover);
      put(endpoints, Example.NAMES.patroniSync(), sync);
      List<Instance> list = new ArrayList<>();
      for (int i = 0; i < 9; i++) {
        if (instances.containsKey(i)) {
          list.add(Objects.requireNonNull(instances.get(i)));
        }
      }
      Switchover.Decision decision =
          new Switchover(
                  Example.NAMES,
                  new Observed(Example.statefulSet(replicas), list, List.of(), endpoints),
                  wanted,
                  synchronous,
                  now)
              .next(annotation, status);
      status = decision.status();
      if (decision.ask() != null) {
        failover.put("leader", decision.ask().from());
        if (decision.ask().to() != null) {
          failover.put("member", decision.ask().to());
        }
        failover.put(Switchover.REQUESTED_AT, decision.ask().requestedAt());
      }
      if (decision.withdraw()) {
        patroniDropsIt();
      }
      return decision;
    }

    private static void put(
        Map<String, Endpoints> endpoints, String name, Map<String, String> annotations) {
      endpoints.put(name, Example.endpoints(name, annotations));
    }

    Switchover.Decision run(String request) {
      annotation = request;
      return run();
    }

    void later(Duration duration) {
      now = now.plus(duration);
    }

    void patroniDropsIt() {
      failover.remove("leader");
      failover.remove("member");
    }

    void becomesPrimary(int ordinal) {
      leader = "shop-" + ordinal;
      instances.put(ordinal, new ExamplePod(ordinal).primary(WAL).instance());
      patroniDropsIt();
    }

    SwitchoverStatus status() {
      return Objects.requireNonNull(status);
    }

    String reason() {
      return String.valueOf(status().reason());
    }

    void assertRefused(String request, String... words) {
      Switchover.Decision decision = run(request);
      assertEquals(Phase.Refused, status().phase(), reason());
      assertNotNull(status().finishedAt());
      for (String word : words) {
        assertTrue(reason().contains(word), reason());
      }
      assertNull(decision.ask());
      assertFalse(decision.withdraw());
      assertFalse(failover.containsKey("leader"));
      // Nothing more comes of it, ever.
      later(Duration.ofHours(1));
      SwitchoverStatus refused = status();
      assertEquals(new Switchover.Decision(refused, null, false), run());
    }
  }

  @Test
  void nothingIsDoneWithoutARequest() {
    assertEquals(new Switchover.Decision(null, null, false), new World().run());
  }

  @Test
  void aRequestIsPassedToPatroniAndFollowedToItsEnd() {
    // Given
    World world = new World();
    // When
    Switchover.Decision decision = world.run("shop-1@monday");
    // Then
    assertEquals(new Switchover.Ask("shop-0", "shop-1", "2026-11-21T12:00:00Z"), decision.ask());
    assertEquals(Phase.Requested, world.status().phase());
    assertEquals("shop-0", world.status().from());
    assertEquals("shop-1@monday", world.status().request());
    assertEquals("shop-1", world.status().target());
    // When the primary stops and nobody has taken over yet
    world.later(Duration.ofSeconds(1));
    world.leader = null;
    // Then
    assertNull(world.run().ask());
    assertEquals(Phase.Requested, world.status().phase());
    // When the other has the lock, but is not done with its promotion
    world.leader = "shop-1";
    world.patroniDropsIt();
    world.run();
    // Then
    assertEquals(Phase.Requested, world.status().phase());
    // When
    world.later(Duration.ofMillis(600));
    world.becomesPrimary(1);
    world.run();
    // Then
    assertEquals(Phase.Completed, world.status().phase());
    assertEquals("shop-1 is primary, after shop-0; it took 1.6 s", world.status().reason());
    assertEquals("2026-11-21T12:00:01.600Z", world.status().finishedAt());
    // And the value is not acted on again
    world.leader = "shop-0";
    assertNull(world.run().ask());
    assertEquals(Phase.Completed, world.status().phase());
  }

  @Test
  void anyLeavesTheChoiceToPatroni() {
    // Given
    World world = new World();
    // When
    Switchover.Decision decision = world.run("any");
    // Then
    assertEquals(new Switchover.Ask("shop-0", null, "2026-11-21T12:00:00Z"), decision.ask());
    // When
    world.becomesPrimary(2);
    world.run();
    // Then
    assertEquals(Phase.Completed, world.status().phase());
  }

  @Test
  void theSameValueCanBeUsedAgainAfterAnother() {
    // Given one that was acted on, whose mark is still on Patroni's object
    World world = new World();
    world.run("shop-1");
    world.becomesPrimary(1);
    world.run();
    world.run("shop-7");
    assertEquals(Phase.Refused, world.status().phase());
    world.becomesPrimary(0);
    world.instances.put(1, new ExamplePod(1).replica(WAL).instance());
    world.later(Duration.ofHours(1));
    // When
    Switchover.Decision decision = world.run("shop-1");
    // Then
    assertNotNull(decision.ask());
    assertNull(world.run().ask());
    assertEquals(Phase.Requested, world.status().phase());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "@now", "Shop-1", "shop 1", "shop-1 @now", "-", "shop_1", "{}"})
  void whatIsNoRequestIsRefused(String request) {
    new World().assertRefused(request, "\"" + request + "\" is not a request", "allowed is");
  }

  @Test
  void aValueThatIsTooLongIsKeptInPart() {
    // Given
    World world = new World();
    // When
    world.assertRefused("x".repeat(100_000), "is not an instance");
    // Then
    assertEquals(253, world.status().request().length());
  }

  @Test
  void anInstanceThatIsNotThereIsRefused() {
    new World()
        .assertRefused(
            "shop-7@now", "shop-7 is not an instance of this cluster", "shop-1, shop-2 and any");
  }

  @Test
  void thePrimaryItselfIsRefused() {
    new World().assertRefused("shop-0", "shop-0 is primary already");
  }

  @Test
  void aReplicaThatDoesNotStreamIsRefused() {
    // Given
    World world = new World();
    world.instances.put(
        1,
        new ExamplePod(1)
            .ready()
            .patroni("{\"state\":\"running\",\"role\":\"replica\",\"xlog_location\":1}")
            .instance());
    // Then
    world.assertRefused("shop-1", "shop-1 does not stream from the primary: it is running");
  }

  @Test
  void aReplicaThatIsNotReadyIsRefused() {
    // Given
    World world = new World();
    world.instances.put(1, new ExamplePod(1).replica(WAL).running().instance());
    // Then
    world.assertRefused("shop-1", "shop-1 is not ready");
  }

  @Test
  void aReplicaThatGoesIsRefused() {
    // Given
    World world = new World();
    world.instances.put(1, new ExamplePod(1).replica(WAL).deleted().instance());
    // Then
    world.assertRefused("shop-1", "shop-1 is being deleted");
  }

  @Test
  void aReplicaThatStaysBehindIsRefusedWithHowMuchAndTheLimit() {
    // Given
    World world = new World();
    world.instances.put(1, new ExamplePod(1).replica(WAL - 25 * Bytes.MIB).instance());
    // When
    Switchover.Decision decision = world.run("shop-1");
    // Then
    assertNull(decision.ask());
    assertEquals(Phase.Requested, world.status().phase());
    assertNull(world.status().from());
    // When
    world.later(Switchover.PATIENCE);
    decision = world.run();
    // Then
    assertNull(decision.ask());
    assertEquals(Phase.Refused, world.status().phase());
    assertEquals("shop-1 is 25 MiB of WAL behind shop-0; allowed is 1 MiB or less", world.reason());
  }

  @Test
  void whatAReplicaHasReceivedAndNotReplayedIsLagToo() {
    // Given
    World world = new World();
    world.instances.put(
        1,
        new ExamplePod(1)
            .replica(WAL)
            .patroni(
                """
                {"state":"running","role":"replica","replication_state":"streaming",\
                "xlog_location":%d,"replay_lsn":%d,"timeline":1}"""
                    .formatted(WAL, WAL - 3 * Bytes.MIB / 2))
            .instance());
    world.run("shop-1");
    // When
    world.later(Switchover.PATIENCE);
    world.run();
    // Then
    assertEquals(Phase.Refused, world.status().phase());
    assertTrue(world.reason().contains("1.5 MiB of WAL behind"), world.reason());
  }

  @Test
  void aReplicaThatCatchesUpInTimeTakesOver() {
    // Given
    World world = new World();
    world.instances.put(1, new ExamplePod(1).replica(WAL - 25 * Bytes.MIB).instance());
    world.run("shop-1");
    // When
    world.later(Duration.ofSeconds(3));
    world.instances.put(1, new ExamplePod(1).replica(WAL).instance());
    // Then
    assertNotNull(world.run().ask());
    assertEquals("shop-0", world.status().from());
  }

  @Test
  void withSynchronousReplicationOnlyASynchronousInstanceTakesOver() {
    // Given
    World world = new World();
    world.synchronous = true;
    world.sync.putAll(Map.of("leader", "shop-0", "sync_standby", "shop-2"));
    // Then
    world.assertRefused("shop-1", "shop-1 is not synchronous", "synchronous at present: shop-2");
    assertNotNull(world.run("shop-2").ask());
  }

  @Test
  void withSynchronousReplicationAnyNeedsOneThatIsSynchronous() {
    // Given
    World world = new World();
    world.synchronous = true;
    world.sync.put("leader", "shop-0");
    // Then
    world.assertRefused(
        "any", "no replica can take over", "shop-1 is not", "shop-2 is not", "present: none");
  }

  @Test
  void oneInstanceHibernationAndScalingAreRefused() {
    // Given
    World one = new World();
    one.instances.remove(1);
    one.instances.remove(2);
    one.wanted = 1;
    one.replicas = 1;
    World none = new World();
    none.instances.clear();
    none.leader = null;
    none.wanted = 0;
    none.replicas = 0;
    World up = new World();
    up.wanted = 4;
    World down = new World();
    down.wanted = 2;
    down.replicas = 2;
    // Then
    one.assertRefused("any", "only one instance");
    none.assertRefused("shop-1", "hibernated");
    up.assertRefused("shop-1", "being added or removed", "3 are there", "4 are wanted");
    down.assertRefused("shop-1", "being added or removed", "3 are there", "2 are wanted");
  }

  @Test
  void withoutAPrimaryNothingIsRequested() {
    // Given
    World world = new World();
    world.leader = null;
    // Then
    world.assertRefused("shop-1", "no instance is primary at present");
  }

  @Test
  void aSwitchoverThatSomebodyElseAskedForGoesFirst() {
    // Given
    World world = new World();
    world.failover.putAll(Map.of("leader", "shop-0", "member", "shop-2"));
    // When
    world.run("shop-1");
    // Then
    assertEquals(Phase.Refused, world.status().phase());
    assertTrue(
        world.reason().contains("another switchover is under way: from shop-0 to shop-2"),
        world.reason());
    assertEquals("shop-2", world.failover.get("member"));
  }

  @Test
  void aSecondRequestIsRefusedWhileTheFirstRuns() {
    // Given
    World world = new World();
    world.run("shop-1@first");
    // When
    Switchover.Decision second = world.run("shop-2@second");
    // Then
    assertNull(second.ask());
    assertFalse(second.withdraw());
    assertEquals("shop-1", world.failover.get("member"));
    assertEquals("shop-1@first", world.status().request());
    assertEquals(Phase.Requested, world.status().phase());
    var refused = Objects.requireNonNull(world.status().refused());
    assertEquals("shop-2@second", refused.request());
    assertEquals("the switchover shop-1@first is under way; ask again after it", refused.reason());
    // When the first is done
    world.becomesPrimary(1);
    world.run();
    // Then the second is not taken up
    assertEquals(Phase.Completed, world.status().phase());
    world.instances.put(0, new ExamplePod(0).replica(WAL).instance());
    assertNull(world.run().ask());
    assertEquals("shop-1@first", world.status().request());
    // But a third is
    assertEquals(
        new Switchover.Ask("shop-1", "shop-2", "2026-11-21T12:00:00Z"),
        world.run("shop-2@third").ask());
    assertNull(world.status().refused());
  }

  @Test
  void aRequestThatPatroniDropsHasFailed() {
    // Given
    World world = new World();
    world.run("shop-1");
    // When
    world.patroniDropsIt();
    world.run();
    // Then
    assertEquals(Phase.Failed, world.status().phase());
    assertTrue(world.reason().contains("dropped the request and shop-0 is still primary"));
  }

  @Test
  void anotherPrimaryThanAskedForIsAFailure() {
    // Given
    World world = new World();
    world.run("shop-1");
    // When
    world.becomesPrimary(2);
    world.run();
    // Then
    assertEquals(Phase.Failed, world.status().phase());
    assertEquals("shop-2 is primary now, and not shop-1", world.reason());
  }

  @Test
  void aRequestThatLeadsNowhereIsWithdrawn() {
    // Given
    World world = new World();
    world.run("shop-1");
    world.later(Switchover.LIMIT.minusMillis(1));
    assertEquals(Phase.Requested, Objects.requireNonNull(world.run().status()).phase());
    // When
    world.later(Duration.ofMillis(1));
    Switchover.Decision decision = world.run();
    // Then
    assertTrue(decision.withdraw());
    assertEquals(Phase.Failed, world.status().phase());
    assertTrue(world.reason().contains("not done within 60 s; the request was withdrawn"));
    assertFalse(world.run().withdraw());
  }

  @Test
  void aRequestOfSomebodyElseIsNotWithdrawn() {
    // Given
    World world = new World();
    world.run("shop-1");
    world.patroniDropsIt();
    world.leader = null;
    world.failover.remove(Switchover.REQUESTED_AT);
    world.failover.put("member", "shop-2");
    // When
    world.later(Switchover.LIMIT);
    // Then
    assertFalse(world.run().withdraw());
    assertEquals(Phase.Failed, world.status().phase());
  }

  @Test
  void anOperatorThatEndedBeforeItAskedAsksNow() {
    // Given a status that was written, and nothing more
    World world = new World();
    world.run("shop-1");
    world.failover.clear();
    world.later(Duration.ofSeconds(5));
    // Then
    assertEquals(new Switchover.Ask("shop-0", "shop-1", "2026-11-21T12:00:00Z"), world.run().ask());
    // And once only
    assertNull(world.run().ask());
  }

  @Test
  void anOperatorThatWasAwayFindsOutWhatCameOfIt() {
    // Given
    World world = new World();
    world.run("shop-1");
    // When
    world.becomesPrimary(1);
    world.later(Duration.ofMinutes(5));
    world.run();
    // Then
    assertEquals(Phase.Completed, world.status().phase());
  }
}
