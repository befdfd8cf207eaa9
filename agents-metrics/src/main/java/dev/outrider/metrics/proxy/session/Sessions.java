package dev.outrider.metrics.proxy.session;

import dev.outrider.agents.config.KeepAlive;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.metrics.proxy.ProxyMetrics;
import dev.outrider.metrics.proxy.fence.Fence;
import dev.outrider.metrics.proxy.tls.ClientTls;
import dev.outrider.metrics.proxy.upstream.Upstream;
import dev.outrider.metrics.proxy.upstream.UpstreamHealth;
import dev.outrider.metrics.proxy.wire.WireMetrics;
import dev.outrider.metrics.proxy.wire.WireSession;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All sessions of the proxy: who is let in, how many there are, and when the last one has ended.
 * Safe for all threads.
 */
// A write or a close that fails is told to the handlers, not by its future.
@SuppressWarnings("FutureReturnValueIgnored")
public final class Sessions {
  private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);

  /**
   * The bounds of the states in which a client could hold a connection without using it.
   *
   * @param refusalSeconds until a client that is refused has read the answer
   * @param lastWordsSeconds until a client has taken the last that Postgres has said
   * @param lingerSeconds until a client that has been told the end ends, too
   * @param handshakes how many clients may be about TLS at once, and have not begun
   */
  public record Limits(
      long refusalSeconds, long lastWordsSeconds, long lingerSeconds, int handshakes) {
    /** The bounds that hold unless a test has others. */
    public static final Limits DEFAULTS = new Limits(5, 60, 5, 1024);
  }

  /** Whether a client that begins may go on. */
  enum Verdict {
    ADMITTED,
    DRAINING,
    FENCED,
    LIMIT
  }

  /**
   * What is in force at one moment: rules and TLS that belong together.
   *
   * @param maxConnections sessions at once
   * @param rules what else is said of sessions
   * @param tls the TLS of clients; null: none
   */
  record Policy(int maxConnections, SessionRules rules, @Nullable ClientTls tls) {}

  // Above the limit so many may wait to begin, and so many that were refused may linger.
  private static final int SPARE = 256;

  // Bytes of start-up packets that have begun: a whole one is some 100, the longest 10,000.
  private static final int MOST_UNFINISHED = 2 * 1024 * 1024;

  private final Set<Session> open = ConcurrentHashMap.newKeySet();
  // Those that have not said what they want, the one that waits longest first, and how many bytes
  // each has said.
  private final Map<Session, Integer> waiting = new LinkedHashMap<>();
  private int unfinished;
  // Those among them that have begun TLS, the first first.
  private final Set<Session> encrypting = new LinkedHashSet<>();
  // Those that have an upstream, which the limit is for; and with them those whose clients have not
  // taken the last that it has said, which a drain waits for.
  private final AtomicInteger atWork = new AtomicInteger();
  private final AtomicInteger owing = new AtomicInteger();
  // Sessions whose event loop has not yet come to ask whether the fence has ended them.
  private final AtomicInteger fencing = new AtomicInteger();
  private final ProxyMetrics metrics;
  private final Supplier<Upstream> upstream;
  private final UpstreamHealth health;
  private final Fence fence;
  private final Limits limits;
  private final @Nullable WireMetrics wire;
  private final Cancellations cancellations;
  private volatile Policy policy;
  private final AtomicReference<@Nullable Runnable> drained = new AtomicReference<>();
  private volatile boolean draining;

  /**
   * Makes an empty set of sessions.
   *
   * @param metrics told of what happens
   * @param upstream the upstream of new sessions
   * @param health told of each connection to it
   * @param fence asked whether sessions may reach the upstream
   * @param limits the bounds of idle states
   * @param config what else it says of sessions
   * @param wire told of what sessions say, or null
   */
  public Sessions(
      ProxyMetrics metrics,
      Supplier<Upstream> upstream,
      UpstreamHealth health,
      Fence fence,
      Limits limits,
      ProxyConfig config,
      @Nullable WireMetrics wire) {
    this.metrics = metrics;
    this.upstream = upstream;
    this.health = health;
    this.fence = fence;
    this.limits = limits;
    this.policy = new Policy(config.maxConnections(), SessionRules.of(config), null);
    this.wire = wire;
    this.cancellations = new Cancellations(metrics);
  }

  /**
   * Takes in a client that has just connected; called on its event loop. Clients that never say
   * what they want do not keep others out: when there are too many, the one that waits longest is
   * closed.
   *
   * @param entrance where the client has connected
   */
  public void accept(Channel client, Entrance entrance) {
    metrics.accepted.inc();
    int maxConnections = policy.maxConnections();
    if (open.size() >= 2 * (maxConnections + SPARE)) {
      metrics.refused(ProxyMetrics.Refusal.LIMIT);
      client.close();
      return;
    }
    Session session = new Session(client, entrance, this, metrics);
    open.add(session);
    Session longest = null;
    synchronized (waiting) {
      waiting.put(session, 0);
      if (waiting.size() > maxConnections + SPARE) {
        longest = waiting.keySet().iterator().next();
        forget(longest);
      }
    }
    if (longest != null) {
      longest.crowdOut();
    }
  }

  /**
   * A client has said more, but not yet all. When together they have said too much of that, the one
   * that has said the most is closed.
   */
  void heard(Session session, int bytes) {
    Session most = null;
    synchronized (waiting) {
      if (waiting.computeIfPresent(session, (any, before) -> before + bytes) == null) {
        return;
      }
      unfinished += bytes;
      if (unfinished > MOST_UNFINISHED) {
        most = Collections.max(waiting.entrySet(), Map.Entry.comparingByValue()).getKey();
        forget(most);
      }
    }
    if (most != null) {
      most.crowdOut();
    }
  }

  /**
   * A client begins TLS, which takes much memory for one that may be nobody. When there are too
   * many, the one that is about it for longest is closed.
   */
  void encrypts(Session session) {
    Session longest = null;
    synchronized (waiting) {
      if (!waiting.containsKey(session)) {
        return;
      }
      encrypting.add(session);
      if (encrypting.size() > limits.handshakes()) {
        longest = encrypting.iterator().next();
        forget(longest);
      }
    }
    if (longest != null) {
      longest.crowdOut();
    }
  }

  /** A session has said what it wants, or is closed. */
  void begun(Session session) {
    synchronized (waiting) {
      forget(session);
    }
  }

  private void forget(Session session) {
    encrypting.remove(session);
    Integer bytes = waiting.remove(session);
    if (bytes != null) {
      unfinished -= bytes;
    }
  }

  /**
   * What is said of sessions from now on, all at once; those that have begun stay as they are.
   *
   * @param tls the TLS of clients; null: none
   */
  public void configure(ProxyConfig config, @Nullable ClientTls tls) {
    policy = new Policy(config.maxConnections(), SessionRules.of(config), tls);
  }

  /** What is in force now; who asks for several things must ask for them at once. */
  Policy policy() {
    return policy;
  }

  /** When clients that have vanished are given up. */
  public KeepAlive keepAlive() {
    return policy.rules().keepAlive();
  }

  /** How many clients are connected. */
  public int size() {
    return open.size();
  }

  /**
   * Lets no new session begin, and ends those that there are as soon as nobody loses anything by
   * it:
   *
   * <ol>
   *   <li>One that is idle, or whose client is not let in yet, at once, with an error that says
   *       why. LISTENing is being idle.
   *   <li>One with a transaction, a query or a COPY under way when it has become idle.
   *   <li>Replication at once: it has no end to wait for, and goes on elsewhere from its slot.
   *   <li>One whose messages cannot be followed, and whatever else is left, by {@link #cut}.
   *   <li>A client that is slow to take what it is still to get is waited for.
   *   <li>A CancelRequest passes: the drain may be waiting for that query.
   * </ol>
   *
   * @param ended run once, when no session is left that has an upstream, or a client that has not
   *     taken all
   */
  public void drain(Runnable ended) {
    drained.set(ended);
    draining = true;
    open.forEach(Session::drain);
    endIfIdle();
  }

  /**
   * Ends every session that has begun: those of the calling event loop at once, the others as soon
   * as theirs comes to it; until then their passes hold them.
   *
   * @return how many there were
   */
  public int fence() {
    int sessions = atWork.get();
    open.forEach(
        session -> {
          fencing.incrementAndGet();
          session.fence();
        });
    return sessions;
  }

  /** A session has heard of {@link #fence}. */
  void fenceDone() {
    fencing.decrementAndGet();
  }

  /**
   * Sees to it that the calling event loop has no session left that the fence has ended; to be
   * called before bytes go out that were held back.
   */
  public void settle() {
    fence.lookIfDue();
    if (fencing.get() > 0) {
      open.forEach(Session::fenceHere);
    }
  }

  /**
   * Looks how much memory buffers take, and has all sessions do with less while it is much; to be
   * called several times a second, by any thread.
   */
  public void economise() {
    economise(Buffers.used(), Buffers.most());
  }

  /** Does so by these numbers of bytes. */
  void economise(long used, long most) {
    if (Buffers.look(used, most)) {
      LOG.atInfo()
          .addKeyValue("usedBytes", used)
          .log(
              Buffers.isScarce()
                  ? "memory for buffers is scarce: slow clients get less of it"
                  : "there is enough memory for buffers again");
      open.forEach(Session::takeMarks);
    }
  }

  /** Ends every session, with an error where one can stand. */
  public void cut() {
    open.forEach(Session::cut);
  }

  /** Decides on a session that begins; one that is admitted is at work until {@link #ended}. */
  Verdict admit() {
    // Counted before the look at the flag, as a drain sets the flag before it looks at the count:
    // one sees the other.
    owing.incrementAndGet();
    atWork.incrementAndGet();
    Verdict verdict = verdict();
    if (verdict != Verdict.ADMITTED) {
      takeBack();
    }
    return verdict;
  }

  private void takeBack() {
    atWork.decrementAndGet();
    owing.decrementAndGet();
    endIfIdle();
  }

  private Verdict verdict() {
    if (draining) {
      return Verdict.DRAINING;
    }
    if (fence.problem() != null) {
      return Verdict.FENCED;
    }
    return atWork.get() > policy.maxConnections() ? Verdict.LIMIT : Verdict.ADMITTED;
  }

  /**
   * Decides on a CancelRequest; one that is admitted is at work, too. The limit is not for it, and
   * neither is a drain while there are sessions: it may wait for that very query.
   */
  Verdict admitCancel() {
    owing.incrementAndGet();
    atWork.incrementAndGet();
    Verdict verdict = Verdict.ADMITTED;
    if (fence.problem() != null) {
      verdict = Verdict.FENCED;
    } else if (draining && drained.get() == null) {
      verdict = Verdict.DRAINING;
    }
    if (verdict != Verdict.ADMITTED) {
      takeBack();
    }
    return verdict;
  }

  /** A session that was admitted has no upstream any more. */
  void ended() {
    atWork.decrementAndGet();
  }

  /** The client of a session that was admitted has taken all, or is gone. */
  void paid(ProxyMetrics.DrainEnd how) {
    owing.decrementAndGet();
    if (draining) {
      metrics.drained(how);
      endIfIdle();
    }
  }

  Upstream upstream() {
    return upstream.get();
  }

  UpstreamHealth health() {
    return health;
  }

  Fence guard() {
    return fence;
  }

  /** Who is told of what a session on this event loop says; null: nobody. */
  @Nullable WireSession wire(EventLoop loop) {
    return wire == null ? null : wire.session(loop);
  }

  /** What cancels the queries of clients that are gone. */
  Cancellations cancellations() {
    return cancellations;
  }

  Limits limits() {
    return limits;
  }

  void closed(Session session) {
    open.remove(session);
  }

  private void endIfIdle() {
    if (draining && owing.get() == 0) {
      Runnable ended = drained.getAndSet(null);
      if (ended != null) {
        ended.run();
      }
    }
  }
}
