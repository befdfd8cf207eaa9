package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A Prometheus configured as in the documentation knows what was asked of a cluster. */
class PrometheusIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-prometheus";
  private static final String CLUSTER = "watched";
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final int SELECTS = 30;
  private static final String OF_CLUSTER =
      "{namespace=\"" + NAMESPACE + "\",cluster=\"" + CLUSTER + "\",pod=\"watched-0\"";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);

  @TempDir static Path folder;

  private static @Nullable Process prometheus;
  private static int port;

  @BeforeAll
  static void watchACluster() throws Exception {
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: watched}
        spec:
          instances: 1
          storage: {size: 1Gi}
        """);
    Process installed =
        new ProcessBuilder("../e2e/prerequisites", "monitoring").inheritIO().start();
    assertEquals(0, installed.waitFor());
    KUBE.awaitSummary(NAMESPACE, CLUSTER, "1/1", "Healthy");
    start();
    work();
  }

  private static void start() throws IOException {
    // Debian's Prometheus is built without the discovery of pods: they are listed as it finds them.
    String discovery = "    kubernetes_sd_configs:\n      - role: pod\n";
    String example = Kube.file("docs/prometheus.yml");
    assertEquals(3, example.split(discovery, -1).length, example);
    Path configuration = folder.resolve("prometheus.yml");
    Files.writeString(
        configuration,
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            + example.replace(discovery, "    static_configs: " + discovered() + "\n"));
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    prometheus =
        new ProcessBuilder(
                "prometheus",
                "--config.file=" + configuration,
                "--storage.tsdb.path=" + folder.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port,
                "--enable-feature=native-histograms,exemplar-storage")
            .redirectErrorStream(true)
            .redirectOutput(Path.of("target/prometheus.log").toFile())
            .start();
    Kube.await(
        PATIENCE,
        () -> {
          try {
            return Kube.http("http://127.0.0.1:" + port + "/-/ready").contains("Ready")
                ? null
                : "Prometheus is not ready";
          } catch (UncheckedIOException e) {
            return e + "; see target/prometheus.log";
          }
        });
  }

  /**
   * Each port of each pod, with the labels of <a
   * href="https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod">discovered
   * pods</a>; JSON, which is YAML as well.
   */
  private static String discovered() throws IOException {
    List<Map<String, Object>> found = new ArrayList<>();
    List<Pod> pods = new ArrayList<>(KUBE.pods(NAMESPACE, CLUSTER));
    pods.add(KUBE.operatorPod());
    for (Pod pod : pods) {
      Stream.concat(
              pod.getSpec().getContainers().stream(), pod.getSpec().getInitContainers().stream())
          .forEach(
              container ->
                  container
                      .getPorts()
                      .forEach(port -> found.add(target(pod, container.getName(), port))));
    }
    return new ObjectMapper().writeValueAsString(found);
  }

  private static Map<String, Object> target(Pod pod, String container, ContainerPort port) {
    String prefix = "__meta_kubernetes_";
    Map<String, String> labels = new TreeMap<>();
    labels.put(prefix + "namespace", pod.getMetadata().getNamespace());
    labels.put(prefix + "pod_name", pod.getMetadata().getName());
    labels.put(prefix + "pod_container_name", container);
    labels.put(prefix + "pod_container_port_name", String.valueOf(port.getName()));
    pod.getMetadata()
        .getLabels()
        .forEach(
            (name, value) ->
                labels.put(prefix + "pod_label_" + name.replaceAll("[^A-Za-z0-9_]", "_"), value));
    String address = pod.getStatus().getPodIP() + ":" + port.getContainerPort();
    return Map.of("targets", List.of(address), "labels", labels);
  }

  /** Statements of one application, the first of them traced, and one that fails. */
  private static void work() throws SQLException {
    try (Connection connection = KUBE.connect(NAMESPACE, CLUSTER, "rw");
        Statement statement = connection.createStatement()) {
      statement.execute("set application_name = 'a shop'");
      statement.execute("select 1 /*traceparent='00-" + TRACE + "-b7ad6b7169203331-01'*/");
      for (int i = 1; i < SELECTS; i++) {
        statement.execute("select " + i);
      }
      assertThrows(SQLException.class, () -> statement.execute("select 1 / 0"));
    }
  }

  @AfterAll
  static void end() throws InterruptedException {
    if (prometheus != null) {
      prometheus.destroy();
      assertTrue(prometheus.waitFor(20, TimeUnit.SECONDS), "Prometheus does not end");
    }
  }

  @Test
  void everyAgentAndTheOperatorAreFound() {
    assertValue(1, "up" + OF_CLUSTER + ",agent=\"proxy\",job=\"outrider\"}");
    assertValue(1, "min(up{job=\"outrider-operator\"})");
  }

  @Test
  void whatWasAskedIsCountedToTheLast() {
    String shop = OF_CLUSTER + ",application=\"a shop\"";
    assertValue(SELECTS, "sum(outrider_proxy_statements_total" + shop + ",kind=\"select\"})");
    assertValue(1, "sum(outrider_proxy_errors_total" + shop + ",sqlstate=\"22012\"})");
  }

  @Test
  void histogramsAreNative() {
    String seconds = "sum(outrider_proxy_query_seconds" + OF_CLUSTER + ",application=\"a shop\"})";
    assertValue(SELECTS + 1, "histogram_count(" + seconds + ")");
    double quantile = value("histogram_quantile(0.99, " + seconds + ")");
    assertTrue(quantile > 0 && quantile < 20, "the 99th percentile is " + quantile + " s");
  }

  @Test
  void exemplarsLeadToTheTrace() {
    Kube.await(
        PATIENCE,
        () -> {
          String found =
              ask(
                      "query_exemplars",
                      Map.of(
                          "query",
                          "outrider_proxy_query_seconds" + OF_CLUSTER + "}",
                          "start",
                          String.valueOf(Instant.now().minusSeconds(600).getEpochSecond()),
                          "end",
                          String.valueOf(Instant.now().plusSeconds(60).getEpochSecond())))
                  .toString();
          return found.contains("\"trace_id\":\"" + TRACE + '"') ? null : "exemplars: " + found;
        });
  }

  private static void assertValue(double expected, String query) {
    Kube.await(
        PATIENCE,
        () -> {
          double is = value(query);
          return is == expected ? null : query + " is " + is + " (expected: " + expected + ")";
        });
  }

  /** The one value of a query; NaN if there is none. */
  private static double value(String query) {
    JsonNode values = ask("query", Map.of("query", query)).path("data").path("result");
    return values.size() == 1
        ? Double.parseDouble(values.get(0).path("value").path(1).asText())
        : Double.NaN;
  }

  private static JsonNode ask(String what, Map<String, String> parameters) {
    StringBuilder uri = new StringBuilder("http://127.0.0.1:" + port + "/api/v1/" + what + "?");
    parameters.forEach(
        (name, value) ->
            uri.append(name)
                .append('=')
                .append(URLEncoder.encode(value, StandardCharsets.UTF_8))
                .append('&'));
    try {
      return new ObjectMapper().readTree(Kube.http(uri.toString()));
    } catch (IOException e) {
      throw new AssertionError("Prometheus answered to " + uri, e);
    }
  }
}
