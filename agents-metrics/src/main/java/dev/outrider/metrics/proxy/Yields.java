package dev.outrider.metrics.proxy;

import java.util.concurrent.TimeUnit;

/**
 * Whether an event loop that has nothing left to do shall let other threads run and look again,
 * instead of going to sleep. Where clients, Postgres and proxy share processors, the others' next
 * messages come meanwhile: that spares putting the thread to sleep and waking it, which is a good
 * part of what a small query costs, and more comes at a time.
 *
 * <p>Where it does not help it is done seldom: after each time in vain twice as many sleeps go by
 * without, up to {@value #MOST_IN_VAIN}. Where others do not give the processor back soon, the
 * thread would wait longer for its turn than one that was asleep; after that, too, and up to
 * {@value #MOST_LONG}. For one thread.
 */
final class Yields {
  static final int MOST_IN_VAIN = 63;
  static final int MOST_LONG = 1023;
  static final long LONG_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private int pause;
  private int skip;

  /** Whether to yield before the sleep that comes now. */
  boolean isNext() {
    if (skip > 0) {
      skip--;
      return false;
    }
    return true;
  }

  /**
   * What came of it.
   *
   * @param nanos how long others ran
   * @param worthwhile whether there was something to do then
   */
  void was(long nanos, boolean worthwhile) {
    if (nanos >= LONG_NANOS) {
      pause = Math.min(2 * pause + 1, MOST_LONG);
    } else if (worthwhile) {
      pause = 0;
    } else {
      pause = Math.min(2 * pause + 1, MOST_IN_VAIN);
    }
    skip = pause;
  }
}
