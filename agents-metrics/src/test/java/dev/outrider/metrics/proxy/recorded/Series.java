package dev.outrider.metrics.proxy.recorded;

import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Label;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Metrics as {@link PlainCount} has them: sums over all databases, users and applications. */
public final class Series {
  private static final String PREFIX = "outrider_proxy_";
  private static final Set<String> COUNTED =
      Set.of(
          "sessions",
          "messages",
          "bytes",
          "statements",
          "rows",
          "transactions",
          "errors",
          "notices",
          "prepared_statements",
          "cancel_requests",
          "connections_opaque",
          "decoder_desync",
          "metrics_overflow",
          "fingerprint_calls",
          "fingerprint_rows",
          "fingerprint_errors");
  private static final Set<String> WHOSE = Set.of("database", "user", "application");

  private Series() {}

  /** By name and labels, those that are 0 left out. */
  public static Map<String, Long> of(MetricSnapshots metrics) {
    Map<String, Long> series = new TreeMap<>();
    for (MetricSnapshot metric : metrics) {
      String name = metric.getMetadata().getName();
      if (name.startsWith(PREFIX) && COUNTED.contains(name.substring(PREFIX.length()))) {
        for (DataPointSnapshot point : metric.getDataPoints()) {
          series.merge(
              name.substring(PREFIX.length()) + labels(point), value(name, point), Long::sum);
        }
      }
    }
    series.values().removeIf(value -> value == 0);
    return series;
  }

  private static String labels(DataPointSnapshot point) {
    StringBuilder labels = new StringBuilder();
    for (Label label : point.getLabels()) {
      if (!WHOSE.contains(label.getName())) {
        labels.append(' ').append(label.getValue());
      }
    }
    return labels.toString();
  }

  private static long value(String name, DataPointSnapshot point) {
    return switch (point) {
      case CounterDataPointSnapshot counter -> (long) counter.getValue();
      case GaugeDataPointSnapshot gauge -> (long) gauge.getValue();
      default -> throw new IllegalArgumentException(name);
    };
  }
}
