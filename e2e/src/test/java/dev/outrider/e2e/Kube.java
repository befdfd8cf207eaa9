package dev.outrider.e2e;

import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.api.PostgresClusterStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentStatus;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.NamespaceableResource;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The cluster under test, as a user has it: manifests in, status and SQL out. From {@code
 * KUBECONFIG}, which {@code make test} sets; Services and pods are reached from this machine.
 */
public final class Kube {
  public static final String OPERATOR_NAMESPACE = "outrider-system";
  private static final String OPERATOR = "outrider-operator";
  public static final Duration LONG = Duration.ofMinutes(3);

  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager("e2e")
          .withForce(true)
          .build();

  public final KubernetesClient client;

  private Kube(KubernetesClient client) {
    this.client = client;
  }

  public static Kube connect() {
    if (System.getenv("KUBECONFIG") == null) {
      throw new IllegalStateException(
          "KUBECONFIG is not set: these tests need the local cluster; run make test");
    }
    return new Kube(new KubernetesClientBuilder().build());
  }

  /** A namespace that enforces Pod Security "restricted", empty. */
  public String namespace(String name) {
    var existing = client.namespaces().withName(name);
    if (existing.get() != null) {
      existing.delete();
      await(LONG, () -> existing.get() == null ? null : "namespace " + name + " is going");
    }
    client
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(name)
                .withLabels(Map.of("pod-security.kubernetes.io/enforce", "restricted"))
                .endMetadata()
                .build())
        .create();
    return name;
  }

  public void deleteNamespace(String name) {
    client.namespaces().withName(name).delete();
  }

  /** Server-side apply of the text as it stands, as {@code kubectl apply --server-side} does it. */
  public GenericKubernetesResource apply(String namespace, String yaml) {
    return parse(namespace, yaml).patch(APPLY);
  }

  /** What {@code kubectl apply --dry-run=server} would say. */
  public GenericKubernetesResource dryRun(String namespace, String yaml) {
    return parse(namespace, yaml)
        .patch(
            new PatchContext.Builder()
                .withPatchType(PatchType.SERVER_SIDE_APPLY)
                .withFieldManager("e2e")
                .withForce(true)
                .withDryRun(List.of("All"))
                .build());
  }

  private NamespaceableResource<GenericKubernetesResource> parse(String namespace, String yaml) {
    GenericKubernetesResource resource =
        client.getKubernetesSerialization().unmarshal(yaml, GenericKubernetesResource.class);
    resource.getMetadata().setNamespace(namespace);
    return client.resource(resource);
  }

  public void patchSpec(String namespace, String name, String json) {
    client
        .resources(PostgresCluster.class)
        .inNamespace(namespace)
        .withName(name)
        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\":" + json + "}");
  }

  public @Nullable PostgresCluster get(String namespace, String name) {
    return client.resources(PostgresCluster.class).inNamespace(namespace).withName(name).get();
  }

  public PostgresClusterStatus status(String namespace, String name) {
    return Optional.ofNullable(get(namespace, name))
        .map(PostgresCluster::getStatus)
        .orElseThrow(() -> new AssertionError("no status of " + namespace + "/" + name));
  }

  public static @Nullable Condition condition(@Nullable PostgresClusterStatus status, String type) {
    return status == null || status.conditions() == null
        ? null
        : status.conditions().stream()
            .filter(c -> c.getType().equals(type))
            .findFirst()
            .orElse(null);
  }

  /** Waits until the status speaks of the present spec and has this summary and ready figure. */
  public PostgresClusterStatus awaitSummary(
      String namespace, String name, String ready, String summary) {
    return awaitSummary(namespace, name, ready, summary, LONG);
  }

  public PostgresClusterStatus awaitSummary(
      String namespace, String name, String ready, String summary, Duration patience) {
    await(
        patience,
        () -> {
          PostgresCluster cluster = get(namespace, name);
          PostgresClusterStatus status = cluster == null ? null : cluster.getStatus();
          if (cluster == null || status == null) {
            return "no status yet";
          }
          boolean there =
              cluster.getMetadata().getGeneration().equals(status.observedGeneration())
                  && ready.equals(status.ready())
                  && summary.equals(status.summary());
          return there
              ? null
              : "expected "
                  + ready
                  + " "
                  + summary
                  + ", but it is "
                  + status.ready()
                  + " "
                  + status.summary()
                  + ": "
                  + status.message()
                  + " "
                  + status.instances();
        });
    return status(namespace, name);
  }

  public List<Pod> pods(String namespace, String cluster) {
    return client
        .pods()
        .inNamespace(namespace)
        .withLabel("outrider.dev/cluster", cluster)
        .list()
        .getItems()
        .stream()
        .sorted(Comparator.comparing(pod -> pod.getMetadata().getName()))
        .toList();
  }

  public Map<String, String> secret(String namespace, String name) {
    Secret secret = client.secrets().inNamespace(namespace).withName(name).get();
    Map<String, String> data = new TreeMap<>();
    if (secret != null) {
      secret
          .getData()
          .forEach(
              (key, value) ->
                  data.put(
                      key, new String(Base64.getDecoder().decode(value), StandardCharsets.UTF_8)));
    }
    return data;
  }

  /** The address of one of a cluster's Services: rw, ro or r. */
  public String address(String namespace, String cluster, String service) {
    return client
        .services()
        .inNamespace(namespace)
        .withName(cluster + "-" + service)
        .get()
        .getSpec()
        .getClusterIP();
  }

  /** As the application's user, through one of the Services. */
  public Connection connect(String namespace, String cluster, String service) throws SQLException {
    Map<String, String> app = secret(namespace, cluster + "-app");
    String address = address(namespace, cluster, service);
    Properties properties = new Properties();
    properties.setProperty("user", String.valueOf(app.get("username")));
    properties.setProperty("password", String.valueOf(app.get("password")));
    properties.setProperty("connectTimeout", "3");
    properties.setProperty("socketTimeout", "20");
    return DriverManager.getConnection(
        "jdbc:postgresql://" + address + ":5432/" + app.get("dbname"), properties);
  }

  /** One value, through a Service; tried again while no connection is to be had. */
  public String query(String namespace, String cluster, String service, String sql) {
    String[] result = new String[1];
    await(
        Duration.ofSeconds(40),
        () -> {
          try (Connection connection = connect(namespace, cluster, service);
              Statement statement = connection.createStatement()) {
            result[0] = "";
            if (statement.execute(sql)) {
              try (ResultSet rows = statement.getResultSet()) {
                result[0] = rows.next() ? String.valueOf(rows.getString(1)) : "";
              }
            }
            return null;
          } catch (SQLException e) {
            return sql + ": " + e.getMessage();
          }
        });
    return result[0];
  }

  /** Makes an instance the primary, as people who know Patroni do it. */
  public void handOver(String namespace, String cluster, String pod) {
    String primary = String.valueOf(status(namespace, cluster).primary());
    if (primary.equals(pod)) {
      return;
    }
    exec(
        namespace,
        primary,
        "patronictl",
        "-c",
        "/etc/outrider/patroni/patroni.yaml",
        "switchover",
        "--leader",
        primary,
        "--candidate",
        pod,
        "--force");
    await(
        LONG,
        () -> {
          PostgresClusterStatus status = status(namespace, cluster);
          boolean followed =
              Objects.requireNonNull(status.instances()).stream()
                  .allMatch(i -> i.name().equals(pod) || "streaming".equals(i.state()));
          return pod.equals(status.primary()) && followed && "Healthy".equals(status.summary())
              ? null
              : "primary is " + status.primary() + ", " + status.message();
        });
  }

  /** As the superuser, inside the pod of an instance. */
  public String superuser(String namespace, String pod, String sql) {
    return exec(
        namespace,
        pod,
        "sh",
        "-c",
        "PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD exec psql -XAtq -h /run/postgresql -p 5433 -U"
            + " postgres -v ON_ERROR_STOP=1 -c \"$0\"",
        sql);
  }

  public String exec(String namespace, String pod, String... command) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    try (ExecWatch exec =
        client
            .pods()
            .inNamespace(namespace)
            .withName(pod)
            .inContainer("postgres")
            .writingOutput(out)
            .writingError(err)
            .exec(command)) {
      Integer code = exec.exitCode().get(60, TimeUnit.SECONDS);
      if (code != 0) {
        throw new AssertionError(
            String.join(" ", command)
                + ": exit code "
                + code
                + ": "
                + err.toString(StandardCharsets.UTF_8));
      }
      return out.toString(StandardCharsets.UTF_8).strip();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError(String.join(" ", command), e);
    }
  }

  public Pod operatorPod() {
    AtomicReference<@Nullable Pod> found = new AtomicReference<>();
    await(
        LONG,
        () -> {
          found.set(
              client
                  .pods()
                  .inNamespace(OPERATOR_NAMESPACE)
                  .withLabel("app.kubernetes.io/component", "operator")
                  .list()
                  .getItems()
                  .stream()
                  .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
                  .filter(
                      pod ->
                          pod.getStatus().getConditions().stream()
                              .anyMatch(
                                  c -> c.getType().equals("Ready") && c.getStatus().equals("True")))
                  .findFirst()
                  .orElse(null));
          return found.get() == null ? "no operator is ready" : null;
        });
    return Objects.requireNonNull(found.get());
  }

  /** The operator's Deployment. */
  public Resource<Deployment> operatorDeployment() {
    return client.apps().deployments().inNamespace(OPERATOR_NAMESPACE).withName(OPERATOR);
  }

  /** The Lease by which operators agree who leads. */
  public Resource<Lease> operatorLease() {
    return client.leases().inNamespace(OPERATOR_NAMESPACE).withName(OPERATOR);
  }

  /**
   * Waits until the operator that its Deployment wants is ready and leads: after a change one that
   * goes may lead for a while, and do things its way.
   */
  public void awaitLeader() {
    await(
        LONG,
        () -> {
          Deployment operator = operatorDeployment().get();
          DeploymentStatus status = operator.getStatus();
          Integer wanted = operator.getSpec().getReplicas();
          if (!Objects.equals(
                  status.getObservedGeneration(), operator.getMetadata().getGeneration())
              || !Objects.equals(status.getUpdatedReplicas(), wanted)
              || !Objects.equals(status.getAvailableReplicas(), wanted)
              || !Objects.equals(status.getReplicas(), wanted)) {
            return "the operator's Deployment is on its way: " + status;
          }
          String ready = operatorPod().getMetadata().getName();
          Lease lease = operatorLease().get();
          String leader = lease == null ? null : lease.getSpec().getHolderIdentity();
          return ready.equals(leader) ? null : leader + " leads, and " + ready + " is ready";
        });
  }

  /**
   * The operator's own count of its writes to the API server by verb, resource and code; the leader
   * election's are left out.
   */
  public Map<String, Long> operatorWrites() {
    Pod pod = operatorPod();
    Map<String, Long> writes = new TreeMap<>();
    http("http://" + pod.getStatus().getPodIP() + ":8080/metrics")
        .lines()
        .filter(line -> line.startsWith("outrider_operator_api_requests_total{"))
        .filter(line -> !line.contains("verb=\"get\"") && !line.contains("resource=\"leases\""))
        .forEach(
            line -> {
              int space = line.lastIndexOf(' ');
              writes.put(
                  line.substring(line.indexOf('{'), space),
                  (long) Double.parseDouble(line.substring(space + 1)));
            });
    return writes;
  }

  public static String http(String uri) {
    try {
      return HttpClient.newHttpClient()
          .send(
              HttpRequest.newBuilder(URI.create(uri)).timeout(Duration.ofSeconds(10)).build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException e) {
      throw new UncheckedIOException(uri, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** Asks until there is no problem; fails with the last one when patience ends. */
  public static void await(Duration patience, Supplier<@Nullable String> problem) {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      String words = problem.get();
      if (words == null) {
        return;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("after " + patience.toSeconds() + " s: " + words);
      }
      try {
        Thread.sleep(200);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError(e);
      }
    }
  }

  /** A file of the project, by its path from the top folder. */
  public static String file(String path) {
    try {
      return Files.readString(Path.of("..").resolve(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
