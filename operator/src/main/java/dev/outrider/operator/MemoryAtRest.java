package dev.outrider.operator;

import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Has the heap collected when the operator comes to rest.
 *
 * <p>The serial collector makes the heap larger rather than look for garbage, and looks at it as a
 * whole only when it can grow no more: without this an operator that rests keeps what its busiest
 * moment needed. A collection takes some 50 ms of one processor, so it comes {@link #QUIET} after
 * the last run over a cluster, and once a minute where there is no rest.
 */
final class MemoryAtRest {
  /** How long nothing has been done until that is rest. */
  static final Duration QUIET = Duration.ofSeconds(20);

  /** How often an operator that never rests collects. */
  static final Duration RESTLESS = Duration.ofMinutes(1);

  private static final Duration LOOKS = Duration.ofSeconds(10);

  private final LongSupplier nanoTime;
  private final Runnable collection;
  private boolean worked;
  private long lastWork;
  private long lastCollection;

  /**
   * Starts with work done: a start is much of it.
   *
   * @param nanoTime measures time, {@link System#nanoTime}
   * @param collection {@link System#gc}
   */
  MemoryAtRest(LongSupplier nanoTime, Runnable collection) {
    this.nanoTime = nanoTime;
    this.collection = collection;
    this.lastCollection = nanoTime.getAsLong();
    worked();
  }

  /** Looks now and then, on a thread of its own, until the process ends. */
  void start() {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name("memory-at-rest").daemon(true).factory());
    var _ =
        timer.scheduleWithFixedDelay(
            this::look, LOOKS.toMillis(), LOOKS.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** To be called after each piece of work. Any thread. */
  synchronized void worked() {
    worked = true;
    lastWork = nanoTime.getAsLong();
  }

  /** Collects if it is time. */
  void look() {
    synchronized (this) {
      long now = nanoTime.getAsLong();
      boolean due =
          worked
              && (now - lastWork >= QUIET.toNanos() || now - lastCollection >= RESTLESS.toNanos());
      if (!due) {
        return;
      }
      worked = false;
      lastCollection = now;
    }
    collection.run();
  }
}
