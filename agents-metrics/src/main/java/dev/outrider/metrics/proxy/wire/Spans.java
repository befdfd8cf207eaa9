package dev.outrider.metrics.proxy.wire;

import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What all event loops share of spans. Safe for all threads; nothing here is asked for a query that
 * belongs to no trace.
 */
final class Spans {
  private final boolean texts;
  private final LongSupplier nanoTime;
  private final InstantSource clock;
  private final LongSupplier ids;
  private volatile @Nullable SpanSink sink;

  /**
   * Nobody takes spans at first.
   *
   * @param texts whether texts of statements are shown
   * @param nanoTime by which sessions measure time
   * @param clock the time of day
   * @param ids makes random numbers
   */
  Spans(boolean texts, LongSupplier nanoTime, InstantSource clock, LongSupplier ids) {
    this.texts = texts;
    this.nanoTime = nanoTime;
    this.clock = clock;
    this.ids = ids;
  }

  /** Who takes spans; null: nobody. */
  void sink(@Nullable SpanSink taker) {
    sink = taker;
  }

  /** Who takes spans; null: nobody. */
  @Nullable SpanSink sink() {
    return sink;
  }

  /** A new span's id, which is never 0. */
  long id() {
    long id = ids.getAsLong();
    return id == 0 ? 1 : id;
  }

  /** What to add to a time to have it in nanoseconds since 1970. */
  long offset() {
    Instant now = clock.instant();
    return now.getEpochSecond() * 1_000_000_000 + now.getNano() - nanoTime.getAsLong();
  }

  /** The text of a statement where it may be shown. */
  @Nullable String text(Figures of) {
    return of.shownText(texts);
  }
}
