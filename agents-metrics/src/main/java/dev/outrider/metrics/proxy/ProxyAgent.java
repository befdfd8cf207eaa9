package dev.outrider.metrics.proxy;

import dev.outrider.agents.AgentCommand.Surroundings;
import dev.outrider.agents.config.MetricsConfig;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.config.TlsConfig;
import dev.outrider.agents.config.TracesConfig;
import dev.outrider.agents.lifecycle.Agent;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.agents.lifecycle.Lifecycle;
import dev.outrider.agents.lifecycle.Page;
import dev.outrider.metrics.proxy.fence.BootClock;
import dev.outrider.metrics.proxy.fence.Fence;
import dev.outrider.metrics.proxy.session.Entrance;
import dev.outrider.metrics.proxy.session.Sessions;
import dev.outrider.metrics.proxy.tls.ClientTls;
import dev.outrider.metrics.proxy.traces.SpanExporter;
import dev.outrider.metrics.proxy.upstream.Upstream;
import dev.outrider.metrics.proxy.upstream.UpstreamHealth;
import dev.outrider.metrics.proxy.wire.WireMetrics;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The proxy: listens, and leads each client to the upstream.
 *
 * <p>In a drain sessions end as {@link Sessions#drain} says. The listeners stay until the last one
 * has: a client that wants to cancel a query that the drain waits for must get through. All others
 * are refused with an error that makes drivers try the next host. Then the addresses are free, so
 * that the kernel refuses whoever comes late.
 */
// A write or a close that fails is told to the handlers, not by its future.
@SuppressWarnings("FutureReturnValueIgnored")
public final class ProxyAgent implements Agent<ProxyConfig> {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyAgent.class);

  /** How long spans that still wait may take at the end. */
  private static final Duration LAST_SPANS = Duration.ofSeconds(2);

  // How often it looks how much memory buffers take.
  private static final long ECONOMY_MILLIS = 100;

  private final Surroundings surroundings;
  private final Transport transport;
  private final Set<EventLoop> used = ConcurrentHashMap.newKeySet();
  private ProxyConfig config;
  private volatile @Nullable Running running;
  private volatile @Nullable ClientTls tls;
  private volatile @Nullable WireMetrics wire;
  private volatile @Nullable SpanExporter exporter;
  private volatile boolean stopping;

  /** What there is between start and stop. */
  private static final class Running {
    final EventLoopGroup loops;
    final UpstreamHealth health;
    final Fence fence;
    final Sessions sessions;
    final ProxyMetrics metrics;
    volatile Listeners listeners;

    Running(
        EventLoopGroup loops,
        UpstreamHealth health,
        Fence fence,
        Sessions sessions,
        ProxyMetrics metrics,
        Listeners listeners) {
      this.loops = loops;
      this.health = health;
      this.fence = fence;
      this.sessions = sessions;
      this.metrics = metrics;
      this.listeners = listeners;
    }
  }

  private volatile Upstream upstream;
  private volatile Runnable beforeWrite = () -> {};

  /** Makes a proxy that does nothing before its start. */
  public ProxyAgent(ProxyConfig config, Surroundings surroundings, Transport transport) {
    this.config = config;
    this.surroundings = surroundings;
    this.transport = transport;
    this.upstream = upstream(config);
  }

  private Upstream upstream(ProxyConfig config) {
    return Upstream.of(config.upstream(), transport, config.connectTimeout());
  }

  @Override
  public void start() {
    Fence fence =
        new Fence(config.instance(), BootClock.system(), System::nanoTime, surroundings.clock());
    EventLoopGroup loops = transport.eventLoops(eventLoops(config), () -> beforeWrite.run());
    for (EventExecutor loop : loops) {
      loop.terminationFuture().addListener(this::loopEnded);
    }
    EventLoop chores = loops.next();
    UpstreamHealth health = new UpstreamHealth(() -> upstream, chores, surroundings.clock());
    ProxyMetrics metrics =
        new ProxyMetrics(surroundings.metrics(), this::connections, fence, this::certificateEnd);
    WireMetrics wireMetrics = wire(config);
    wire = wireMetrics;
    export(config.traces(), metrics);
    Sessions sessions =
        new Sessions(
            metrics, () -> upstream, health, fence, Sessions.Limits.DEFAULTS, config, wireMetrics);
    beforeWrite = sessions::settle;
    fence.onShut(sessions::fence);
    fence.look();
    try {
      takeUp(config, loadTls(config, metrics), sessions);
      Listeners listeners = Listeners.NONE.moved(config, binder(loops, metrics, sessions));
      running = new Running(loops, health, fence, sessions, metrics, listeners);
      listeners.open();
      chores.scheduleWithFixedDelay(
          fence::look, Fence.POLL_MILLIS, Fence.POLL_MILLIS, TimeUnit.MILLISECONDS);
      chores.scheduleWithFixedDelay(
          sessions::economise, ECONOMY_MILLIS, ECONOMY_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RuntimeException e) {
      health.end();
      stopping = true;
      takeUp(config, null, sessions);
      export(null, metrics);
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      throw e;
    }
    LoggingEventBuilder line = LOG.atInfo().addKeyValue("listen", config.listen());
    if (config.primary() != null) {
      line = line.addKeyValue("primaryListen", config.primary().listen());
    }
    line.addKeyValue("upstream", upstream)
        .addKeyValue("transport", transport)
        .addKeyValue("eventLoops", eventLoops(config))
        .log("listening");
  }

  private @Nullable WireMetrics wire(ProxyConfig config) {
    MetricsConfig of = config.metrics();
    return of.enabled()
        ? new WireMetrics(
            surroundings.metrics(),
            eventLoops(config),
            of.maxLabels(),
            of.maxFingerprints(),
            of.texts(),
            System::nanoTime,
            surroundings.clock())
        : null;
  }

  /** Spans go where it is configured from now on; what waits goes where it was to go. */
  private void export(@Nullable TracesConfig traces, ProxyMetrics metrics) {
    WireMetrics told = wire;
    SpanExporter before = exporter;
    SpanExporter changed = null;
    if (traces != null) {
      String version = ProxyAgent.class.getPackage().getImplementationVersion();
      changed =
          new SpanExporter(
              traces,
              version == null ? "unpackaged" : version,
              System.getenv(),
              metrics.spans(),
              surroundings.clock());
    }
    exporter = changed;
    if (told != null) {
      told.spans(changed);
    }
    if (before != null) {
      before.closeSoon(LAST_SPANS);
    }
  }

  private static int eventLoops(ProxyConfig config) {
    return config.eventLoops() > 0 ? config.eventLoops() : Transport.DEFAULT_EVENT_LOOPS;
  }

  private Listeners.Binder binder(EventLoopGroup loops, ProxyMetrics metrics, Sessions sessions) {
    return (key, address, entrance) ->
        Listener.bind(
            key,
            address,
            transport,
            loops,
            metrics,
            client -> {
              used.add(client.eventLoop());
              transport.keepAlive(client, sessions.keepAlive());
              sessions.accept(client, entrance);
            });
  }

  private void loopEnded(Future<?> future) {
    if (!stopping) {
      surroundings
          .crash()
          .accept(new IllegalStateException("an event loop has ended", future.cause()));
    }
  }

  private @Nullable ClientTls loadTls(ProxyConfig config, ProxyMetrics metrics) {
    return config.tls().mode() == TlsConfig.Mode.DISABLE
        ? null
        : ClientTls.load(config.tls(), surroundings.clock(), metrics);
  }

  private void takeUp(ProxyConfig changed, @Nullable ClientTls changedTls, Sessions sessions) {
    ClientTls before = tls;
    tls = changedTls;
    sessions.configure(changed, changedTls);
    if (before != null && before != changedTls) {
      before.close();
    }
  }

  private @Nullable Instant certificateEnd() {
    ClientTls now = tls;
    return now == null ? null : now.notAfter();
  }

  private int connections() {
    Running now = running;
    return now == null ? 0 : now.sessions.size();
  }

  /** Where clients connect; for tests that let the kernel choose the port. */
  InetSocketAddress address() {
    return address(Entrance.ANY);
  }

  /** Where clients connect to this entrance. */
  InetSocketAddress address(Entrance entrance) {
    Running now = running;
    if (now == null) {
      throw new IllegalStateException("not started");
    }
    return now.listeners.address(entrance);
  }

  @Override
  public void reconfigure(ProxyConfig changed) {
    Running now = running;
    if (now == null) {
      throw new IllegalStateException("not started");
    }
    Lifecycle.restartKey("eventLoops", config.eventLoops(), changed.eventLoops());
    Lifecycle.restartKey("metrics", config.metrics(), changed.metrics());
    // What is new first: if it cannot be had, nothing has changed.
    Listeners before = now.listeners;
    Listeners listeners = before.moved(changed, binder(now.loops, now.metrics, now.sessions));
    ClientTls changedTls;
    try {
      changedTls = changed.tls().equals(config.tls()) ? tls : loadTls(changed, now.metrics);
    } catch (AgentException e) {
      listeners.closeBut(before);
      throw e;
    }
    if (!Objects.equals(changed.traces(), config.traces())) {
      export(changed.traces(), now.metrics);
    }
    // Before anybody comes to a new address: what is let in there may be meant for it alone.
    takeUp(changed, changedTls, now.sessions);
    now.fence.guard(changed.instance());
    upstream = upstream(changed);
    now.health.doubt();
    now.listeners = listeners;
    listeners.open();
    before.closeBut(listeners);
    config = changed;
  }

  @Override
  public List<Problem> unready() {
    Running now = running;
    if (now == null) {
      return List.of();
    }
    List<Problem> problems = new ArrayList<>(now.fence.problems());
    problems.addAll(now.health.problems());
    for (String key : now.listeners.lost()) {
      problems.add(new Problem(key, "no longer listening", surroundings.clock().instant()));
    }
    return problems;
  }

  @Override
  public List<Problem> warnings() {
    ClientTls now = tls;
    List<Problem> problems = new ArrayList<>(now == null ? List.of() : now.problems());
    SpanExporter spans = exporter;
    Problem untold = spans == null ? null : spans.problem();
    if (untold != null) {
      problems.add(untold);
    }
    return problems;
  }

  @Override
  public void look() {
    ClientTls now = tls;
    if (now != null) {
      now.look();
    }
  }

  /** An event loop that does not run a task within a second will hardly come back. */
  @Override
  public List<Problem> stuck() {
    Map<EventLoop, Future<?>> pings = new LinkedHashMap<>();
    used.forEach(loop -> pings.put(loop, loop.submit(() -> {})));
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
    List<Problem> stuck = new ArrayList<>();
    pings.forEach(
        (loop, ping) -> {
          long left = Math.max(0, deadline - System.nanoTime());
          if (!ping.awaitUninterruptibly(left, TimeUnit.NANOSECONDS)) {
            stuck.add(
                new Problem(
                    "relay",
                    "an event loop does not answer: " + loop,
                    surroundings.clock().instant()));
          }
        });
    return stuck;
  }

  @Override
  public @Nullable Page page(String path, boolean json) {
    WireMetrics told = wire;
    return told == null || !path.equals("/queries") ? null : told.queries(json);
  }

  @Override
  public void drain(Runnable ended) {
    Running now = running;
    if (now == null) {
      ended.run();
      return;
    }
    now.health.end();
    now.sessions.drain(
        () -> {
          now.listeners.closeSoon();
          ended.run();
        });
  }

  @Override
  public void cut() {
    Running now = running;
    if (now != null) {
      now.sessions.cut();
    }
  }

  @Override
  public void stop() {
    Running now = running;
    if (now == null) {
      return;
    }
    stopping = true;
    now.health.end();
    now.listeners.closeBut(Listeners.NONE);
    now.sessions.cut();
    now.loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    takeUp(config, null, now.sessions);
    SpanExporter spans = exporter;
    if (spans != null) {
      spans.close(LAST_SPANS);
    }
  }
}
