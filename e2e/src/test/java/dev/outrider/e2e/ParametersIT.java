package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.PostgresClusterStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Parameters: what reloads, what waits for a restart, what is refused. */
class ParametersIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-parameters";

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);

  @BeforeAll
  static void createCluster() {
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: tune}
        spec: {instances: 2, storage: {size: 1Gi}}
        """);
    KUBE.awaitSummary(NAMESPACE, "tune", "2/2", "Healthy");
  }

  private static Map<String, String> startTimes() {
    return KUBE.pods(NAMESPACE, "tune").stream()
        .map(Pod::getMetadata)
        .collect(
            Collectors.toMap(
                m -> m.getName(),
                m -> KUBE.superuser(NAMESPACE, m.getName(), "select pg_postmaster_start_time()")));
  }

  @Test
  void oneJourney() {
    // Given
    Map<String, String> before = startTimes();

    // When a parameter that PostgreSQL reloads is changed
    KUBE.patchSpec(NAMESPACE, "tune", "{\"postgres\":{\"parameters\":{\"work_mem\":\"13MB\"}}}");
    // Then it is in force everywhere, and nothing was restarted
    for (String pod : before.keySet()) {
      Kube.await(
          Duration.ofSeconds(30),
          () -> {
            String value = KUBE.superuser(NAMESPACE, pod, "show work_mem");
            return value.equals("13MB") ? null : pod + " has work_mem " + value;
          });
    }
    assertEquals(before, startTimes());

    // When one is changed that needs a restart
    KUBE.patchSpec(NAMESPACE, "tune", "{\"postgres\":{\"parameters\":{\"max_connections\":150}}}");
    // Then it is shown as pending, and nothing was restarted
    Kube.await(
        Duration.ofSeconds(40),
        () -> {
          PostgresClusterStatus status = KUBE.status(NAMESPACE, "tune");
          Condition pending = Kube.condition(status, "RestartPending");
          return pending != null
                  && pending.getStatus().equals("True")
                  && pending.getMessage().contains("max_connections 100 -> 150")
                  && status.instances() != null
                  && status.instances().stream().allMatch(i -> i.pendingRestart() != null)
              ? null
              : "RestartPending is " + pending;
        });
    assertEquals(before, startTimes());
    assertEquals("Healthy", KUBE.status(NAMESPACE, "tune").summary());

    // When a bad value is asked for, beside a good change
    KUBE.patchSpec(
        NAMESPACE,
        "tune",
        "{\"instances\":1,\"postgres\":{\"parameters\":{\"work_mem\":\"a lot\"}}}");
    // Then the condition says so, and the running cluster is untouched
    Kube.await(
        Duration.ofSeconds(30),
        () -> {
          Condition c = Kube.condition(KUBE.status(NAMESPACE, "tune"), "Progressing");
          return c != null && c.getReason().equals("InvalidSpec") ? null : "Progressing is " + c;
        });
    Condition progressing = Kube.condition(KUBE.status(NAMESPACE, "tune"), "Progressing");
    assertNotNull(progressing);
    assertTrue(
        progressing.getMessage().startsWith("spec.postgres.parameters.work_mem: \"a lot\""),
        progressing.getMessage());
    Condition ready = Kube.condition(KUBE.status(NAMESPACE, "tune"), "Ready");
    assertNotNull(ready);
    assertEquals("True", ready.getStatus());
    assertEquals(before, startTimes());
    String pod = before.keySet().iterator().next();
    assertEquals("13MB", KUBE.superuser(NAMESPACE, pod, "show work_mem"));
    // and what belongs to it is still put back
    KUBE.client.services().inNamespace(NAMESPACE).withName("tune-ro").delete();
    Kube.await(
        Duration.ofSeconds(30),
        () ->
            KUBE.client.services().inNamespace(NAMESPACE).withName("tune-ro").get() == null
                ? "tune-ro is not back"
                : null);

    // When it is mended
    KUBE.patchSpec(
        NAMESPACE,
        "tune",
        "{\"instances\":2,\"postgres\":{\"parameters\":{\"work_mem\":\"14MB\",\"max_connections\":null}}}");
    // Then it is in force, and nothing is pending any more
    KUBE.awaitSummary(NAMESPACE, "tune", "2/2", "Healthy");
    Kube.await(
        Duration.ofSeconds(40),
        () -> {
          Condition pending = Kube.condition(KUBE.status(NAMESPACE, "tune"), "RestartPending");
          String value = KUBE.superuser(NAMESPACE, pod, "show work_mem");
          return pending != null && pending.getStatus().equals("False") && value.equals("14MB")
              ? null
              : "RestartPending is " + pending + ", work_mem " + value;
        });
    assertEquals(before, startTimes());
  }
}
