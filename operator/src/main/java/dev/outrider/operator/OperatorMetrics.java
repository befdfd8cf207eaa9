package dev.outrider.operator;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the operator tells Prometheus of itself: its requests to the API server and its runs. */
final class OperatorMetrics implements Metrics, Interceptor {
  private static final double NANOSECONDS = 1e9;

  private final Counter requests;
  private final Counter failures;
  private final Histogram runs;

  private final Runnable afterEachRun;

  /**
   * Makes the metrics.
   *
   * @param afterEachRun called after each run over an object
   */
  OperatorMetrics(PrometheusRegistry registry, Runnable afterEachRun) {
    this.afterEachRun = afterEachRun;
    requests =
        Counter.builder()
            .name("outrider_operator_api_requests_total")
            .help("Requests to the API server by verb, resource and status code.")
            .labelNames("verb", "resource", "code")
            .register(registry);
    failures =
        Counter.builder()
            .name("outrider_operator_reconcile_errors_total")
            .help("Runs that ended with an unexpected error and are tried again.")
            .labelNames("kind")
            .register(registry);
    runs =
        Histogram.builder()
            .name("outrider_operator_reconcile_seconds")
            .help("Duration of a run over one object.")
            .classicUpperBounds(0.01, 0.05, 0.1, 0.5, 1, 5)
            .labelNames("kind")
            .register(registry);
  }

  @Override
  public void after(
      HttpRequest request,
      HttpResponse<?> response,
      AsyncBody.Consumer<List<ByteBuffer>> consumer) {
    requests
        .labelValues(
            request.method().toLowerCase(Locale.ROOT),
            resource(request.uri().getPath()),
            Integer.toString(response.code()))
        .inc();
  }

  /**
   * The plural in a path of the Kubernetes API: {@code /api/v1/namespaces/x/pods/y} is about pods.
   */
  static String resource(String path) {
    List<String> parts = List.of(path.split("/", -1));
    // The first one: a namespace or an object may be called api too.
    int core = parts.indexOf("api");
    int group = parts.indexOf("apis");
    if (core < 0 && group < 0) {
      return "other";
    }
    int start = group < 0 || (core >= 0 && core < group) ? core + 2 : group + 3;
    if (parts.size() > start + 2 && parts.get(start).equals("namespaces")) {
      start += 2;
    }
    return start < parts.size() ? parts.get(start) : "other";
  }

  @Override
  public <T> T timeControllerExecution(ControllerExecution<T> execution) throws Exception {
    long start = System.nanoTime();
    try {
      return execution.execute();
    } finally {
      runs.labelValues(execution.controllerName())
          .observe((System.nanoTime() - start) / NANOSECONDS);
      afterEachRun.run();
    }
  }

  @Override
  public void failedReconciliation(
      HasMetadata resource, Exception exception, Map<String, Object> metadata) {
    failures.labelValues(resource.getKind().toLowerCase(Locale.ROOT)).inc();
  }
}
