package dev.outrider.e2e.faults;

import dev.outrider.e2e.Kube;
import dev.outrider.operator.api.PostgresCluster;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Phaser;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The cluster that faults are done to: three instances, one on node2 and two on node1, so that the
 * loss of node2 leaves a majority and, whoever is primary, a synchronous standby; one of those on
 * node1 has a volume that can be filled.
 */
final class Stage {
  static final String CLUSTER = "faults";
  static final Duration PATIENCE = Duration.ofMinutes(4);

  /** What the claims ask for, and what fits into the one that is bounded. */
  private static final String SIZE = "1Gi";

  /**
   * A volume made before its claim.
   *
   * @param bounded with a file system of its own; others are folders and have no bound
   */
  private record Volume(String instance, String node, boolean bounded) {}

  private static final Volume BOUNDED = new Volume(CLUSTER + "-2", "node1", true);
  private static final List<Volume> VOLUMES =
      List.of(
          new Volume(CLUSTER + "-0", "node2", false),
          new Volume(CLUSTER + "-1", "node1", false),
          BOUNDED);

  final Kube kube;
  final String namespace;
  private final @Nullable Phaser others;
  private boolean sync;

  Stage(Kube kube, String namespace) {
    this(kube, namespace, null);
  }

  /**
   * A stage of several, to which a fault is done at the same time.
   *
   * @param others knows how many there are
   */
  Stage(Kube kube, String namespace, @Nullable Phaser others) {
    this.kube = kube;
    this.namespace = namespace;
    this.others = others;
  }

  /** Waits until the other stages are as far as this one, or have failed. */
  void awaitOthers() {
    if (others != null) {
      others.arriveAndAwaitAdvance();
    }
  }

  /** The other stages need not wait for this one any more. */
  void letOthersGoOn() {
    if (others != null) {
      others.arriveAndDeregister();
    }
  }

  /** Makes it in an empty namespace, and waits until it is healthy. */
  void create() {
    kube.awaitLeader();
    remove();
    kube.namespace(namespace);
    VOLUMES.forEach(this::makeVolume);
    sync = true;
    kube.apply(
        namespace,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: %s}
        spec:
          instances: %d
          storage: {size: %s}
          deletionPolicy: Delete
          replication: {mode: sync}
          recovery: {newVolumeAfter: never}
        """
            .formatted(CLUSTER, VOLUMES.size(), SIZE));
    awaitAllBack();
    for (Volume volume : VOLUMES) {
      String node = instance(volume.instance()).node();
      if (!node.equals(volume.node())) {
        throw new IllegalStateException(volume + " was expected, but it is on " + node);
      }
    }
    kube.query(namespace, CLUSTER, "rw", Client.TABLE);
  }

  /** Takes away what is left of a run, also of one that was broken off. */
  void remove() {
    kube.deleteNamespace(namespace);
    Kube.await(
        Kube.LONG,
        () ->
            kube.client.namespaces().withName(namespace).get() == null
                ? null
                : "namespace " + namespace + " is going");
    VOLUMES.forEach(this::removeVolume);
  }

  /**
   * @param mode of {@code spec.replication}
   */
  void replication(String mode) {
    kube.patchSpec(
        namespace, CLUSTER, "{\"replication\":{\"mode\":\"" + mode + "\",\"syncInstances\":null}}");
    sync = !mode.equals("async");
    awaitAllBack();
  }

  boolean isSync() {
    return sync;
  }

  /**
   * Waits until everything is back. Where an instance got a new copy on another volume, as it may
   * when it was stuck, the cluster is made anew.
   */
  void setUp() {
    awaitAllBack();
    for (Volume volume : VOLUMES) {
      String bound =
          kube.client
              .persistentVolumeClaims()
              .inNamespace(namespace)
              .withName("data-" + volume.instance())
              .get()
              .getSpec()
              .getVolumeName();
      if (!name(volume).equals(bound)) {
        create();
        return;
      }
    }
  }

  // The volumes, made by hand: each instance is where it should be, and one volume can be full.

  private void makeVolume(Volume volume) {
    Path folder = folder(volume);
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (volume.bounded()) {
      Surroundings.run("mount", "-t", "tmpfs", "-o", "size=1g", "outrider", folder.toString());
    }
    kube.client
        .resource(
            new PersistentVolumeBuilder()
                .withNewMetadata()
                .withName(name(volume))
                .endMetadata()
                .withNewSpec()
                .withStorageClassName("local")
                .withPersistentVolumeReclaimPolicy("Retain")
                .withAccessModes("ReadWriteOnce")
                .withCapacity(Map.of("storage", new Quantity(SIZE)))
                .withNewLocal(null, folder.toString())
                .withNewClaimRef()
                .withNamespace(namespace)
                .withName("data-" + volume.instance())
                .endClaimRef()
                .withNewNodeAffinity()
                .withNewRequired()
                .addNewNodeSelectorTerm()
                .addNewMatchExpression()
                .withKey("kubernetes.io/hostname")
                .withOperator("In")
                .withValues(volume.node())
                .endMatchExpression()
                .endNodeSelectorTerm()
                .endRequired()
                .endNodeAffinity()
                .endSpec()
                .build())
        .create();
  }

  private void removeVolume(Volume volume) {
    var object = kube.client.persistentVolumes().withName(name(volume));
    object.delete();
    Kube.await(Kube.LONG, () -> object.get() == null ? null : name(volume) + " is going");
    Path folder = folder(volume);
    if (isMounted(folder)) {
      Surroundings.run("umount", folder.toString());
    }
    Surroundings.run("rm", "-rf", "--one-file-system", folder.toString());
  }

  private String name(Volume volume) {
    return namespace + "-" + volume.instance();
  }

  /** With the cluster's own state, so that it goes when the cluster goes. */
  private Path folder(Volume volume) {
    return Path.of(System.getenv("KUBECONFIG"))
        .toAbsolutePath()
        .resolveSibling("volumes")
        .resolve(volume.node())
        .resolve(name(volume));
  }

  private static boolean isMounted(Path folder) {
    try {
      return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
          .anyMatch(line -> line.split(" ", -1)[1].equals(folder.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where the volume is that can be full. */
  Path boundedFolder() {
    return folder(BOUNDED);
  }

  String boundedInstance() {
    return BOUNDED.instance();
  }

  // What there is.

  List<Instance> instances() {
    return kube.pods(namespace, CLUSTER).stream().map(Instance::of).toList();
  }

  Instance instance(String name) {
    return instances().stream()
        .filter(i -> i.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("there is no instance " + name));
  }

  /** The holder of Patroni's lock. */
  String leader() {
    return Objects.requireNonNullElse(annotation(CLUSTER + "-rw", "leader"), "");
  }

  Instance primary() {
    return instance(leader());
  }

  private @Nullable String annotation(String endpoints, String key) {
    var object = kube.client.endpoints().inNamespace(namespace).withName(endpoints).get();
    return object == null || object.getMetadata().getAnnotations() == null
        ? null
        : object.getMetadata().getAnnotations().get(key);
  }

  Target target(String address) {
    Map<String, String> app = kube.secret(namespace, CLUSTER + "-app");
    return new Target(
        address,
        String.valueOf(app.get("dbname")),
        String.valueOf(app.get("username")),
        String.valueOf(app.get("password")));
  }

  /**
   * @param kind rw, ro or r
   */
  Target service(String kind) {
    return target(
        kube.client
            .services()
            .inNamespace(namespace)
            .withName(CLUSTER + "-" + kind)
            .get()
            .getSpec()
            .getClusterIP());
  }

  // What can be asked of it.

  /** Hands over, and waits until everything is as it should be again. */
  void makePrimary(String instance) {
    if (leader().equals(instance)) {
      return;
    }
    boolean waits = sync && !synchronousStandbys().contains(instance);
    if (waits) {
      // Only a synchronous one may take over, so for a moment both are.
      kube.patchSpec(namespace, CLUSTER, "{\"replication\":{\"syncInstances\":2}}");
      Kube.await(
          Kube.LONG,
          () ->
              synchronousStandbys().contains(instance)
                  ? null
                  : instance + " is not synchronous, but " + synchronousStandbys());
    }
    switchover(instance);
    if (waits) {
      kube.patchSpec(namespace, CLUSTER, "{\"replication\":{\"syncInstances\":null}}");
    }
    awaitAllBack();
  }

  /** By annotation, as the documentation says; ends when the operator says that it is done. */
  void switchover(String to) {
    String request = to + "@" + System.nanoTime();
    kube.client
        .resources(PostgresCluster.class)
        .inNamespace(namespace)
        .withName(CLUSTER)
        .patch(
            PatchContext.of(PatchType.JSON_MERGE),
            "{\"metadata\":{\"annotations\":{\"outrider.dev/switchover\":\"" + request + "\"}}}");
    Kube.await(
        Duration.ofSeconds(90),
        () -> {
          var state = kube.status(namespace, CLUSTER).switchover();
          if (state == null || !request.equals(state.request())) {
            return "the operator says nothing of the switchover " + request;
          }
          if (state.phase() == null
              || state.phase().toString().equals("Refused")
              || state.phase().toString().equals("Failed")) {
            throw new IllegalStateException("switchover " + request + ": " + state);
          }
          return state.phase().toString().equals("Completed") ? null : String.valueOf(state);
        });
  }

  private List<String> synchronousStandbys() {
    String names = annotation(CLUSTER + "-rw-sync", "sync_standby");
    return names == null || names.isEmpty() ? List.of() : List.of(names.split(",", -1));
  }

  /** Another instance that may take over: with synchronous replication one that has every row. */
  String candidate() {
    if (sync) {
      return synchronousStandbys().getFirst();
    }
    String leader = leader();
    return instances().stream()
        .map(Instance::name)
        .filter(name -> !name.equals(leader))
        .findFirst()
        .orElseThrow();
  }

  void deletePod(String name, long graceSeconds) {
    kube.client.pods().inNamespace(namespace).withName(name).withGracePeriod(graceSeconds).delete();
  }

  /** Ends the operator without notice; its Deployment starts another. */
  void killOperator() {
    kube.client
        .pods()
        .inNamespace(Kube.OPERATOR_NAMESPACE)
        .withLabel("app.kubernetes.io/component", "operator")
        .withGracePeriod(0)
        .delete();
  }

  /** Waits until every node and every instance is back; fails with what is not. */
  void awaitAllBack() {
    awaitAllBack(words -> {});
  }

  /**
   * The same.
   *
   * @param told is told what is not back, whenever that changes
   */
  void awaitAllBack(Consumer<String> told) {
    String[] last = {""};
    Kube.await(
        PATIENCE,
        () -> {
          String missing = missing();
          if (missing != null && !missing.equals(last[0])) {
            last[0] = missing;
            told.accept(missing);
          }
          return missing;
        });
  }

  /** What is not as it should be, or null. */
  @Nullable String missing() {
    try {
      for (Node node : kube.client.nodes().list().getItems()) {
        if (node.getStatus().getConditions().stream()
            .noneMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"))) {
          return node.getMetadata().getName() + " is not ready";
        }
      }
      List<Pod> pods = kube.pods(namespace, CLUSTER);
      if (pods.size() != VOLUMES.size()) {
        return pods.size() + " pods are there";
      }
      for (Pod pod : pods) {
        boolean ready =
            pod.getMetadata().getDeletionTimestamp() == null
                && pod.getStatus().getConditions().stream()
                    .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
        if (!ready) {
          return pod.getMetadata().getName() + " is not ready";
        }
      }
      String leader = leader();
      for (Pod pod : pods) {
        String problem = problem(Instance.of(pod), leader);
        if (problem != null) {
          return pod.getMetadata().getName() + ": " + problem;
        }
      }
      if (sync
          && (synchronousStandbys().isEmpty()
              || !leader.equals(annotation(CLUSTER + "-rw-sync", "leader")))) {
        return leader + " has no synchronous standby";
      }
      var status = kube.status(namespace, CLUSTER);
      return "Healthy".equals(status.summary()) && leader.equals(status.primary())
          ? null
          : "the operator says: " + status.summary() + ", " + status.message();
    } catch (KubernetesClientException | AssertionError | IllegalStateException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private @Nullable String problem(Instance instance, String leader) {
    try (Connection connection = target(instance.address()).connect(2000);
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select pg_is_in_recovery(), exists (select from pg_stat_wal_receiver)")) {
      row.next();
      boolean primary = instance.name().equals(leader);
      if (row.getBoolean(1) == primary) {
        return primary ? "holds the lock and is a standby" : "is no standby and holds no lock";
      }
      return primary || row.getBoolean(2) ? null : "does not stream";
    } catch (SQLException e) {
      return e.getMessage();
    }
  }

  /** The rows of one run, once all instances have the same; fails if they do not come to agree. */
  Rows rows(String run) {
    Map<String, String> digests = new HashMap<>();
    Kube.await(
        Duration.ofMinutes(2),
        () -> {
          digests.clear();
          // Looked up each time: a pod that comes back late has another address.
          for (Instance instance : instances()) {
            try {
              digests.put(instance.name(), digest(instance, run));
            } catch (SQLException e) {
              digests.put(instance.name(), String.valueOf(e.getMessage()));
            }
          }
          return digests.size() == VOLUMES.size()
                  && digests.values().stream().distinct().count() == 1
              ? null
              : "the instances do not agree about the rows of " + run + ": " + digests;
        });
    Rows rows = new Rows();
    try (Connection connection = target(primary().address()).connect(20_000);
        PreparedStatement select =
            connection.prepareStatement("select writer, number from writes where run = ?")) {
      select.setString(1, run);
      try (ResultSet found = select.executeQuery()) {
        while (found.next()) {
          rows.add(found.getString(1), found.getLong(2));
        }
      }
    } catch (SQLException e) {
      throw new IllegalStateException("cannot read the rows of " + run, e);
    }
    return rows;
  }

  private String digest(Instance instance, String run) throws SQLException {
    try (Connection connection = target(instance.address()).connect(20_000);
        PreparedStatement select =
            connection.prepareStatement(
                """
                select count(*) || ' rows, digest '
                  || coalesce(sum(hashtextextended(writer || ' ' || number, 0)), 0)
                from writes where run = ?
                """)) {
      select.setString(1, run);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  /** Objects and logs, for whoever has to find out why something failed. */
  void describe(Diary diary) {
    List<String> lines = new ArrayList<>();
    try {
      lines.add(
          String.valueOf(
              Objects.requireNonNull(kube.get(namespace, CLUSTER), "no cluster").getStatus()));
      for (Pod pod : kube.pods(namespace, CLUSTER)) {
        lines.add(pod.getMetadata().getName() + ": " + pod.getMetadata().getAnnotations());
        lines.add(pod.getStatus().getPhase() + " " + pod.getStatus().getConditions().toString());
        for (String container : List.of("proxy", "postgres")) {
          lines.add("-- log of " + pod.getMetadata().getName() + " " + container);
          lines.add(
              kube.client
                  .pods()
                  .inNamespace(namespace)
                  .withName(pod.getMetadata().getName())
                  .inContainer(container)
                  .tailingLines(400)
                  .getLog());
        }
      }
    } catch (RuntimeException e) {
      lines.add("and no more could be found out: " + e);
    }
    diary.note("what there is:\n" + String.join("\n", lines));
  }
}
