package dev.outrider.metrics.proxy.wire;

import org.jspecify.annotations.Nullable;

/**
 * What an answer is about where it belongs to a trace.
 *
 * @param about what it would be without
 * @param traces the traces of the statements
 */
record Traced(@Nullable Object about, Traces traces) {
  /** What an answer is about, with its traces if there are any. */
  static @Nullable Object of(@Nullable Object about, @Nullable Traces traces) {
    return traces == null ? about : new Traced(about, traces);
  }
}
