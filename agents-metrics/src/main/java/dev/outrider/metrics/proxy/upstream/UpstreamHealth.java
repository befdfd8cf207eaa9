package dev.outrider.metrics.proxy.upstream;

import dev.outrider.agents.config.Problem;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the upstream can be reached, for {@code /readyz}.
 *
 * <p>A connection costs Postgres a process, so none is made just to look while all is well: what
 * counts is the last connection for a client, and that the socket's file is there. The proxy tries
 * by itself and hangs up when it gets through,
 *
 * <ul>
 *   <li>at its start,
 *   <li>while the upstream is away, ten times a second: whoever waits for a pod to become ready
 *       waits for this, too, and a look at the socket's file, or a connection to nobody, costs next
 *       to nothing,
 *   <li>a second after the upstream has ended a session: all sessions end so when a postmaster is
 *       killed, and its socket's file stays.
 * </ul>
 *
 * <p>Postgres takes a connection without a byte for a probe and does not complain about it in its
 * log. Safe for all threads.
 */
// A write or a close that fails is told to the handlers, not by its future.
@SuppressWarnings("FutureReturnValueIgnored")
public final class UpstreamHealth {
  private static final Logger LOG = LoggerFactory.getLogger(UpstreamHealth.class);
  private static final long AWAY_MILLIS = 100;
  private static final long DOUBT_MILLIS = 1000;

  private final Supplier<Upstream> upstream;
  private final EventLoop loop;
  private final InstantSource clock;
  private volatile @Nullable Problem problem;
  private boolean probing = true;
  private boolean ended;

  /**
   * Starts to look at once.
   *
   * @param upstream the upstream in force
   * @param loop on which it looks
   * @param clock tells since when something is wrong
   */
  public UpstreamHealth(Supplier<Upstream> upstream, EventLoop loop, InstantSource clock) {
    this.upstream = upstream;
    this.loop = loop;
    this.clock = clock;
    this.problem = new Problem("upstream", "not tried yet: " + upstream.get(), clock.instant());
    loop.execute(this::probe);
  }

  /** A connection came about. */
  public void reached() {
    if (problem != null) {
      recover();
    }
  }

  private synchronized void recover() {
    if (problem != null) {
      problem = null;
      LOG.atInfo().addKeyValue("upstream", upstream.get()).log("the upstream can be reached");
    }
  }

  /** A connection did not come about. */
  public void missed(Throwable cause) {
    // Some of Netty's errors have no message, and their type says all.
    String why = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    failed("cannot connect to " + upstream.get() + ": " + why);
  }

  private synchronized void failed(String message) {
    Problem before = problem;
    if (before != null && before.message().equals(message)) {
      return;
    }
    problem = new Problem("upstream", message, before == null ? clock.instant() : before.since());
    LOG.atWarn().addKeyValue("problem", message).log("the upstream cannot be reached");
    probeIn(AWAY_MILLIS);
  }

  /** There is a reason to look whether the upstream is still there. */
  public void doubt() {
    if (problem == null) {
      probeIn(DOUBT_MILLIS);
    }
  }

  private synchronized void probeIn(long millis) {
    if (!probing) {
      probing = true;
      probeLater(millis);
    }
  }

  /** What is wrong now; empty if nothing is. */
  public List<Problem> problems() {
    String absence = upstream.get().absence();
    if (absence != null) {
      failed(absence);
    }
    Problem now = problem;
    return now == null ? List.of() : List.of(now);
  }

  /** Ends the probing. */
  public synchronized void end() {
    ended = true;
  }

  private void probeLater(long millis) {
    if (!ended && !loop.isShuttingDown()) {
      loop.schedule(this::probe, millis, TimeUnit.MILLISECONDS);
    }
  }

  private synchronized void probe() {
    if (ended) {
      return;
    }
    String absence = upstream.get().absence();
    if (absence != null) {
      failed(absence);
      probeLater(AWAY_MILLIS);
      return;
    }
    upstream.get().connect(loop, new ChannelInboundHandlerAdapter()).addListener(this::probed);
  }

  private synchronized void probed(Future<? super Void> future) {
    if (future.isSuccess()) {
      ((ChannelFuture) future).channel().close();
      probing = false;
      recover();
    } else {
      missed(future.cause());
      probeLater(AWAY_MILLIS);
    }
  }
}
