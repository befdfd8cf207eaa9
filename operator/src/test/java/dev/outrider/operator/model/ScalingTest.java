package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.ReplicationSpec;
import io.fabric8.kubernetes.api.model.Endpoints;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Walks every small state and looks for one in which a promise of {@link Scaling} does not hold,
 * then lets a simulated cluster follow the steps.
 */
class ScalingTest {
  private static final int MOST = 3;

  private static final Map<List<?>, Instance> INSTANCES = new HashMap<>();

  /** The higher the number of a replica, the further in the WAL it is. */
  private static Instance instance(int ordinal, boolean primary, boolean ready) {
    return INSTANCES.computeIfAbsent(
        List.of(ordinal, primary, ready),
        key -> {
          ExamplePod pod = new ExamplePod(ordinal);
          ExamplePod member = primary ? pod.primary(2000) : pod.replica(1000 + ordinal);
          return (ready ? member : member.running()).instance();
        });
  }

  /**
   * A state of the world.
   *
   * @param replicas of the StatefulSet, -1 where there is none
   * @param primary the ordinal that holds the lock, or -1
   * @param ready a bit for each pod
   * @param switchover whether one is under way
   */
  private record State(
      int wanted, int replicas, int pods, int primary, int ready, boolean switchover) {
    boolean isReady(int ordinal) {
      return (ready & (1 << ordinal)) != 0;
    }

    Observed observed() {
      List<Instance> instances = new ArrayList<>();
      for (int i = 0; i < pods; i++) {
        // The higher the number, the further in the WAL.
        instances.add(instance(i, i == primary, isReady(i)));
      }
      Map<String, Endpoints> endpoints = new HashMap<>();
      if (primary >= 0) {
        endpoints.put(
            Example.NAMES.scope(),
            Example.endpoints(Example.NAMES.scope(), Map.of("leader", Example.NAMES.pod(primary))));
      }
      if (switchover) {
        endpoints.put(
            Example.NAMES.patroniFailover(),
            Example.endpoints(
                Example.NAMES.patroniFailover(), Map.of("leader", "shop-2", "member", "shop-0")));
      }
      return new Observed(
          replicas < 0 ? null : Example.statefulSet(replicas), instances, List.of(), endpoints);
    }

    Scaling.Step step() {
      return Scaling.next(wanted, Example.NAMES, observed(), -1, false);
    }
  }

  private static List<State> everyState() {
    List<State> states = new ArrayList<>();
    for (int wanted = 0; wanted <= MOST; wanted++) {
      for (int replicas = -1; replicas <= MOST; replicas++) {
        for (int pods = 0; pods <= MOST; pods++) {
          for (int primary = -1; primary < pods; primary++) {
            for (int ready = 0; ready < 1 << pods; ready++) {
              states.add(new State(wanted, replicas, pods, primary, ready, false));
              states.add(new State(wanted, replicas, pods, primary, ready, true));
            }
          }
        }
      }
    }
    return states;
  }

  @Test
  void noStepRemovesAPrimaryButTheLastOne() {
    for (State state : everyState()) {
      // When
      Scaling.Step step = state.step();

      // Then
      boolean removes =
          state.replicas() >= 0
              && step.replicas() < state.replicas()
              && state.primary() >= step.replicas();
      boolean hibernates =
          state.wanted() == 0
              && state.replicas() == 1
              && state.primary() == 0
              && state.isReady(0)
              && state.pods() == 1;
      assertTrue(!removes || hibernates, () -> state + " -> " + step);
    }
  }

  @Test
  void noStepRemovesInstancesBlindly() {
    for (State state : everyState()) {
      // When
      Scaling.Step step = state.step();

      // Then
      if (state.replicas() >= 0 && step.replicas() < state.replicas()) {
        assertTrue(
            state.primary() >= 0 && state.isReady(state.primary()), () -> state + " -> " + step);
      }
    }
  }

  @Test
  void everyStepLiesBetweenNowAndWanted() {
    for (State state : everyState()) {
      if (state.replicas() < 0) {
        continue;
      }
      // When
      Scaling.Step step = state.step();

      // Then
      assertTrue(
          step.replicas() >= Math.min(state.wanted(), state.replicas())
              && step.replicas() <= Math.max(state.wanted(), state.replicas()),
          () -> state + " -> " + step);
    }
  }

  @Test
  void hibernatingAndWakingGoByWayOfOne() {
    for (State state : everyState()) {
      // When
      Scaling.Step step = state.step();

      // Then
      if (state.replicas() > 1 && state.wanted() == 0) {
        assertTrue(step.replicas() >= 1, () -> state + " -> " + step);
      }
      if (state.replicas() == 0 && state.wanted() > 0) {
        assertEquals(1, step.replicas(), () -> state + " -> " + step);
      }
    }
  }

  @Test
  void aNewClusterStartsWithAll() {
    for (int wanted = 0; wanted <= MOST; wanted++) {
      assertEquals(
          new Scaling.Step(wanted, null, null), new State(wanted, -1, 0, -1, 0, false).step());
    }
  }

  @Test
  void instancesAreAddedOnlyToAPrimaryThatIsReady() {
    for (State state : everyState()) {
      // When
      Scaling.Step step = state.step();

      // Then
      if (state.replicas() > 0 && step.replicas() > state.replicas()) {
        assertTrue(
            state.primary() >= 0 && state.isReady(state.primary()), () -> state + " -> " + step);
      }
    }
  }

  @Test
  void theHeirStaysIsReadyAndIsTheFurthest() {
    for (State state : everyState()) {
      // When
      Scaling.Step step = state.step();

      // Then
      String heir = step.switchoverTo();
      if (heir == null) {
        continue;
      }
      String about = state + " -> " + step;
      int ordinal = Names.ordinal(heir);
      int staying = Math.max(1, state.wanted());
      assertTrue(ordinal < staying, about);
      assertTrue(state.isReady(ordinal), about);
      assertTrue(state.primary() >= staying, about);
      assertTrue(!state.switchover(), about);
      assertEquals(state.replicas(), step.replicas(), about);
      for (int i = ordinal + 1; i < staying; i++) {
        assertTrue(!state.isReady(i), about);
      }
    }
  }

  @Test
  void saysWhatItWaitsForUntilItIsThere() {
    for (State state : everyState()) {
      // When
      Scaling.Step step = state.step();

      // Then
      String about = state + " -> " + step;
      if (step.replicas() == state.wanted() && step.switchoverTo() == null) {
        assertNull(step.waitingFor(), about);
      } else {
        assertNotNull(step.waitingFor(), about);
      }
    }
  }

  @Test
  void everyStepCanBeRepeated() {
    for (State state : everyState()) {
      assertEquals(state.step(), state.step());
    }
  }

  /**
   * A cluster that does what it is told, as StatefulSet, kubelet and Patroni would, one thing at a
   * time and in any order that {@code order} gives.
   */
  private static final class Simulation {
    private int replicas;
    private final List<Integer> pods = new ArrayList<>();
    private int primary;
    private @Nullable Integer switchoverTo;

    /** The last number that was ever primary: the one with all rows. */
    private int newest;

    Simulation(int replicas, int primary) {
      this.replicas = replicas;
      this.primary = primary;
      this.newest = Math.max(0, primary);
      for (int i = 0; i < replicas; i++) {
        pods.add(i);
      }
    }

    Observed observed() {
      List<Instance> instances = new ArrayList<>();
      for (int ordinal : pods) {
        instances.add(instance(ordinal, ordinal == primary, true));
      }
      Map<String, Endpoints> endpoints = new HashMap<>();
      if (primary >= 0) {
        endpoints.put(
            Example.NAMES.scope(),
            Example.endpoints(Example.NAMES.scope(), Map.of("leader", Example.NAMES.pod(primary))));
      }
      if (switchoverTo != null) {
        endpoints.put(
            Example.NAMES.patroniFailover(),
            Example.endpoints(
                Example.NAMES.patroniFailover(),
                Map.of("member", Example.NAMES.pod(switchoverTo))));
      }
      return new Observed(
          replicas < 0 ? null : Example.statefulSet(replicas), instances, List.of(), endpoints);
    }

    /** One thing happens; false when nothing is left to happen. */
    boolean happen() {
      if (switchoverTo != null) {
        primary = switchoverTo;
        newest = primary;
        switchoverTo = null;
        return true;
      }
      for (int i = pods.size() - 1; i >= 0; i--) {
        if (pods.get(i) >= replicas) {
          int gone = pods.remove(/* index */ i);
          assertTrue(gone != primary || (replicas == 0 && gone == 0), "primary removed: " + gone);
          primary = gone == primary ? -1 : primary;
          return true;
        }
      }
      for (int i = 0; i < replicas; i++) {
        if (!pods.contains(i)) {
          pods.add(i);
          if (primary < 0 && pods.size() == 1) {
            assertEquals(newest, i, "an instance with older data became primary");
            primary = i;
          }
          return true;
        }
      }
      return false;
    }
  }

  @Test
  void aClusterThatFollowsTheStepsArrives() {
    for (int from = -1; from <= MOST; from++) {
      for (int wanted = 0; wanted <= MOST; wanted++) {
        for (int primary = from > 0 ? 0 : -1; primary < Math.max(0, from); primary++) {
          for (int pause = 1; pause <= 4; pause++) {
            // Given
            Simulation simulation = new Simulation(Math.max(from, 0), primary);
            simulation.replicas = from;

            // When
            arrive(simulation, wanted, pause);

            // Then
            assertEquals(wanted, simulation.pods.size());
            assertEquals(wanted > 0 ? 1 : 0, simulation.primary >= 0 ? 1 : 0);
          }
        }
      }
    }
  }

  @Test
  void aMindThatChangesOnTheWayDoesNoHarm() {
    for (int from = 1; from <= MOST; from++) {
      for (int primary = 0; primary < from; primary++) {
        for (int first = 0; first <= MOST; first++) {
          for (int then = 0; then <= MOST; then++) {
            for (int steps = 0; steps <= 6; steps++) {
              // Given
              Simulation simulation = new Simulation(from, primary);
              for (int i = 0; i < steps; i++) {
                take(simulation, first);
                simulation.happen();
              }

              // When
              arrive(simulation, then, 1);

              // Then
              assertEquals(then, simulation.pods.size());
            }
          }
        }
      }
    }
  }

  private static void arrive(Simulation simulation, int wanted, int pause) {
    for (int i = 0; i < 50; i++) {
      take(simulation, wanted);
      boolean happened = false;
      for (int j = 0; j < pause; j++) {
        happened |= simulation.happen();
      }
      if (!happened && simulation.replicas == wanted) {
        return;
      }
    }
    throw new AssertionError("does not arrive at " + wanted + ": " + simulation.pods);
  }

  private static void take(Simulation simulation, int wanted) {
    Scaling.Step step = Scaling.next(wanted, Example.NAMES, simulation.observed(), -1, false);
    simulation.replicas = step.replicas();
    if (step.switchoverTo() != null) {
      simulation.switchoverTo = Names.ordinal(step.switchoverTo());
    }
  }

  @Test
  void aClusterThatIsMadeAgainStartsWithTheInstanceThatWasPrimaryLast() {
    // Given
    Observed nothing = new Observed(null, List.of(), List.of(), Map.of());
    // When
    Scaling.Step one = Scaling.next(1, Example.NAMES, nothing, 2, false);
    Scaling.Step three = Scaling.next(3, Example.NAMES, nothing, 2, false);
    Scaling.Step none = Scaling.next(0, Example.NAMES, nothing, 2, false);
    // Then
    assertEquals(3, one.replicas());
    assertNotNull(one.waitingFor());
    assertEquals(3, three.replicas());
    assertEquals(0, none.replicas());
  }

  /** Three instances whose primary is number 2. */
  private static Observed goingDown(String synchronous) {
    Map<String, Endpoints> endpoints = new HashMap<>();
    endpoints.put(
        Example.NAMES.scope(),
        Example.endpoints(Example.NAMES.scope(), Map.of("leader", "shop-2")));
    endpoints.put(
        Example.NAMES.patroniSync(),
        Example.endpoints(
            Example.NAMES.patroniSync(), Map.of("leader", "shop-2", "sync_standby", synchronous)));
    return new Observed(
        Example.statefulSet(3),
        List.of(instance(0, false, true), instance(1, false, true), instance(2, true, true)),
        List.of(),
        endpoints);
  }

  @Test
  void withSynchronousReplicationOnlyASynchronousInstanceTakesOver() {
    // When number 1 is further, but only number 0 has every acknowledged row for sure
    Scaling.Step step = Scaling.next(2, Example.NAMES, goingDown("shop-0"), -1, true);
    // Then
    assertEquals("shop-0", step.switchoverTo());
    assertEquals(3, step.replicas());
  }

  @Test
  void nobodyTakesOverAsLongAsNoneThatStaysIsSynchronous() {
    // When
    Scaling.Step step = Scaling.next(1, Example.NAMES, goingDown("shop-1"), -1, true);
    // Then
    assertNull(step.switchoverTo());
    assertEquals(3, step.replicas());
    assertTrue(String.valueOf(step.waitingFor()).contains("ready and synchronous"));
  }

  @Test
  void everyReplicaIsSynchronousWhileThePrimaryIsToHandOver() {
    // Given
    Wanted down = Example.wanted("instances: 1\nreplication: {mode: sync}");
    Wanted same = Example.wanted("instances: 3\nreplication: {mode: sync}");
    // When
    Wanted.Replication before = Scaling.replication(down, Example.NAMES, goingDown("shop-1"));
    Wanted.Replication found = Scaling.replication(down, Example.NAMES, goingDown("shop-0,shop-1"));
    Wanted.Replication atRest = Scaling.replication(same, Example.NAMES, goingDown("shop-1"));
    // Then
    assertEquals(2, before.syncInstances());
    // Still so when one is found, or Patroni could take it back before it has taken over.
    assertEquals(2, found.syncInstances());
    assertEquals(1, atRest.syncInstances());
  }

  @Test
  void aClusterThatIsPutToSleepDoesNotWaitForReplicasThatAreGone() {
    // Given
    Wanted asleep = Example.wanted("instances: 0\nreplication: {mode: strict-sync}");
    Wanted awake = Example.wanted("instances: 2\nreplication: {mode: strict-sync}");
    Observed one = Example.observed(1, "shop-0", instance(0, true, true));
    // Then
    assertEquals(ReplicationSpec.Mode.SYNC, Scaling.replication(asleep, Example.NAMES, one).mode());
    assertEquals(
        ReplicationSpec.Mode.STRICT_SYNC, Scaling.replication(awake, Example.NAMES, one).mode());
  }

  @Test
  void aClusterThatWasMadeAgainHibernatedWakesUpWithTheInstanceThatWasPrimaryLast() {
    // Given
    Observed hibernated = Example.observed(0, null);

    // When
    Scaling.Step three = Scaling.next(3, Example.NAMES, hibernated, 2, false);
    Scaling.Step one = Scaling.next(1, Example.NAMES, hibernated, 2, false);
    Scaling.Step usual = Scaling.next(3, Example.NAMES, hibernated, 0, false);

    // Then
    assertEquals(new Scaling.Step(3, null, null), three);
    assertEquals(3, one.replicas());
    assertEquals(1, usual.replicas());
  }
}
