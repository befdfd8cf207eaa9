package dev.outrider.operator.reconcile;

import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.api.PostgresClusterStatus;
import dev.outrider.operator.model.StatusModel;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;

/** What the operator tells Prometheus of each cluster. */
public final class ClusterGauges {
  private final Gauge condition;
  private final Gauge instances;

  public ClusterGauges(PrometheusRegistry registry) {
    condition =
        Gauge.builder()
            .name("outrider_cluster_condition")
            .help("1 if the condition of the cluster is True, else 0.")
            .labelNames("namespace", "cluster", "condition")
            .register(registry);
    instances =
        Gauge.builder()
            .name("outrider_cluster_instances")
            .help("Instances of the cluster: wanted, or there and ready.")
            .labelNames("namespace", "cluster", "state")
            .register(registry);
  }

  void set(PostgresCluster cluster, PostgresClusterStatus status) {
    String namespace = cluster.getMetadata().getNamespace();
    String name = cluster.getMetadata().getName();
    if (status.conditions() != null) {
      for (String type : List.of(StatusModel.PROXY_READY, StatusModel.TLS_READY)) {
        if (status.conditions().stream().noneMatch(c -> c.getType().equals(type))) {
          condition.remove(namespace, name, type);
        }
      }
      status
          .conditions()
          .forEach(
              c ->
                  condition
                      .labelValues(namespace, name, c.getType())
                      .set(c.getStatus().equals("True") ? 1 : 0));
    }
    if (status.resolved() != null && status.resolved().instances() != null) {
      instances.labelValues(namespace, name, "wanted").set(status.resolved().instances());
    }
    if (status.instances() != null) {
      instances
          .labelValues(namespace, name, "ready")
          .set(
              (double)
                  status.instances().stream()
                      .filter(PostgresClusterStatus.InstanceStatus::ready)
                      .count());
    }
  }

  void forget(PostgresCluster cluster) {
    String namespace = cluster.getMetadata().getNamespace();
    String name = cluster.getMetadata().getName();
    for (String type :
        List.of(
            StatusModel.READY,
            StatusModel.PROGRESSING,
            StatusModel.RESTART_PENDING,
            StatusModel.TROUBLE,
            StatusModel.PROXY_READY,
            StatusModel.TLS_READY)) {
      condition.remove(namespace, name, type);
    }
    instances.remove(namespace, name, "wanted");
    instances.remove(namespace, name, "ready");
  }
}
