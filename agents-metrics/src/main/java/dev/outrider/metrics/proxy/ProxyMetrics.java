package dev.outrider.metrics.proxy;

import dev.outrider.metrics.proxy.fence.Fence;
import dev.outrider.metrics.proxy.traces.SpanExporter;
import dev.outrider.protocol.frame.Desync;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Instant;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** What the proxy counts. Safe for all threads. */
public final class ProxyMetrics {
  /** Why a client was turned away. */
  public enum Refusal {
    /** Postgres could not be reached. */
    UPSTREAM,
    /** Too many clients are connected. */
    LIMIT,
    /** The proxy drains. */
    DRAINING,
    /** The fence is shut. */
    FENCE,
    /** The client wants a primary, and the instance is a standby. */
    STANDBY,
    /** The client did not say in time what it wants. */
    SILENCE,
    /** What the client said first is no start-up of the protocol. */
    PROTOCOL,
    /** The client spoke HTTP. */
    HTTP,
    /** Without TLS where it is demanded, or with TLS as it is not offered. */
    ENCRYPTION,
    /** The client's and the proxy's TLS did not come to terms. */
    HANDSHAKE,
    /** The client has shown no certificate, or one that is not for its user. */
    CERTIFICATE,
    /** One of the users that are never let in. */
    USER,
    /** The access rules say so. */
    ACCESS,
    /** Postgres asks for a login that cannot pass the proxy. */
    LOGIN,
    /** The client had not said what it wants, and too many others came. */
    CROWD
  }

  /** How a session ended that was there when a drain began. */
  public enum DrainEnd {
    /** It was idle when the drain began. */
    IDLE,
    /** When its transaction was over. */
    FINISHED,
    /** The client or Postgres has ended it. */
    OWN,
    /** At the bound. */
    CUT
  }

  private final PrometheusRegistry registry;
  private SpanExporter.@Nullable Counter spans;
  private final Counter refused;
  private final Histogram connectSeconds;
  private final Counter drained;
  private final Counter desync;
  private final Histogram handshakeSeconds;
  private final Counter tlsSessions;
  private final Counter tlsReloads;

  /** Client connections accepted. */
  public final CounterDataPoint accepted;

  /** Bytes that came from clients. */
  public final CounterDataPoint fromClients;

  /** Bytes that came from the upstream. */
  public final CounterDataPoint fromUpstream;

  /** Attempts to connect to the upstream that failed. */
  public final CounterDataPoint connectFailures;

  /**
   * Client connections that the kernel could not give, for example for want of file descriptors.
   */
  public final CounterDataPoint acceptFailures;

  /** Queries that were cancelled because their clients had vanished. */
  public final CounterDataPoint cancelled;

  /** Sessions that the fence has ended. */
  public final CounterDataPoint fencedSessions;

  /**
   * Registers what it counts.
   *
   * @param open how many clients are connected
   * @param fence whether it is open, and the lease
   * @param certificateEnd when the certificate in force ends; null if there is none
   */
  public ProxyMetrics(
      PrometheusRegistry registry,
      IntSupplier open,
      Fence fence,
      Supplier<@Nullable Instant> certificateEnd) {
    this.registry = registry;
    accepted =
        Counter.builder()
            .name("outrider_proxy_connections_total")
            .help("Client connections accepted")
            .register(registry);
    GaugeWithCallback.builder()
        .name("outrider_proxy_open_connections")
        .help("Client connections open now")
        .callback(callback -> callback.call(open.getAsInt()))
        .register(registry);
    refused =
        Counter.builder()
            .name("outrider_proxy_refused_total")
            .help("Client connections turned away, by reason")
            .labelNames("reason")
            .register(registry);
    for (Refusal reason : Refusal.values()) {
      refused.initLabelValues(label(reason));
    }
    acceptFailures =
        Counter.builder()
            .name("outrider_proxy_accept_failures_total")
            .help("Client connections that the kernel could not give")
            .register(registry);
    GaugeWithCallback.builder()
        .name("outrider_proxy_fence_open")
        .help("1 while sessions may reach the instance, else 0")
        .callback(callback -> callback.call(fence.problem() == null ? 1 : 0))
        .register(registry);
    GaugeWithCallback.builder()
        .name("outrider_proxy_lease_seconds")
        .help("How long the primary's lease is still good; there on a primary only")
        .callback(callback -> fence.leaseSeconds().ifPresent(callback::call))
        .register(registry);
    fencedSessions =
        Counter.builder()
            .name("outrider_proxy_fenced_sessions_total")
            .help("Sessions ended because the fence was shut")
            .register(registry);
    cancelled =
        Counter.builder()
            .name("outrider_proxy_cancelled_queries_total")
            .help("Queries cancelled because their clients had vanished")
            .register(registry);
    Counter bytes =
        Counter.builder()
            .name("outrider_proxy_received_bytes_total")
            .help("Bytes received, by who sent them")
            .labelNames("from")
            .register(registry);
    fromClients = bytes.labelValues("client");
    fromUpstream = bytes.labelValues("upstream");
    connectSeconds =
        Histogram.builder()
            .name("outrider_proxy_upstream_connect_seconds")
            .help("Time until the upstream accepted a connection")
            .classicOnly()
            .classicUpperBounds(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
            .register(registry);
    connectFailures =
        Counter.builder()
            .name("outrider_proxy_upstream_connect_failures_total")
            .help("Attempts to connect to the upstream that failed")
            .register(registry);
    drained =
        Counter.builder()
            .name("outrider_proxy_drained_sessions_total")
            .help("Sessions open when a drain began, by how they ended")
            .labelNames("end")
            .register(registry);
    for (DrainEnd end : DrainEnd.values()) {
      drained.initLabelValues(label(end));
    }
    desync =
        Counter.builder()
            .name("outrider_proxy_decoder_desync_total")
            .help("Sessions whose messages can no longer be followed; they are still relayed")
            .labelNames("reason")
            .register(registry);
    for (Desync reason : Desync.values()) {
      desync.initLabelValues(reason.label());
    }
    handshakeSeconds =
        Histogram.builder()
            .name("outrider_proxy_tls_handshake_seconds")
            .help("Time from the first byte of a TLS handshake to its end")
            .classicOnly()
            .classicUpperBounds(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
            .register(registry);
    tlsSessions =
        Counter.builder()
            .name("outrider_proxy_tls_handshakes_total")
            .help("TLS handshakes that succeeded, by protocol version and cipher suite")
            .labelNames("version", "cipher")
            .register(registry);
    tlsReloads =
        Counter.builder()
            .name("outrider_proxy_tls_reloads_total")
            .help("New certificate files, by whether they were taken up")
            .labelNames("result")
            .register(registry);
    tlsReloads.initLabelValues("success");
    tlsReloads.initLabelValues("failure");
    GaugeWithCallback.builder()
        .name("outrider_proxy_tls_certificate_end_timestamp_seconds")
        .help("When the certificate that clients are shown ends, in seconds since 1970")
        .callback(
            callback -> {
              Instant end = certificateEnd.get();
              if (end != null) {
                callback.call((double) end.getEpochSecond());
              }
            })
        .register(registry);
  }

  /** A client was turned away. */
  public void refused(Refusal reason) {
    refused.labelValues(label(reason)).inc();
  }

  private static String label(Refusal reason) {
    return switch (reason) {
      case UPSTREAM -> "upstream";
      case LIMIT -> "limit";
      case DRAINING -> "draining";
      case FENCE -> "fence";
      case STANDBY -> "standby";
      case SILENCE -> "silence";
      case PROTOCOL -> "protocol";
      case HTTP -> "http";
      case ENCRYPTION -> "encryption";
      case HANDSHAKE -> "handshake";
      case CERTIFICATE -> "certificate";
      case USER -> "user";
      case ACCESS -> "access";
      case LOGIN -> "login";
      case CROWD -> "crowd";
    };
  }

  /** How long a connection to the upstream took, in seconds. */
  public DistributionDataPoint connectSeconds() {
    return connectSeconds;
  }

  /** A session ended in a drain. */
  public void drained(DrainEnd end) {
    drained.labelValues(label(end)).inc();
  }

  private static String label(DrainEnd end) {
    return switch (end) {
      case IDLE -> "idle";
      case FINISHED -> "finished";
      case OWN -> "own";
      case CUT -> "cut";
    };
  }

  /** A client's TLS handshake has succeeded. */
  public void handshake(long nanos, SSLSession session) {
    handshakeSeconds.observe(nanos / 1e9);
    tlsSessions.labelValues(session.getProtocol(), session.getCipherSuite()).inc();
  }

  /** New certificate files were read. */
  public void tlsReloaded(boolean takenUp) {
    tlsReloads.labelValues(takenUp ? "success" : "failure").inc();
  }

  /** Counts spans; there from the first time that somebody asks for it. */
  synchronized SpanExporter.Counter spans() {
    SpanExporter.Counter there = spans;
    if (there == null) {
      Counter total =
          Counter.builder()
              .name("outrider_proxy_spans_total")
              .help("Spans of queries, by what became of them")
              .labelNames("result")
              .register(registry);
      for (SpanExporter.Result result : SpanExporter.Result.values()) {
        total.initLabelValues(label(result));
      }
      there = (result, more) -> total.labelValues(label(result)).inc(more);
      spans = there;
    }
    return there;
  }

  private static String label(SpanExporter.Result result) {
    return switch (result) {
      case EXPORTED -> "exported";
      case DROPPED -> "dropped";
      case FAILED -> "failed";
    };
  }

  /** A session can no longer be followed. */
  public void desync(Desync reason) {
    desync.labelValues(reason.label()).inc();
  }
}
