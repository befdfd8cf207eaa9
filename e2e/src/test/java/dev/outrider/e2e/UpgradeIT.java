package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An upgrade of Outrider restarts no PostgreSQL, and agents one instance at a time. */
class UpgradeIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-upgrade";

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);
  private static final String AGENTS = "OUTRIDER_IMAGE_AGENTS";

  @BeforeAll
  static void createCluster() {
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: keep}
        spec: {instances: 2, storage: {size: 1Gi}}
        """);
    KUBE.awaitSummary(NAMESPACE, "keep", "2/2", "Healthy");
  }

  /** Each container with the id of its process: another id is a restart. */
  private static Map<String, String> containers(String name) {
    Map<String, String> ids = new TreeMap<>();
    for (Pod pod : KUBE.pods(NAMESPACE, "keep")) {
      Stream.concat(
              pod.getStatus().getInitContainerStatuses().stream(),
              pod.getStatus().getContainerStatuses().stream())
          .filter(c -> c.getName().equals(name))
          .forEach(
              (ContainerStatus c) ->
                  ids.put(pod.getMetadata().getName(), String.valueOf(c.getContainerID())));
    }
    return ids;
  }

  private static void awaitAnotherThan(Pod old) {
    Kube.await(
        Kube.LONG,
        () ->
            KUBE.operatorPod().getMetadata().getUid().equals(old.getMetadata().getUid())
                ? "the old operator is still there"
                : null);
  }

  @Test
  void anOperatorThatRestartsTouchesNoPod() {
    // Given
    Map<String, String> postgres = containers("postgres");
    Map<String, String> proxies = containers("proxy");
    // When
    Pod old = KUBE.operatorPod();
    KUBE.client.resource(old).withGracePeriod(0).delete();
    awaitAnotherThan(old);
    KUBE.patchSpec(NAMESPACE, "keep", "{\"postgres\":{\"parameters\":{\"work_mem\":\"5MB\"}}}");
    KUBE.awaitSummary(NAMESPACE, "keep", "2/2", "Healthy");
    // Then
    assertEquals(postgres, containers("postgres"));
    assertEquals(proxies, containers("proxy"));
  }

  @Test
  void anOperatorThatStopsLeavesItsLeaseToTheNext() throws InterruptedException {
    // Given
    KUBE.awaitLeader();
    Pod old = KUBE.operatorPod();
    List<String> holders = new CopyOnWriteArrayList<>();
    try (Watch _ =
        KUBE.operatorLease()
            .watch(
                new Watcher<>() {
                  @Override
                  public void eventReceived(Action action, Lease lease) {
                    holders.add(
                        Objects.requireNonNullElse(lease.getSpec().getHolderIdentity(), "nobody"));
                  }

                  @Override
                  public void onClose(WatcherException cause) {}
                })) {
      // When
      KUBE.client.resource(old).delete();
      awaitAnotherThan(old);
      KUBE.awaitLeader();
      String next = KUBE.operatorPod().getMetadata().getName();
      Kube.await(
          Kube.LONG, () -> holders.contains(next) ? null : "only these have led: " + holders);
    }
    // Then
    assertEquals(
        List.of(old.getMetadata().getName(), "nobody", KUBE.operatorPod().getMetadata().getName()),
        List.copyOf(new LinkedHashSet<>(holders)));
  }

  @Test
  void aNewAgentsImageRestartsTheSidecarAlone() throws IOException, InterruptedException {
    // Given
    Map<String, String> postgres = containers("postgres");
    Map<String, String> proxies = containers("proxy");
    var operator = KUBE.operatorDeployment();
    String image = agentsImage(operator.get());
    String newer = retagged(image, image.substring(image.lastIndexOf(':') + 1) + "-newer");
    Set<String> atOnce = ConcurrentHashMap.newKeySet();
    try (var _ = watchReplacements(newer, proxies, atOnce)) {
      // When
      operator.edit(d -> withAgentsImage(d, newer));
      // Then
      Kube.await(
          Kube.LONG,
          () -> {
            boolean all =
                KUBE.pods(NAMESPACE, "keep").stream()
                    .flatMap(pod -> pod.getStatus().getInitContainerStatuses().stream())
                    .allMatch(
                        c ->
                            Boolean.TRUE.equals(c.getReady())
                                && !proxies.containsValue(c.getContainerID()));
            return all ? null : "not every proxy is a new one: " + containers("proxy");
          });
      KUBE.awaitSummary(NAMESPACE, "keep", "2/2", "Healthy");
      assertEquals(
          Set.of("keep-0", "keep-1"), atOnce, "one instance at a time, and the watch saw both");
      assertEquals(postgres, containers("postgres"));
      for (Pod pod : KUBE.pods(NAMESPACE, "keep")) {
        assertEquals(newer, pod.getSpec().getInitContainers().getFirst().getImage());
      }
      var pending = Kube.condition(KUBE.status(NAMESPACE, "keep"), "RestartPending");
      assertNotNull(pending);
      assertEquals("False", pending.getStatus(), pending.getMessage());
      assertEquals("1", KUBE.query(NAMESPACE, "keep", "rw", "select 1"));
    } finally {
      operator.edit(d -> withAgentsImage(d, image));
      KUBE.operatorPod();
    }
  }

  /**
   * Notes the pods whose proxies are being replaced: those that have the newer image and whose
   * proxy is still the old one, or not ready. One watch tells of all pods in the order in which
   * things happened.
   *
   * @param atOnce gets the names of the pods, joined where they were under way at the same time
   */
  private static Watch watchReplacements(
      String newer, Map<String, String> proxies, Set<String> atOnce) {
    Set<String> underWay = new TreeSet<>();
    return KUBE.client
        .pods()
        .inNamespace(NAMESPACE)
        .watch(
            new Watcher<Pod>() {
              @Override
              public void eventReceived(Action action, Pod pod) {
                boolean hasNewer =
                    pod.getSpec().getInitContainers().stream()
                        .allMatch(c -> c.getImage().equals(newer));
                boolean up =
                    pod.getStatus().getInitContainerStatuses().stream()
                        .allMatch(
                            c ->
                                Boolean.TRUE.equals(c.getReady())
                                    && !proxies.containsValue(c.getContainerID()));
                String name = pod.getMetadata().getName();
                if (hasNewer && !up) {
                  underWay.add(name);
                  atOnce.add(String.join(" and ", underWay));
                } else {
                  underWay.remove(name);
                }
              }

              @Override
              public void onClose(WatcherException cause) {
                atOnce.add("the watch ended: " + cause.getMessage());
              }
            });
  }

  private static String agentsImage(Deployment deployment) {
    return deployment.getSpec().getTemplate().getSpec().getContainers().getFirst().getEnv().stream()
        .filter(e -> e.getName().equals(AGENTS))
        .map(EnvVar::getValue)
        .findFirst()
        .orElseThrow();
  }

  private static Deployment withAgentsImage(Deployment deployment, String image) {
    deployment
        .getSpec()
        .getTemplate()
        .getSpec()
        .getContainers()
        .getFirst()
        .getEnv()
        .forEach(
            e -> {
              if (e.getName().equals(AGENTS)) {
                e.setValue(image);
              }
            });
    return deployment;
  }

  /** The same image under another tag: for the kubelet it is another image. */
  private static String retagged(String image, String tag)
      throws IOException, InterruptedException {
    int slash = image.indexOf('/');
    int colon = image.lastIndexOf(':');
    String manifests =
        "http://"
            + image.substring(0, slash)
            + "/v2/"
            + image.substring(slash + 1, colon)
            + "/manifests/";
    HttpClient http = HttpClient.newHttpClient();
    HttpResponse<byte[]> manifest =
        http.send(
            HttpRequest.newBuilder(URI.create(manifests + image.substring(colon + 1)))
                .header(
                    "Accept",
                    "application/vnd.oci.image.manifest.v1+json,"
                        + " application/vnd.docker.distribution.manifest.v2+json")
                .build(),
            HttpResponse.BodyHandlers.ofByteArray());
    assertEquals(200, manifest.statusCode());
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(URI.create(manifests + tag))
                .header("Content-Type", manifest.headers().firstValue("Content-Type").orElseThrow())
                .PUT(HttpRequest.BodyPublishers.ofByteArray(manifest.body()))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertTrue(answer.statusCode() < 300, answer::body);
    return image.substring(0, colon + 1) + tag;
  }
}
