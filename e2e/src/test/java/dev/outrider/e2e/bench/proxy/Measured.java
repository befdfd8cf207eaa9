package dev.outrider.e2e.bench.proxy;

import org.jspecify.annotations.Nullable;

/**
 * One run.
 *
 * @param perSecond transactions
 * @param proxyMicros processor time of what stands between, per transaction
 * @param postgresMicros processor time of PostgreSQL, per transaction
 * @param latency at a fixed rate only
 */
record Measured(
    double perSecond, double proxyMicros, double postgresMicros, @Nullable Latency latency) {
  /** Milliseconds that half, 99 of 100 and 999 of 1000 transactions did not exceed. */
  record Latency(double p50, double p99, double p999) {}
}
