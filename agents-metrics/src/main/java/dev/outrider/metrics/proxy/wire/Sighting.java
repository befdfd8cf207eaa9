package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.sql.Traceparent;

/**
 * A time of a query whose trace is known, for an exemplar.
 *
 * @param trace its trace
 * @param span the span that shows it
 * @param nanos the time
 * @param millis when it was, in milliseconds since 1970
 */
record Sighting(Traceparent trace, long span, long nanos, long millis) {
  Sighting withNanos(long other) {
    return new Sighting(trace, span, other, millis);
  }
}
