package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.api.PostgresClusterStatus;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceStatus;
import dev.outrider.operator.api.ReplicationSpec;
import dev.outrider.operator.api.SwitchoverStatus;
import dev.outrider.operator.api.SwitchoverStatus.Phase;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The primary is moved, by annotation and by Patroni's own command; and commits wait for replicas.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SwitchoverIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-switchover";
  private static final String CLUSTER = "move";
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  private static int rows;

  @BeforeAll
  static void createCluster() {
    KUBE.awaitLeader();
    KUBE.namespace(NAMESPACE);
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: move}
        spec: {instances: 3, storage: {size: 1Gi}}
        """);
    KUBE.awaitSummary(NAMESPACE, CLUSTER, "3/3", "Healthy");
    KUBE.query(NAMESPACE, CLUSTER, "rw", "create table numbers (n int primary key)");
    write();
  }

  @AfterAll
  static void deleteNamespace() {
    KUBE.deleteNamespace(NAMESPACE);
  }

  @Test
  @Order(1)
  void theReplicationModeIsChangedWhileItRuns() {
    // Given
    assertEquals("", showSynchronous());
    assertEquals(List.of(), synchronous());

    // When
    KUBE.patchSpec(NAMESPACE, CLUSTER, "{\"replication\":{\"mode\":\"strict-sync\"}}");
    // Then
    awaitSynchronous(1);
    assertFalse(showSynchronous().isEmpty());
    assertEquals("true", dynamic("synchronous_mode_strict"));
    write();

    // When
    KUBE.patchSpec(NAMESPACE, CLUSTER, "{\"replication\":{\"mode\":\"sync\",\"syncInstances\":2}}");
    // Then
    awaitSynchronous(2);
    assertEquals("false", dynamic("synchronous_mode_strict"));
    write();
    // And those are replicas as ever for those who read
    assertEquals(
        2,
        KUBE.client
            .pods()
            .inNamespace(NAMESPACE)
            .withLabel("outrider.dev/cluster", CLUSTER)
            .withLabel("outrider.dev/role", "replica")
            .list()
            .getItems()
            .size());
    KUBE.query(NAMESPACE, CLUSTER, "ro", "select count(*) from numbers");

    // When
    KUBE.patchSpec(
        NAMESPACE, CLUSTER, "{\"replication\":{\"mode\":\"sync\",\"syncInstances\":null}}");
    // Then
    awaitSynchronous(1);
    var resolved = Objects.requireNonNull(status().resolved()).replication();
    assertEquals(new ReplicationSpec(ReplicationSpec.Mode.SYNC, 1), resolved);
  }

  @Test
  @Order(2)
  void whatCannotWorkIsRefusedAndChangesNothing() {
    // Given
    String primary = primary();
    String asynchronous =
        instances().stream()
            .filter(i -> !i.name().equals(primary) && !Boolean.TRUE.equals(i.synchronous()))
            .map(InstanceStatus::name)
            .findFirst()
            .orElseThrow();
    int transitions = transitions();

    // Then
    assertRefused("move-7", "move-7 is not an instance of this cluster", "allowed are");
    assertRefused(primary, primary + " is primary already");
    assertRefused(asynchronous, asynchronous + " is not synchronous", synchronous().getFirst());
    assertRefused("Move 1", "\"Move 1", "is not a request; allowed is");
    assertEquals(primary, primary());
    assertEquals(transitions, transitions());
  }

  @Test
  @Order(3)
  void aSwitchoverMovesThePrimaryAndLosesNothing() {
    // Given
    write();
    String from = primary();
    String to = synchronous().getFirst();
    int transitions = transitions();

    // When two are asked for, the second while the first runs
    String first = to + "@first";
    annotate(first);
    Kube.await(
        PATIENCE,
        () -> {
          SwitchoverStatus switchover = status().switchover();
          return switchover != null && switchover.request().equals(first) ? null : "not seen yet";
        });
    annotate(from + "@second");

    // Then
    SwitchoverStatus done = awaitFinished(first);
    assertEquals(Phase.Completed, done.phase(), done.toString());
    assertEquals(from, done.from());
    assertTrue(
        String.valueOf(done.reason()).startsWith(to + " is primary, after " + from + "; it took "),
        done.toString());
    var refused = done.refused();
    assertNotNull(refused, "the second was not refused: " + done);
    assertEquals(from + "@second", refused.request());
    assertTrue(refused.reason().contains(first + " is under way"), refused.reason());
    KUBE.awaitSummary(NAMESPACE, CLUSTER, "3/3", "Healthy");
    assertEquals(to, primary());
    assertEquals(transitions + 1, transitions());
    write();
    assertEvents("SwitchoverRequested", "SwitchoverCompleted", "SwitchoverRefused");
  }

  @Test
  @Order(4)
  void anyIsAsGoodAsAName() {
    // Given
    awaitSynchronous(1);
    String from = primary();
    // When
    String request = "any@" + System.nanoTime();
    annotate(request);
    // Then
    SwitchoverStatus done = awaitFinished(request);
    assertEquals(Phase.Completed, done.phase(), done.toString());
    assertNull(done.refused());
    assertNotEquals(from, KUBE.awaitSummary(NAMESPACE, CLUSTER, "3/3", "Healthy").primary());
    write();
  }

  @Test
  @Order(5)
  void patronisOwnCommandWorksToo() {
    // Given
    awaitSynchronous(1);
    String from = primary();
    String to = synchronous().getFirst();
    // When
    String list = KUBE.exec(NAMESPACE, from, "patronictl", "list");
    assertTrue(list.contains("Sync Standby"), list);
    KUBE.exec(NAMESPACE, from, "patronictl", "switchover", "--candidate", to, "--force");
    // Then
    Kube.await(PATIENCE, () -> to.equals(primary()) ? null : "primary is " + primary());
    KUBE.awaitSummary(NAMESPACE, CLUSTER, "3/3", "Healthy");
    write();
  }

  @Test
  @Order(6)
  void aPrimaryThatGoesHandsOverToASynchronousInstance() {
    // Given a primary that goes when the cluster gets smaller
    awaitSynchronous(1);
    if (!primary().equals("move-2")) {
      KUBE.patchSpec(NAMESPACE, CLUSTER, "{\"replication\":{\"syncInstances\":2}}");
      awaitSynchronous(2);
      annotate("move-2@last");
      assertEquals(Phase.Completed, awaitFinished("move-2@last").phase());
      KUBE.patchSpec(NAMESPACE, CLUSTER, "{\"replication\":{\"syncInstances\":null}}");
    }
    write();
    // When
    KUBE.patchSpec(NAMESPACE, CLUSTER, "{\"instances\":1}");
    // Then
    KUBE.awaitSummary(NAMESPACE, CLUSTER, "1/1", "Healthy");
    assertEquals("move-0", primary());
    write();
    assertRefused("move-1", "only one instance");
  }

  /** One more row, and all that were acknowledged are there. */
  private static void write() {
    rows++;
    KUBE.query(NAMESPACE, CLUSTER, "rw", "insert into numbers values (" + rows + ")");
    assertEquals(
        Integer.toString(rows),
        KUBE.query(NAMESPACE, CLUSTER, "rw", "select count(*) from numbers"));
  }

  private static void assertRefused(String request, String... words) {
    String value = request + "@" + System.nanoTime();
    annotate(value);
    SwitchoverStatus refused = awaitFinished(value);
    assertEquals(Phase.Refused, refused.phase(), refused.toString());
    assertNull(refused.from());
    for (String word : words) {
      assertTrue(String.valueOf(refused.reason()).contains(word), refused.toString());
    }
  }

  private static void annotate(String value) {
    KUBE.client
        .resources(PostgresCluster.class)
        .inNamespace(NAMESPACE)
        .withName(CLUSTER)
        .patch(
            PatchContext.of(PatchType.JSON_MERGE),
            "{\"metadata\":{\"annotations\":{\"outrider.dev/switchover\":\"" + value + "\"}}}");
  }

  private static SwitchoverStatus awaitFinished(String request) {
    Kube.await(
        Duration.ofSeconds(70),
        () -> {
          SwitchoverStatus switchover = status().switchover();
          return switchover != null
                  && switchover.request().equals(request)
                  && switchover.finishedAt() != null
              ? null
              : request + " is not finished: " + switchover;
        });
    return Objects.requireNonNull(status().switchover());
  }

  private static PostgresClusterStatus status() {
    return KUBE.status(NAMESPACE, CLUSTER);
  }

  private static String primary() {
    return String.valueOf(status().primary());
  }

  private static List<InstanceStatus> instances() {
    return Objects.requireNonNullElse(status().instances(), List.of());
  }

  private static List<String> synchronous() {
    return instances().stream()
        .filter(i -> Boolean.TRUE.equals(i.synchronous()))
        .map(InstanceStatus::name)
        .toList();
  }

  private static void awaitSynchronous(int count) {
    Kube.await(
        PATIENCE,
        () ->
            synchronous().size() == count
                ? null
                : count + " should be synchronous, and " + synchronous() + " are");
  }

  private static String showSynchronous() {
    return KUBE.superuser(NAMESPACE, primary(), "show synchronous_standby_names");
  }

  /** How often the leader lock has changed hands, by Patroni's own count. */
  private static int transitions() {
    return Integer.parseInt(String.valueOf(annotation(CLUSTER + "-rw", "transitions")));
  }

  private static String dynamic(String key) {
    return String.valueOf(
        KUBE.client
            .getKubernetesSerialization()
            .unmarshal(
                String.valueOf(annotation(CLUSTER + "-rw-config", "config")), java.util.Map.class)
            .get(key));
  }

  private static @Nullable String annotation(String endpoints, String name) {
    return KUBE.client
        .endpoints()
        .inNamespace(NAMESPACE)
        .withName(endpoints)
        .get()
        .getMetadata()
        .getAnnotations()
        .get(name);
  }

  private static void assertEvents(String... reasons) {
    Kube.await(
        PATIENCE,
        () -> {
          TreeSet<String> told =
              KUBE.client.events().v1().events().inNamespace(NAMESPACE).list().getItems().stream()
                  .map(e -> e.getReason())
                  .collect(Collectors.toCollection(TreeSet::new));
          return told.containsAll(List.of(reasons)) ? null : "events are " + told;
        });
  }
}
