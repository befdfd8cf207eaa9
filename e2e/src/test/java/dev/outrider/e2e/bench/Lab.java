package dev.outrider.e2e.bench;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * The local cluster, seen from this machine.
 *
 * @param client with all rights
 */
record Lab(KubernetesClient client) {
  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager("bench")
          .withForce(true)
          .build();

  /** How long anything may take before the run is given up. */
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  static void await(String what, long everyMillis, BooleanSupplier there)
      throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!there.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(
            "after " + PATIENCE.toSeconds() + " s still waiting for " + what);
      }
      Thread.sleep(everyMillis);
    }
  }

  /** An empty namespace of this name; what is left of a run that was broken off goes first. */
  void namespace(String name) throws InterruptedException {
    deleteNamespace(name);
    client
        .resource(new NamespaceBuilder().withNewMetadata().withName(name).endMetadata().build())
        .create();
    await(
        "the service account of " + name,
        50,
        () -> client.serviceAccounts().inNamespace(name).withName("default").get() != null);
  }

  void deleteNamespace(String name) throws InterruptedException {
    var namespace = client.namespaces().withName(name);
    namespace.delete();
    await("the end of namespace " + name, 200, () -> namespace.get() == null);
  }

  void apply(String namespace, String yaml) {
    GenericKubernetesResource resource =
        client.getKubernetesSerialization().unmarshal(yaml, GenericKubernetesResource.class);
    resource.getMetadata().setNamespace(namespace);
    client.resource(resource).patch(APPLY);
  }

  List<Pod> pods(String namespace, Map<String, String> labels) {
    return client.pods().inNamespace(namespace).withLabels(labels).list().getItems();
  }

  static boolean ready(Pod pod) {
    return pod.getMetadata().getDeletionTimestamp() == null
        && pod.getStatus().getConditions().stream()
            .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  /** Of init containers too, since sidecars are such. */
  static Stream<ContainerStatus> containers(Pod pod) {
    return Stream.concat(
        pod.getStatus().getInitContainerStatuses().stream(),
        pod.getStatus().getContainerStatuses().stream());
  }

  /** What a command printed; what it printed as errors is part of the exception if it failed. */
  String exec(Pod pod, String container, String... command) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code;
    try (ExecWatch exec =
        client
            .pods()
            .resource(pod)
            .inContainer(container)
            .writingOutput(out)
            .writingError(err)
            .exec(command)) {
      code = exec.exitCode().get(60, TimeUnit.SECONDS);
    }
    // 124: ended by timeout(1), as it was asked to.
    if (code != 0 && code != 124) {
      throw new IllegalStateException(
          String.join(" ", command)
              + ": exit code "
              + code
              + ": "
              + err.toString(StandardCharsets.UTF_8).strip());
    }
    return out.toString(StandardCharsets.UTF_8).strip();
  }

  static boolean listens(String address) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(address, 5432), 100);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** As the application's user; the clients of both contenders speak without TLS. */
  Connection connect(String namespace, String address) throws SQLException {
    Map<String, String> app =
        Objects.requireNonNull(
                client.secrets().inNamespace(namespace).withName(Contender.CLUSTER + "-app").get(),
                "no Secret with the password")
            .getData();
    Properties properties = new Properties();
    properties.setProperty("user", text(app, "username"));
    properties.setProperty("password", text(app, "password"));
    properties.setProperty("sslmode", "disable");
    properties.setProperty("connectTimeout", "1");
    properties.setProperty("socketTimeout", "5");
    return DriverManager.getConnection("jdbc:postgresql://" + address + ":5432/app", properties);
  }

  private static String text(Map<String, String> data, String key) {
    return new String(
        Base64.getDecoder().decode(data.getOrDefault(key, "")), StandardCharsets.UTF_8);
  }
}
