package dev.outrider.metrics.proxy.wire;

/** Takes the spans of queries. */
@FunctionalInterface
public interface SpanSink {
  /** Takes one, or drops it. Called on event loops, so it must not wait for anything. */
  void take(QuerySpan span);
}
