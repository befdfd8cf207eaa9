package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.PostgresClusterStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A user applies examples/minimal.yaml and looks at what came of it. */
class FirstDayIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-first-day";

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);

  @BeforeAll
  static void createCluster() {
    KUBE.apply(NAMESPACE, Kube.file("examples/minimal.yaml"));
    KUBE.awaitSummary(NAMESPACE, "shop", "3/3", "Healthy");
  }

  @Test
  void statusTellsTheStory() {
    // When: Patroni says "streaming" in its next loop after a member is ready
    Kube.await(Duration.ofSeconds(30), () -> streaming() == 2 ? null : streaming() + " stream");
    PostgresClusterStatus status = KUBE.status(NAMESPACE, "shop");
    // Then
    assertEquals(3, status.replicas());
    assertNotNull(status.instances());
    assertEquals(
        List.of("shop-0", "shop-1", "shop-2"),
        status.instances().stream().map(PostgresClusterStatus.InstanceStatus::name).toList());
    assertEquals(1, status.instances().stream().filter(i -> "primary".equals(i.role())).count());
    assertTrue(status.instances().stream().allMatch(i -> Long.valueOf(1).equals(i.timeline())));
    assertNotNull(status.resolved());
    assertNotNull(status.resolved().parameters());
    assertEquals("128MB", status.resolved().parameters().get("shared_buffers"));
    assertNotNull(status.versions());
    assertEquals("18", status.versions().postgres());
  }

  private static long streaming() {
    List<PostgresClusterStatus.InstanceStatus> instances =
        KUBE.status(NAMESPACE, "shop").instances();
    return instances == null
        ? 0
        : instances.stream()
            .filter(i -> "replica".equals(i.role()) && "streaming".equals(i.state()))
            .count();
  }

  @Test
  void instancesAreSpreadOverNodes() {
    Set<String> nodes = new HashSet<>();
    KUBE.pods(NAMESPACE, "shop").forEach(pod -> nodes.add(pod.getSpec().getNodeName()));
    assertEquals(2, nodes.size());
  }

  @Test
  void writesGoToThePrimaryAndReachTheReplicas() {
    // When
    KUBE.query(NAMESPACE, "shop", "rw", "create table if not exists t as select 42 as answer");
    // Then
    assertEquals("f", KUBE.query(NAMESPACE, "shop", "rw", "select pg_is_in_recovery()"));
    assertEquals("t", KUBE.query(NAMESPACE, "shop", "ro", "select pg_is_in_recovery()"));
    Kube.await(
        Duration.ofSeconds(20),
        () -> {
          String answer = KUBE.query(NAMESPACE, "shop", "ro", "select answer from t");
          return answer.equals("42") ? null : "replica says " + answer;
        });
    assertEquals("42", KUBE.query(NAMESPACE, "shop", "r", "select answer from t"));
  }

  @Test
  void theSecretForApplicationsHasAllThatTheyNeed() throws SQLException {
    // When
    Map<String, String> app = KUBE.secret(NAMESPACE, "shop-app");
    // Then
    assertEquals(
        Set.of("ca.crt", "dbname", "host", "jdbc-uri", "password", "port", "uri", "username"),
        app.keySet());
    assertEquals("shop-rw." + NAMESPACE + ".svc", app.get("host"));
    String jdbc = String.valueOf(app.get("jdbc-uri"));
    String address =
        KUBE.client
            .services()
            .inNamespace(NAMESPACE)
            .withName("shop-rw")
            .get()
            .getSpec()
            .getClusterIP();
    try (Connection connection =
            DriverManager.getConnection(jdbc.replace(String.valueOf(app.get("host")), address));
        Statement statement = connection.createStatement()) {
      statement.execute("create table owned_by_app()");
      statement.execute("drop table owned_by_app");
    }
  }

  @Test
  void aWrongPasswordIsRefused() {
    String address =
        KUBE.client
            .services()
            .inNamespace(NAMESPACE)
            .withName("shop-rw")
            .get()
            .getSpec()
            .getClusterIP();
    SQLException error =
        assertThrows(
            SQLException.class,
            () ->
                DriverManager.getConnection(
                    "jdbc:postgresql://" + address + "/app", "app", "wrong"));
    assertEquals("28P01", error.getSQLState());
  }

  @Test
  void theDatabaseIsMadeAsAGoodDbaWould() {
    String pod = String.valueOf(KUBE.status(NAMESPACE, "shop").primary());
    assertEquals("on", KUBE.superuser(NAMESPACE, pod, "show data_checksums"));
    assertEquals("on", KUBE.superuser(NAMESPACE, pod, "show archive_mode"));
    assertEquals("scram-sha-256", KUBE.superuser(NAMESPACE, pod, "show password_encryption"));
    assertEquals(
        "b|C.UTF-8|UTF8",
        KUBE.superuser(
            NAMESPACE,
            pod,
            "select datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database where"
                + " datname = 'app'"));
    assertEquals(
        "0",
        KUBE.superuser(
            NAMESPACE,
            pod,
            "select count(*) from pg_hba_file_rules where auth_method in ('trust', 'peer')"));
    assertEquals(
        "0",
        KUBE.superuser(
            NAMESPACE,
            pod,
            "select count(*) from pg_authid where rolcanlogin and rolpassword not like"
                + " 'SCRAM-SHA-256$%'"));
    assertEquals(
        "/var/lib/outrider/wal/18",
        KUBE.exec(NAMESPACE, pod, "readlink", "-f", "/var/lib/outrider/pgdata/18/pg_wal"));
    assertEquals(
        "extensions log pgdata spool wal",
        KUBE.exec(NAMESPACE, pod, "sh", "-c", "cd /var/lib/outrider && echo *"));
  }

  @Test
  void instancesReplicateWithVerifiedTls() {
    String pod = String.valueOf(KUBE.status(NAMESPACE, "shop").primary());
    // The client's certificate is there in pg_stat_ssl only where it was shown and verified.
    assertEquals(
        "2",
        KUBE.superuser(
            NAMESPACE,
            pod,
            "select count(*) from pg_stat_replication r join pg_stat_ssl s using (pid) where s.ssl"
                + " and s.client_dn = '/CN=shop'"));
  }

  @Test
  void everyContainerIsRestrictedAndOnlyPostgresHasAToken() {
    for (Pod pod : KUBE.pods(NAMESPACE, "shop")) {
      for (Container container : pod.getSpec().getContainers()) {
        assertTrue(container.getSecurityContext().getReadOnlyRootFilesystem());
      }
      for (Container agent : pod.getSpec().getInitContainers()) {
        assertTrue(agent.getSecurityContext().getReadOnlyRootFilesystem());
        assertFalse(
            agent.getVolumeMounts().stream()
                .anyMatch(m -> m.getMountPath().contains("serviceaccount")),
            agent.getName() + " has a token");
      }
    }
  }

  @Test
  void theProxyServesMetricsAndSaysThatItIsReady() {
    for (Pod pod : KUBE.pods(NAMESPACE, "shop")) {
      String address = "http://" + pod.getStatus().getPodIP() + ":9101";
      assertTrue(Kube.http(address + "/metrics").contains("outrider_"));
      assertFalse(Kube.http(address + "/readyz").isEmpty());
    }
  }

  @Test
  void eventsTellTheStory() {
    Set<String> reasons = new TreeSet<>();
    Kube.await(
        Duration.ofSeconds(20),
        () -> {
          KUBE.client.events().v1().events().inNamespace(NAMESPACE).list().getItems().stream()
              .filter(e -> "PostgresCluster".equals(e.getRegarding().getKind()))
              .forEach(e -> reasons.add(e.getType() + " " + e.getReason()));
          return reasons.containsAll(Set.of("Normal Healthy", "Normal PrimaryChanged"))
              ? null
              : "events so far: " + reasons;
        });
    assertFalse(
        reasons.stream().anyMatch(r -> r.startsWith("Warning")),
        () -> "nothing was wrong, but there are warnings: " + reasons);
  }

  @Test
  void everyAgentTellsOfItself() {
    Kube.await(
        Duration.ofSeconds(40),
        () -> {
          PostgresClusterStatus status = KUBE.status(NAMESPACE, "shop");
          Condition ready = Kube.condition(status, "ProxyReady");
          return ready != null
                  && ready.getStatus().equals("True")
                  && agents(status)
                      .equals(List.of("proxy ready true", "proxy ready true", "proxy ready true"))
              ? null
              : "ProxyReady is " + ready + ", agents say " + agents(status);
        });
  }

  /** Each agent with its state, and whether its configuration is in force. */
  private static List<String> agents(PostgresClusterStatus status) {
    return Objects.requireNonNullElse(
            status.instances(), List.<PostgresClusterStatus.InstanceStatus>of())
        .stream()
        .flatMap(
            i ->
                Objects.requireNonNullElse(i.agents(), List.<PostgresClusterStatus.AgentState>of())
                    .stream())
        .map(a -> a.name() + " " + a.state() + " " + a.configInForce())
        .toList();
  }
}
