/**
 * Spans of queries on their way to a collector, by <a
 * href="https://opentelemetry.io/docs/specs/otlp/#otlphttp">OTLP over HTTP</a>. Nothing here is
 * loaded before a collector is configured.
 *
 * <p>Why not OpenTelemetry's own exporter: it is 1.4 MB of jars and Java's HTTP client, which the
 * runtime does not have, for one kind of message; and with its API on the class path, Prometheus's
 * client asks for a current span whenever it counts.
 */
@NullMarked
package dev.outrider.metrics.proxy.traces;

import org.jspecify.annotations.NullMarked;
