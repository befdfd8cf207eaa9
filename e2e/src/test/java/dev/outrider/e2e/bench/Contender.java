package dev.outrider.e2e.bench;

import java.util.List;
import java.util.Map;

/**
 * Who is measured, and what is its own about it. Both call the Secret {@code bench-app}, the
 * Service {@code bench-rw} and the database {@code app}.
 *
 * @param title as in the tables
 * @param manifest a cluster of three instances called {@code bench}, as a user writes it
 * @param instances selects the pods of the instances
 * @param primary selects the pod of the primary
 * @param superuser before an SQL text, inside the container {@code postgres}
 * @param metricsPort of an instance's pod
 * @param operatorNamespace where the operator's pod is
 * @param operator selects the operator's pod
 * @param operatorReady in the first line of the operator's log that says that {@code /readyz} is
 *     answered with 200
 */
record Contender(
    String title,
    String manifest,
    Map<String, String> instances,
    Map<String, String> primary,
    List<String> superuser,
    int metricsPort,
    String operatorNamespace,
    Map<String, String> operator,
    String operatorReady) {
  static final String CLUSTER = "bench";

  static final Contender OUTRIDER =
      new Contender(
          "Outrider",
          """
          apiVersion: outrider.dev/v1alpha1
          kind: PostgresCluster
          metadata: {name: bench}
          spec:
            instances: 3
            storage: {size: 1Gi}
          """,
          Map.of("outrider.dev/cluster", CLUSTER),
          Map.of("outrider.dev/cluster", CLUSTER, "outrider.dev/role", "primary"),
          List.of(
              "sh",
              "-c",
              "PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD exec psql -XAtq -h /run/postgresql -p 5433"
                  + " -U postgres -c \"$0\""),
          9101,
          "outrider-system",
          Map.of("app.kubernetes.io/component", "operator"),
          "operator started");

  /**
   * CloudNativePG, as its own manifest installs it.
   *
   * @param image its PostgreSQL image; empty for its operator's default
   */
  static Contender cloudNativePg(String image) {
    return new Contender(
        "CloudNativePG",
        """
        apiVersion: postgresql.cnpg.io/v1
        kind: Cluster
        metadata: {name: bench}
        spec:
          instances: 3
          storage: {size: 1Gi}
        """
            + (image.isEmpty() ? "" : "  imageName: " + image + "\n"),
        Map.of("cnpg.io/cluster", CLUSTER, "cnpg.io/podRole", "instance"),
        Map.of("cnpg.io/cluster", CLUSTER, "cnpg.io/instanceRole", "primary"),
        List.of("psql", "-XAtq", "-c"),
        9187,
        "cnpg-system",
        Map.of("app.kubernetes.io/name", "cloudnative-pg"),
        "Serving webhook server");
  }
}
