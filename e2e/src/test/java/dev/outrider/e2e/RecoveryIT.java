package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.e2e.faults.Surroundings;
import dev.outrider.operator.api.PostgresClusterStatus;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceStatus;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryPhase;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.events.v1.Event;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
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
 * Instances that stall, are damaged, diverge, or lose their node, and come back without help.
 *
 * <p>Two clusters at once, since most of it is waiting: {@code near} has all its instances on the
 * node that stays, {@code far} a replica on the node that goes.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RecoveryIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-recovery";
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /** From the beginning of the trouble; 30 s of it are the rule's own. 40 s is the goal. */
  private static final Duration NAMED = Duration.ofSeconds(60);

  private static final Map<String, String> CLAIMS = new TreeMap<>();

  @BeforeAll
  static void createClustersAndLoseANode() {
    onTheNodeThatStays(KUBE.operatorPod());
    KUBE.namespace(NAMESPACE);
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: near}
        spec:
          instances: 3
          storage: {size: 1Gi}
          pod: {nodeSelector: {kubernetes.io/hostname: node1}}
        """);
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: far}
        spec:
          instances: 2
          storage: {size: 1Gi}
          recovery: {newVolumeAfter: 1m}
          pod:
            tolerations:
              - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
        """);
    KUBE.awaitSummary(NAMESPACE, "near", "3/3", "Healthy");
    KUBE.awaitSummary(NAMESPACE, "far", "2/2", "Healthy");
    KUBE.query(NAMESPACE, "near", "rw", "create table kept as select 1 as x");
    KUBE.query(NAMESPACE, "far", "rw", "create table kept as select 1 as x");
    assertEquals(
        List.of("node1", "node2"),
        KUBE.pods(NAMESPACE, "far").stream().map(p -> p.getSpec().getNodeName()).sorted().toList());
    String primary = primary("far");
    if (node(primary).equals("node2")) {
      KUBE.handOver(NAMESPACE, "far", replicas("far").getFirst());
    }
    KUBE.client
        .persistentVolumeClaims()
        .inNamespace(NAMESPACE)
        .list()
        .getItems()
        .forEach(c -> CLAIMS.put(c.getMetadata().getName(), c.getMetadata().getUid()));
    Surroundings.node2("stop");
  }

  @AfterAll
  static void bringTheNodeBack() {
    Surroundings.node2("start");
    KUBE.deleteNamespace(NAMESPACE);
  }

  /** The operator's own way to another node is not what is measured here. */
  private static void onTheNodeThatStays(Pod operator) {
    if (!"node2".equals(operator.getSpec().getNodeName())) {
      return;
    }
    cordon(true);
    try {
      KUBE.client.resource(operator).delete();
      Kube.await(
          Kube.LONG,
          () -> {
            Pod now = KUBE.operatorPod();
            return "node1".equals(now.getSpec().getNodeName()) ? null : "operator is on node2";
          });
    } finally {
      cordon(false);
    }
  }

  private static void cordon(boolean cordoned) {
    KUBE.client
        .nodes()
        .withName("node2")
        .edit(
            (Node node) ->
                new NodeBuilder(node).editSpec().withUnschedulable(cordoned).endSpec().build());
  }

  @Test
  @Order(1)
  void aReplicaThatStallsAndOneThatIsDamagedAreNamedAndComeBack() {
    // Given
    String primary = primary("near");
    String stalled = replicas("near").getFirst();
    String damaged = replicas("near").getLast();
    // When
    // Replay that somebody has paused Patroni resumes by itself.
    KUBE.exec(
        NAMESPACE,
        stalled,
        "bash",
        "-c",
        "for p in /proc/[0-9]*; do if grep -qsx postgres $p/comm && grep -qs ' startup ' $p/cmdline;"
            + " then kill -STOP ${p#/proc/}; fi; done");
    KUBE.query(NAMESPACE, "near", "rw", "insert into kept values (2)");
    long start = System.nanoTime();
    KUBE.exec(
        NAMESPACE,
        damaged,
        "bash",
        "-c",
        "cd /var/lib/outrider/pgdata/18 && pid=$(head -1 postmaster.pid) && rm global/pg_control &&"
            + " kill -9 $pid");
    // Then
    Kube.await(NAMED.minusNanos(System.nanoTime() - start), () -> unnamed("near", stalled));
    tell("a stalled replica was named", start);
    PostgresClusterStatus status = KUBE.status(NAMESPACE, "near");
    InstanceStatus instance = instance(status, stalled);
    assertNotNull(instance.problem());
    assertTrue(instance.problem().reason().contains("replay"), instance.problem().reason());
    assertEquals("InstanceStuck", status.summary());
    assertTrue(
        String.valueOf(status.message()).contains(stalled + ": " + instance.problem().reason()),
        status.message());
    Kube.await(Duration.ofSeconds(90), () -> unnamed("near", damaged));
    // And both come back, one with its volume and one with a new one
    KUBE.awaitSummary(NAMESPACE, "near", "3/3", "Healthy", PATIENCE);
    assertEquals(primary, primary("near"), "a cure moves no primary");
    assertEquals(CLAIMS.get("data-" + stalled), claim(stalled), "a restart was enough");
    assertNotEquals(CLAIMS.get("data-" + damaged), claim(damaged));
    for (String replica : List.of(stalled, damaged)) {
      awaitRows(replica, "2");
    }
    assertEquals(
        RecoveryPhase.NewCopy,
        Objects.requireNonNull(KUBE.status(NAMESPACE, "near").recovery()).stream()
            .filter(r -> r.instance().equals(damaged))
            .findFirst()
            .orElseThrow()
            .phase());
    Set<String> events = events("near");
    assertTrue(
        events.containsAll(List.of("InstanceTrouble", "InstanceRestarted", "NewCopy")),
        events::toString);
    assertTrue(!events.contains("PersonNeeded"), events::toString);
  }

  @Test
  @Order(2)
  void aReplicaThatDivergesIsBroughtBackToThePrimary() {
    // Given
    String primary = primary("near");
    String rogue = replicas("near").getFirst();
    String timeline = timeline(primary);
    // When somebody makes a primary of it who does not know Patroni, and writes
    KUBE.exec(
        NAMESPACE,
        rogue,
        "bash",
        "-c",
        "export PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD; psql -XAtq -h /run/postgresql -p 5433 -U"
            + " postgres -v ON_ERROR_STOP=1 -c 'select pg_promote()' -c 'create table rogue as"
            + " select generate_series(1, 10000) as x' -c 'checkpoint'");
    long start = System.nanoTime();
    // Then it is named, or well again, before anybody would look
    Kube.await(
        NAMED.minusNanos(System.nanoTime() - start),
        () -> {
          InstanceStatus instance = instance(KUBE.status(NAMESPACE, "near"), rogue);
          return instance.problem() != null || follows(rogue) ? null : String.valueOf(instance);
        });
    tell("a diverged replica was named, or well again,", start);
    KUBE.awaitSummary(NAMESPACE, "near", "3/3", "Healthy", PATIENCE);
    Kube.await(Kube.LONG, () -> follows(rogue) ? null : rogue + " does not follow");
    assertEquals(primary, primary("near"));
    assertEquals(timeline, timeline(primary), "the primary took no notice");
    KUBE.query(NAMESPACE, "near", "rw", "insert into kept values (3)");
    awaitRows(rogue, "3");
  }

  @Test
  @Order(3)
  void anInstanceWhoseNodeIsLostGetsANewVolumeElsewhere() {
    // Given
    String primary = primary("far");
    String lost = replicas("far").getFirst();
    // Then
    KUBE.awaitSummary(NAMESPACE, "far", "2/2", "Healthy", PATIENCE);
    assertEquals(primary, primary("far"));
    assertEquals("node1", node(lost));
    assertNotEquals(CLAIMS.get("data-" + lost), claim(lost));
    assertEquals(CLAIMS.get("data-" + primary), claim(primary));
    Set<String> events = events("far");
    assertTrue(
        events.containsAll(List.of("PodRemoved", "InstanceTrouble", "NewCopy")), events::toString);
    KUBE.query(NAMESPACE, "far", "rw", "insert into kept values (2)");
    awaitRows(lost, "2");
    // When the node is back
    Surroundings.node2("start");
    // Then the instance that it had does not disturb the one that took its place
    Kube.await(
        Kube.LONG,
        () -> {
          Node node = KUBE.client.nodes().withName("node2").get();
          return node.getStatus().getConditions().stream()
                  .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"))
              ? null
              : "node2 is not ready";
        });
    KUBE.awaitSummary(NAMESPACE, "far", "2/2", "Healthy");
    assertEquals(primary, primary("far"));
    assertEquals("node1", node(lost));
  }

  private static void tell(String what, long start) {
    System.out.printf("%s after %.1f s%n", what, (System.nanoTime() - start) / 1e9);
  }

  private static @Nullable String unnamed(String cluster, String name) {
    PostgresClusterStatus status = KUBE.status(NAMESPACE, cluster);
    return instance(status, name).problem() == null
        ? name + " is not named: " + status.instances()
        : null;
  }

  private static boolean follows(String pod) {
    try {
      return KUBE.superuser(
              NAMESPACE,
              pod,
              "select pg_is_in_recovery() and to_regclass('rogue') is null and exists (select from"
                  + " pg_stat_wal_receiver where status = 'streaming')")
          .equals("t");
    } catch (AssertionError | RuntimeException e) {
      return false; // It is just being rewound.
    }
  }

  private static void awaitRows(String pod, String rows) {
    Kube.await(
        Duration.ofSeconds(20),
        () -> {
          String there =
              KUBE.exec(
                  NAMESPACE,
                  pod,
                  "bash",
                  "-c",
                  "PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD psql -XAtq -h /run/postgresql -p 5433 -U"
                      + " postgres -d app -c 'select count(*) from kept'");
          return there.equals(rows) ? null : pod + " has " + there + " rows, not " + rows;
        });
  }

  private static String timeline(String pod) {
    return KUBE.superuser(NAMESPACE, pod, "select left(pg_walfile_name(pg_current_wal_lsn()), 8)");
  }

  private static InstanceStatus instance(PostgresClusterStatus status, String name) {
    return Objects.requireNonNull(status.instances()).stream()
        .filter(i -> i.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + name + " in " + status.instances()));
  }

  private static String primary(String cluster) {
    return Objects.requireNonNull(KUBE.status(NAMESPACE, cluster).primary());
  }

  private static List<String> replicas(String cluster) {
    String primary = primary(cluster);
    return KUBE.pods(NAMESPACE, cluster).stream()
        .map(p -> p.getMetadata().getName())
        .filter(name -> !name.equals(primary))
        .toList();
  }

  private static String node(String pod) {
    return KUBE.client.pods().inNamespace(NAMESPACE).withName(pod).get().getSpec().getNodeName();
  }

  private static @Nullable String claim(String pod) {
    return KUBE.client
        .persistentVolumeClaims()
        .inNamespace(NAMESPACE)
        .withName("data-" + pod)
        .get()
        .getMetadata()
        .getUid();
  }

  private static Set<String> events(String cluster) {
    return KUBE.client.events().v1().events().inNamespace(NAMESPACE).list().getItems().stream()
        .filter(e -> e.getRegarding() != null && cluster.equals(e.getRegarding().getName()))
        .map(Event::getReason)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
