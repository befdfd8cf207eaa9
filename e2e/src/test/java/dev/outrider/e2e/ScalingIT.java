package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outrider.operator.api.PostgresCluster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** 3 → 1 → 3 → 0 → 2, with a row written at each size and none lost. */
class ScalingIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-scaling";

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);

  @Test
  void everyRowOutlivesEverySize() {
    // Given
    KUBE.apply(
        NAMESPACE,
        """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: scale}
        spec: {instances: 3, storage: {size: 1Gi}}
        """);
    KUBE.awaitSummary(NAMESPACE, "scale", "3/3", "Healthy");
    KUBE.query(NAMESPACE, "scale", "rw", "create table sizes (size text)");
    write("3");
    // When the primary is one that goes
    KUBE.handOver(NAMESPACE, "scale", "scale-2");
    scaleByTheSubresource(1);
    KUBE.awaitSummary(NAMESPACE, "scale", "1/1", "Healthy");
    write("1");
    scaleByTheSubresource(3);
    KUBE.awaitSummary(NAMESPACE, "scale", "3/3", "Healthy");
    write("3 again");
    KUBE.handOver(NAMESPACE, "scale", "scale-1");
    KUBE.patchSpec(NAMESPACE, "scale", "{\"instances\":0}");
    KUBE.awaitSummary(NAMESPACE, "scale", "0/0", "Hibernated");
    KUBE.patchSpec(NAMESPACE, "scale", "{\"instances\":2}");
    KUBE.awaitSummary(NAMESPACE, "scale", "2/2", "Healthy");
    write("2");
    // Then
    assertEquals(
        "3,1,3 again,2",
        KUBE.query(NAMESPACE, "scale", "rw", "select string_agg(size, ',') from sizes"));
    assertEquals(2, KUBE.pods(NAMESPACE, "scale").size());
  }

  private static void write(String size) {
    KUBE.query(NAMESPACE, "scale", "rw", "insert into sizes values ('" + size + "')");
  }

  private static void scaleByTheSubresource(int instances) {
    KUBE.client
        .resources(PostgresCluster.class)
        .inNamespace(NAMESPACE)
        .withName("scale")
        .scale(instances);
  }
}
