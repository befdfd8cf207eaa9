package dev.outrider.metrics.proxy.wire;

import dev.outrider.agents.lifecycle.Page;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The metrics of what goes over the wire. Each event loop counts for itself, and is asked for its
 * figures when somebody wants to read them. Safe for all threads; reading is not for event loops.
 */
public final class WireMetrics {
  /** How long an event loop may take to tell its figures; then none are told. */
  private static final long PATIENCE_MILLIS = 1000;

  private final LabelSets labelSets;
  private final Fingerprints fingerprints;
  private final int eventLoops;
  private final boolean texts;
  private final LongSupplier nanoTime;
  private final Spans spans;
  private final Map<EventLoop, LoopFigures> loops = new ConcurrentHashMap<>();

  /**
   * Makes metrics that have counted nothing.
   *
   * @param registry where they are registered
   * @param eventLoops how many event loops there are, which share the room that there is
   * @param maxLabels how many sets of database, user and application are told apart
   * @param maxFingerprints how many fingerprints have figures of their own
   * @param texts whether texts of statements are shown
   * @param nanoTime measures time, {@link System#nanoTime}
   * @param clock the time of day, for spans and exemplars
   */
  public WireMetrics(
      PrometheusRegistry registry,
      int eventLoops,
      int maxLabels,
      int maxFingerprints,
      boolean texts,
      LongSupplier nanoTime,
      InstantSource clock) {
    this.eventLoops = eventLoops;
    this.texts = texts;
    this.labelSets = new LabelSets(maxLabels);
    this.fingerprints = new Fingerprints(maxFingerprints);
    this.nanoTime = nanoTime;
    this.spans = new Spans(texts, nanoTime, clock, () -> ThreadLocalRandom.current().nextLong());
    registry.register((MultiCollector) this::collect);
  }

  /** Begins to follow a session; called on its event loop. */
  public WireSession session(EventLoop loop) {
    LoopFigures figures =
        loops.computeIfAbsent(
            loop, _ -> new LoopFigures(labelSets, fingerprints, spans, eventLoops));
    return new WireSession(figures, nanoTime);
  }

  /** Who takes spans from now on; null: nobody. */
  public void spans(@Nullable SpanSink taker) {
    spans.sink(taker);
  }

  /**
   * What is shown of fingerprints and their figures; null if an event loop does not answer.
   *
   * @param json whether as JSON, and not as a table
   */
  public @Nullable Page queries(boolean json) {
    Totals totals = totals();
    return totals == null ? null : QueriesPage.of(totals, texts, json);
  }

  private MetricSnapshots collect() {
    Totals totals = totals();
    return totals == null ? new MetricSnapshots() : Exposition.of(totals);
  }

  /**
   * What all event loops have counted; null if one does not answer, as sums without it would be
   * taken for counters that went back.
   */
  @Nullable Totals totals() {
    Totals totals = new Totals();
    for (Map.Entry<EventLoop, LoopFigures> entry : loops.entrySet()) {
      LoopFigures figures = entry.getValue();
      Future<?> told;
      try {
        told = entry.getKey().submit(() -> figures.addTo(totals, nanoTime.getAsLong()));
      } catch (RejectedExecutionException e) {
        return null;
      }
      if (!told.awaitUninterruptibly(PATIENCE_MILLIS, TimeUnit.MILLISECONDS) || !told.isSuccess()) {
        return null;
      }
    }
    totals.settle();
    return totals;
  }
}
