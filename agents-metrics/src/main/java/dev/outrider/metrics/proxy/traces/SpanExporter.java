package dev.outrider.metrics.proxy.traces;

import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.TracesConfig;
import dev.outrider.metrics.proxy.wire.QuerySpan;
import dev.outrider.metrics.proxy.wire.SpanSink;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands spans on to a collector, in batches, from a thread of its own.
 *
 * <ol>
 *   <li>Who brings a span never waits: it goes into a queue without a lock, or is dropped and
 *       counted when {@value #MOST_WAITING} wait. No session feels a collector that is slow or
 *       away.
 *   <li>The thread sleeps while there are none. Once there is one it lets others gather for a
 *       second, or until there are {@value #BATCH}, and sends them.
 *   <li>What a collector does not take is sent again where the specification allows it, up to
 *       {@value #ATTEMPTS} times with growing pauses; then it is given up and counted.
 *   <li>At the end what waits is sent once, within a time given.
 * </ol>
 *
 * <p>Safe for all threads.
 */
public final class SpanExporter implements SpanSink {
  /** How many spans may wait; each is some hundred bytes, its text is the fingerprint's. */
  static final int MOST_WAITING = 2048;

  /** The most spans of one request: with texts of 4 KiB, about a megabyte. */
  static final int BATCH = 256;

  private static final int ATTEMPTS = 5;
  private static final int STACK = 256 << 10;
  private static final Logger LOG = LoggerFactory.getLogger(SpanExporter.class);

  /** What becomes of spans. */
  public enum Result {
    /** The collector has taken them. */
    EXPORTED,
    /** Too many waited. */
    DROPPED,
    /** The collector has not taken them. */
    FAILED
  }

  /** Counts spans. */
  @FunctionalInterface
  public interface Counter {
    /** So many more; called by any thread, must not wait. */
    void count(Result result, int spans);
  }

  /**
   * How quick it is.
   *
   * @param gather for how long spans gather
   * @param pause before the second attempt; twice as long before the next, and so on
   */
  record Pace(Duration gather, Duration pause) {
    static final Pace DEFAULT = new Pace(Duration.ofSeconds(1), Duration.ofSeconds(1));
  }

  private final TracesConfig config;
  private final Map<String, String> resource;
  private final String version;
  private final Counter counter;
  private final InstantSource clock;
  private final Pace pace;
  private final Collector collector;
  private final Queue<QuerySpan> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final Thread thread;
  private volatile @Nullable Problem problem;
  private volatile boolean closing;
  private volatile long closeBy;

  /**
   * Starts.
   *
   * @param version of the proxy
   * @param environment the process's, which tells where it runs
   * @param clock the time of day
   */
  public SpanExporter(
      TracesConfig config,
      String version,
      Map<String, String> environment,
      Counter counter,
      InstantSource clock) {
    this(config, version, environment, counter, clock, Pace.DEFAULT);
  }

  SpanExporter(
      TracesConfig config,
      String version,
      Map<String, String> environment,
      Counter counter,
      InstantSource clock,
      Pace pace) {
    this.config = config;
    this.resource = resource(config, version, environment);
    this.version = version;
    this.counter = counter;
    this.clock = clock;
    this.pace = pace;
    this.collector = new Collector(config);
    this.thread = new Thread(null, this::run, "traces", STACK);
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * By OpenTelemetry's conventions for <a
   * href="https://opentelemetry.io/docs/specs/semconv/resource/">resources</a>; what is configured
   * wins.
   */
  private static Map<String, String> resource(
      TracesConfig config, String version, Map<String, String> environment) {
    Map<String, String> resource = new LinkedHashMap<>();
    resource.put("service.name", config.serviceName());
    resource.put("service.version", version);
    String host = environment.get("HOSTNAME");
    if (host != null) {
      // The kubelet names the host of a container like its pod.
      boolean pod = environment.containsKey("KUBERNETES_SERVICE_HOST");
      resource.put(pod ? "k8s.pod.name" : "host.name", host);
      resource.put("service.instance.id", host);
    }
    resource.putAll(config.attributes());
    return resource;
  }

  @Override
  public void take(QuerySpan span) {
    int now = size.incrementAndGet();
    if (now > MOST_WAITING || closing) {
      size.decrementAndGet();
      counter.count(Result.DROPPED, 1);
      return;
    }
    waiting.add(span);
    if (now == 1 || now == BATCH) {
      LockSupport.unpark(thread);
    }
  }

  /** What is wrong with the collector, since when; null if nothing is. */
  public @Nullable Problem problem() {
    return problem;
  }

  private void run() {
    while (!closing || (size.get() > 0 && System.nanoTime() - closeBy < 0)) {
      if (size.get() == 0) {
        LockSupport.park(this);
      } else {
        gather();
        send(next());
      }
    }
    for (List<QuerySpan> left = next(); !left.isEmpty(); left = next()) {
      counter.count(Result.FAILED, left.size());
    }
  }

  private void gather() {
    long until = System.nanoTime() + pace.gather().toNanos();
    long left = until - System.nanoTime();
    while (left > 0 && size.get() < BATCH && !closing) {
      LockSupport.parkNanos(this, left);
      left = until - System.nanoTime();
    }
  }

  private List<QuerySpan> next() {
    List<QuerySpan> batch = new ArrayList<>();
    for (QuerySpan span = waiting.poll(); span != null; span = waiting.poll()) {
      batch.add(span);
      if (batch.size() == BATCH) {
        break;
      }
    }
    size.addAndGet(-batch.size());
    return batch;
  }

  private void send(List<QuerySpan> batch) {
    if (batch.isEmpty()) {
      // Counted, and about to be there.
      Thread.onSpinWait();
      return;
    }
    byte[] request = Otlp.request(resource, version, batch);
    long pause = pace.pause().toNanos();
    for (int attempt = 1; ; attempt++) {
      Collector.Answer answer = collector.send(request);
      tell(answer.problem());
      if (answer.problem() == null) {
        counter.count(Result.EXPORTED, batch.size());
        return;
      }
      long wait = Math.max(pause, TimeUnit.SECONDS.toNanos(answer.afterSeconds()));
      if (!answer.again() || attempt == ATTEMPTS || !rest(wait)) {
        counter.count(Result.FAILED, batch.size());
        return;
      }
      pause *= 2;
    }
  }

  /** Waits, somewhat less or more so that proxies do not all come at once; false at the end. */
  private boolean rest(long nanos) {
    long until =
        System.nanoTime() + (long) (nanos * (0.8 + 0.4 * ThreadLocalRandom.current().nextDouble()));
    long left = until - System.nanoTime();
    while (left > 0 && !closing) {
      LockSupport.parkNanos(this, left);
      left = until - System.nanoTime();
    }
    return !closing;
  }

  private void tell(@Nullable String wrong) {
    Problem before = problem;
    if (wrong == null) {
      problem = null;
      if (before != null) {
        LOG.atInfo().addKeyValue("endpoint", config.endpoint()).log("spans are taken again");
      }
    } else if (before == null || !before.message().equals(wrong)) {
      problem = new Problem("traces", wrong, before == null ? clock.instant() : before.since());
      LOG.atWarn()
          .addKeyValue("endpoint", config.endpoint())
          .addKeyValue("problem", wrong)
          .log("spans cannot be handed on; no query waits for that");
    }
  }

  /**
   * Takes no more, sends what waits, and ends.
   *
   * @param within how long what waits may be sent, and how long this waits for it
   */
  public void close(Duration within) {
    closeSoon(within);
    try {
      thread.join(within);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** As {@link #close}, but does not wait for it. */
  public void closeSoon(Duration within) {
    closeBy = System.nanoTime() + within.toNanos();
    closing = true;
    LockSupport.unpark(thread);
  }
}
