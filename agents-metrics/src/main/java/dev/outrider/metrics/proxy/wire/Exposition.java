package dev.outrider.metrics.proxy.wire;

import dev.outrider.metrics.proxy.wire.Totals.Now;
import dev.outrider.protocol.sql.Traceparent;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Exemplar;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.NativeHistogramBuckets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes totals as metrics. Series that have counted nothing are left out. */
final class Exposition {
  private static final String PREFIX = "outrider_proxy_";

  private final List<MetricSnapshot> metrics = new ArrayList<>();

  private Exposition() {}

  static MetricSnapshots of(Totals totals) {
    Exposition out = new Exposition();
    out.sessions(totals);
    out.states(totals);
    out.fingerprints(totals);
    out.process(totals);
    return new MetricSnapshots(out.metrics);
  }

  /** A hash as it is written in labels. */
  static String hex(long hash) {
    return String.format(Locale.ROOT, "%016x", hash);
  }

  private void sessions(Totals totals) {
    Counters sessions = new Counters("sessions", "Sessions let in, by how they are encrypted");
    Counters messages = new Counters("messages", "Messages, by who sent them and their type");
    Counters bytes = new Counters("bytes", "Bytes of messages, by who sent them");
    Counters statements = new Counters("statements", "Statements completed, by kind");
    Counters rows = new Counters("rows", "Rows returned or affected, by kind of statement");
    Counters transactions = new Counters("transactions", "Transactions ended, by outcome");
    Counters errors = new Counters("errors", "Errors of Postgres, by severity and SQLSTATE");
    Counters notices = new Counters("notices", "Notices of Postgres, by severity");
    Times query = new Times("query_seconds", "Time from a statement to the end of its answer");
    Times firstRow = new Times("first_row_seconds", "Time from a statement to its first row");
    Times transaction = new Times("transaction_seconds", "Time from a transaction's begin to end");
    Times drain = new Times("client_drain_seconds", "Time for which Postgres waited for a client");
    for (SessionFigures of : totals.sessions()) {
      Labels labels = labels(of.labels);
      sessions.add(of.sessionsPlain, labels, "encryption", "none");
      sessions.add(of.sessionsEncrypted, labels, "encryption", "tls");
      of.forEachFromClient(
          (type, count) -> messages.add(count, labels.add("from", "client"), "type", type));
      of.forEachFromUpstream(
          (type, count) -> messages.add(count, labels.add("from", "upstream"), "type", type));
      bytes.add(of.bytesFromClient, labels, "from", "client");
      bytes.add(of.bytesFromUpstream, labels, "from", "upstream");
      of.statements.forEach((kind, count) -> statements.add(count, labels, "kind", kind.label()));
      of.rows.forEach((kind, count) -> rows.add(count, labels, "kind", kind.label()));
      of.transactions.forEach(
          (outcome, count) -> transactions.add(count, labels, "outcome", outcome.label()));
      of.notices.forEach(
          (severity, count) -> notices.add(count, labels, "severity", severity.label()));
      of.errors.forEach(
          (key, count) ->
              errors.add(
                  count,
                  labels.add("severity", SessionFigures.severity(key).label()),
                  "sqlstate",
                  SessionFigures.sqlState(key)));
      query.add(of.query, labels);
      firstRow.add(of.firstRow, labels);
      transaction.add(of.transaction, labels);
      drain.add(of.drain, labels);
    }
    metrics.addAll(
        List.of(
            sessions.end(),
            messages.end(),
            bytes.end(),
            statements.end(),
            rows.end(),
            transactions.end(),
            errors.end(),
            notices.end(),
            query.end(),
            firstRow.end(),
            transaction.end(),
            drain.end()));
  }

  private static Labels labels(LabelSet set) {
    return Labels.of(
        "database", set.database(), "user", set.user(), "application", set.application());
  }

  private void states(Totals totals) {
    Gauges sessions = new Gauges("open_sessions", "Sessions open now, by what they are doing");
    Gauges oldest =
        new Gauges("open_sessions_oldest_seconds", "For how long the first of them does it");
    Gauges prepared = new Gauges("prepared_statements", "Prepared statements with a name, now");
    for (Now of : totals.now()) {
      Labels labels = labels(of.labels);
      of.sessions.forEach(
          (state, number) -> {
            Labels with = labels.add("state", state.label());
            sessions.add((double) number, with);
            oldest.add(of.oldestNanos.of(state) / 1e9, with);
          });
      prepared.add((double) of.prepared, labels);
    }
    Gauges opaque =
        new Gauges("connections_opaque", "Connections open now whose messages cannot be followed");
    opaque.add((double) totals.opaque(), Labels.EMPTY);
    metrics.addAll(List.of(sessions.end(), oldest.end(), prepared.end(), opaque.end()));
  }

  private void fingerprints(Totals totals) {
    ByFingerprint all = new ByFingerprint();
    for (Figures of : totals.fingerprints()) {
      Fingerprint fingerprint = of.fingerprint;
      if (fingerprint != null) {
        all.add(of, labels(fingerprint.labels).add("fingerprint", hex(fingerprint.hash)));
      }
    }
    for (SessionFigures of : totals.sessions()) {
      all.add(of.rest, labels(of.labels).add("fingerprint", LabelSets.OTHER));
    }
    metrics.addAll(all.end());
  }

  private void process(Totals totals) {
    Counters cancels = new Counters("cancel_requests", "Requests to cancel a query");
    cancels.put(totals.cancels(), Labels.EMPTY);
    Counters overflows =
        new Counters(
            "metrics_overflow", "How often statements were counted with the rest, by reason");
    for (Overflow what : Overflow.values()) {
      overflows.put(totals.overflows(what), Labels.of("reason", what.label()));
    }
    metrics.addAll(List.of(cancels.end(), overflows.end()));
  }

  private static final class ByFingerprint {
    private final Times times =
        new Times("fingerprint_seconds", "Time of statements, by fingerprint");
    private final Counters calls =
        new Counters("fingerprint_calls", "Statements with success, by fingerprint");
    private final Counters rows = new Counters("fingerprint_rows", "Rows, by fingerprint");
    private final Counters bytes =
        new Counters("fingerprint_bytes", "Bytes of messages, by fingerprint");
    private final Counters errors =
        new Counters("fingerprint_errors", "Errors by fingerprint and SQLSTATE");

    void add(Figures of, Labels labels) {
      if (!of.isUsed()) {
        return;
      }
      times.add(of.latencies(), labels);
      calls.add(of.calls(), labels);
      rows.add(of.rows(), labels);
      bytes.add(of.bytesFromClient(), labels, "from", "client");
      bytes.add(of.bytesFromUpstream(), labels, "from", "upstream");
      of.errors()
          .forEach(
              (code, count) -> errors.add(count, labels, "sqlstate", ErrorHead.sqlState(code)));
    }

    List<MetricSnapshot> end() {
      return List.of(times.end(), calls.end(), rows.end(), bytes.end(), errors.end());
    }
  }

  private static final class Counters {
    private final CounterSnapshot.Builder metric;

    Counters(String name, String help) {
      metric = CounterSnapshot.builder().name(PREFIX + name).help(help);
    }

    void add(long count, Labels labels, String name, String value) {
      if (count > 0) {
        put(count, labels.add(name, value));
      }
    }

    void add(long count, Labels labels) {
      if (count > 0) {
        put(count, labels);
      }
    }

    void put(long count, Labels labels) {
      metric.dataPoint(
          CounterDataPointSnapshot.builder().value((double) count).labels(labels).build());
    }

    MetricSnapshot end() {
      return metric.build();
    }
  }

  private static final class Gauges {
    private final GaugeSnapshot.Builder metric;

    Gauges(String name, String help) {
      metric = GaugeSnapshot.builder().name(PREFIX + name).help(help);
    }

    void add(double value, Labels labels) {
      metric.dataPoint(GaugeDataPointSnapshot.builder().value(value).labels(labels).build());
    }

    MetricSnapshot end() {
      return metric.build();
    }
  }

  private static final class Times {
    private final HistogramSnapshot.Builder metric;

    Times(String name, String help) {
      metric = HistogramSnapshot.builder().name(PREFIX + name).help(help);
    }

    void add(Latencies times, Labels labels) {
      if (times.count() > 0) {
        metric.dataPoint(
            new HistogramDataPointSnapshot(
                times.classicBuckets(),
                Latencies.SCHEMA,
                times.zeros(),
                0,
                times.nativeBuckets(),
                NativeHistogramBuckets.EMPTY,
                times.seconds(),
                labels,
                exemplars(times.seen()),
                0));
      }
    }

    private static Exemplars exemplars(@Nullable Sighting seen) {
      return seen == null
          ? Exemplars.EMPTY
          : Exemplars.of(
              Exemplar.builder()
                  .value(seen.nanos() / 1e9)
                  .traceId(seen.trace().traceId())
                  .spanId(Traceparent.hex(seen.span()))
                  .timestampMillis(seen.millis())
                  .build());
    }

    MetricSnapshot end() {
      return metric.build();
    }
  }
}
