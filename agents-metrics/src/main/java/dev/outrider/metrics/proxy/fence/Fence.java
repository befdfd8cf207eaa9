package dev.outrider.metrics.proxy.fence;

import dev.outrider.agents.config.Problem;
import dev.outrider.metrics.proxy.fence.InstanceRecord.None;
import dev.outrider.metrics.proxy.fence.InstanceRecord.Primary;
import dev.outrider.metrics.proxy.fence.InstanceRecord.Standby;
import dev.outrider.metrics.proxy.fence.InstanceRecord.Unmanaged;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether sessions may reach the instance. A Patroni that is frozen, or cannot reach its store,
 * leaves a primary that takes writes although another may have been elected; so what passes the
 * proxy passes only while Patroni's lease is known to be fresh.
 *
 * <p>The fence is open while the {@link InstanceRecord} says {@code standby} or {@code unmanaged},
 * or {@code primary} with a lease that ends in more than {@link #MARGIN_SECONDS}. Everything else
 * shuts it: another role, a lease that has run out, a record that is missing, cannot be read, is
 * not whole, or is of another life of the machine.
 *
 * <ol>
 *   <li>The record is looked at every {@link #POLL_MILLIS}.
 *   <li>A session holds the {@link Pass} that was in force when it began and asks it before each
 *       time that it hands on bytes, after it has read them. A pass is good until the lease ends,
 *       and a second after the last look at most; beyond that, asking it looks at the record again,
 *       there and then. So a proxy that was stopped, for however long, hands on nothing on a lease
 *       that ended meanwhile: an answer of Postgres gets to its client only if the lease was still
 *       good after the proxy had it in hand.
 *   <li>A pass that has ended never comes back. When the fence opens again, it gives out a new one,
 *       and the sessions of before are ended whichever of them are still there.
 *   <li>standby → primary, and to and from unmanaged, end no session. primary → standby does: there
 *       was a demotion between, whether or not it was seen.
 * </ol>
 *
 * <p>The two clocks: {@link System#nanoTime} is {@code CLOCK_MONOTONIC}, which costs a session some
 * 20 ns to read; leases are written by {@code CLOCK_BOOTTIME}. Both are the kernel's and differ by
 * the time that the machine slept. The end of a lease is converted at each look, from the first
 * clock read before the second, so that a stop between the two makes the lease end too early, never
 * too late. A machine that wakes from sleep may use the lease of before for up to one poll.
 *
 * <p>Safe for all threads.
 */
public final class Fence {
  /** The fence shuts so long before the lease ends. */
  public static final double MARGIN_SECONDS = 1;

  /** How often the record is looked at. */
  public static final long POLL_MILLIS = 100;

  private static final Logger LOG = LoggerFactory.getLogger(Fence.class);
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
  // As good as never: half of the range in which times of nanoTime can be compared.
  private static final long UNBOUNDED_NANOS = Long.MAX_VALUE / 2;
  private static final int MAX_BYTES = 4096;
  // Two processes round the same clock.
  private static final double CLOCK_SLACK_SECONDS = 1;

  private final BootClock bootClock;
  private final LongSupplier nanoTime;
  private final InstantSource clock;
  private @Nullable Path file;
  private IntSupplier onShut = () -> 0;
  // What the record said at the last look; nothing if it was of no use.
  private volatile String role = "";
  // What was read last and what it says: between two renewals it is the same.
  private byte[] known = {};
  private @Nullable InstanceRecord knownRecord;
  private volatile State state;
  // The end of the lease, in nanoTime; only while the record says primary.
  private volatile @Nullable Long leaseEnd;

  private sealed interface State {
    record Open(Pass pass) implements State {}

    record Shut(Problem problem) implements State {}
  }

  /** What one look has shown. */
  private sealed interface Sight {
    record Good(String role, long until, @Nullable Long leaseEnd) implements Sight {}

    record Bad(String reason, @Nullable Long leaseEnd) implements Sight {}
  }

  /** A session's permission. */
  public final class Pass {
    private volatile long until;
    private volatile boolean over;

    private Pass(long until) {
      this.until = until;
    }

    /**
     * Whether bytes that the caller has read may be handed on now. Costs a look at a clock; about
     * once a second at most, when the record was not looked at otherwise, at two small files.
     */
    public boolean isGood() {
      return nanoTime.getAsLong() - until < 0 || isGoodAtASecondLook();
    }

    private boolean isGoodAtASecondLook() {
      synchronized (Fence.this) {
        while (!over && nanoTime.getAsLong() - until >= 0) {
          look();
        }
        return !over;
      }
    }
  }

  /**
   * Makes a fence that has not looked yet and is shut.
   *
   * @param file the record of the instance; null: there is no fence
   * @param bootClock the clock of leases
   * @param nanoTime measures time, {@link System#nanoTime}
   * @param clock tells since when it is shut
   */
  public Fence(
      @Nullable Path file, BootClock bootClock, LongSupplier nanoTime, InstantSource clock) {
    this.file = file;
    this.bootClock = bootClock;
    this.nanoTime = nanoTime;
    this.clock = clock;
    this.state = new State.Shut(new Problem("fence", "not looked yet", clock.instant()));
  }

  /**
   * Sets who ends the sessions when the fence shuts; it is called when no pass is good any more,
   * must not wait, and returns how many sessions there were.
   */
  public synchronized void onShut(IntSupplier listener) {
    onShut = listener;
  }

  /** Takes another record, or none, and looks at it at once. */
  public synchronized void guard(@Nullable Path instance) {
    file = instance;
    look();
  }

  /** The pass for a session that begins now; null while the fence is shut, {@link #problem}. */
  public @Nullable Pass pass() {
    while (state instanceof State.Open open) {
      if (open.pass().isGood()) {
        return open.pass();
      }
    }
    return null;
  }

  /**
   * Looks again if the pass in force has run out. When this returns, the listener of {@link
   * #onShut} has been called for every pass that has ended.
   */
  public void lookIfDue() {
    if (pass() == null) {
      boolean _ = isShutAndDone();
    }
  }

  /** Waits for whoever is about to shut it. */
  private synchronized boolean isShutAndDone() {
    return state instanceof State.Shut;
  }

  /**
   * Whether the record said at the last look that the instance is a standby. False does not mean
   * that it takes writes: {@code primary} is written before the promotion.
   */
  public boolean isStandby() {
    return role.equals("standby");
  }

  /** Why the fence is shut; null if it is open. */
  public @Nullable Problem problem() {
    return state instanceof State.Shut shut ? shut.problem() : null;
  }

  /** What is wrong; empty if the fence is open. */
  public List<Problem> problems() {
    Problem problem = problem();
    return problem == null ? List.of() : List.of(problem);
  }

  /**
   * How long the lease of a primary is still good, less than 0 after its end; empty if there is
   * none.
   */
  public OptionalDouble leaseSeconds() {
    Long end = leaseEnd;
    return end == null
        ? OptionalDouble.empty()
        : OptionalDouble.of((end - nanoTime.getAsLong()) / 1e9);
  }

  /** Looks at the record. */
  public synchronized void look() {
    Sight sight;
    try {
      sight = sight(nanoTime.getAsLong());
    } catch (RuntimeException e) {
      // Whatever it is, it is not a lease.
      sight = new Sight.Bad(file + " cannot be read: " + e, null);
    }
    switch (sight) {
      case Sight.Good good -> {
        leaseEnd = good.leaseEnd();
        boolean demoted = role.equals("primary") && good.role().equals("standby");
        role = good.role();
        if (demoted) {
          shut("the primary was demoted");
        }
        open(good);
      }
      case Sight.Bad bad -> {
        leaseEnd = bad.leaseEnd();
        role = "";
        shut(bad.reason());
      }
    }
  }

  private void open(Sight.Good sight) {
    if (state instanceof State.Open open) {
      open.pass().until = sight.until();
      return;
    }
    state = new State.Open(new Pass(sight.until()));
    if (file != null) {
      LOG.atInfo().addKeyValue("role", sight.role()).log("the fence is open");
    }
  }

  private void shut(String reason) {
    switch (state) {
      case State.Open open -> {
        open.pass().over = true;
        open.pass().until = nanoTime.getAsLong();
        state = new State.Shut(new Problem("fence", reason, clock.instant()));
        int sessions = onShut.getAsInt();
        LOG.atWarn()
            .addKeyValue("reason", reason)
            .addKeyValue("sessions", sessions)
            .log("the fence is shut");
      }
      case State.Shut before -> {
        if (!before.problem().message().equals(reason)) {
          state = new State.Shut(new Problem("fence", reason, before.problem().since()));
          LOG.atInfo().addKeyValue("reason", reason).log("the fence stays shut");
        }
      }
    }
  }

  /**
   * One look.
   *
   * @param now read before anything else, so that whatever takes long here counts against the lease
   */
  private Sight sight(long now) {
    Path instance = file;
    if (instance == null) {
      return new Sight.Good("any", now + UNBOUNDED_NANOS, null);
    }
    InstanceRecord record;
    try {
      record = record(read(instance));
    } catch (NoSuchFileException e) {
      return new Sight.Bad("Patroni has not told what the instance is: no " + instance, null);
    } catch (IOException e) {
      return new Sight.Bad(instance + " cannot be read: " + e.getMessage(), null);
    } catch (IllegalArgumentException e) {
      return new Sight.Bad(instance + ": " + e.getMessage(), null);
    }
    double booted;
    try {
      booted = bootClock.seconds();
    } catch (IOException e) {
      return new Sight.Bad("the time of leases cannot be told: " + e.getMessage(), null);
    }
    if (record.written() > booted + CLOCK_SLACK_SECONDS) {
      return new Sight.Bad(instance + " was written before the machine was started", null);
    }
    return switch (record) {
      case Primary lease -> sight(now, booted, lease);
      case Standby _ -> new Sight.Good("standby", now + LOOK_NANOS, null);
      case Unmanaged _ -> new Sight.Good("unmanaged", now + LOOK_NANOS, null);
      case None none ->
          new Sight.Bad(
              "Patroni does not let the instance serve"
                  + (none.reason().isEmpty() ? "" : ": " + none.reason()),
              null);
    };
  }

  private static Sight sight(long now, double booted, Primary lease) {
    double left = lease.leaseUntil() - booted;
    if (left > lease.ttl() + CLOCK_SLACK_SECONDS) {
      return new Sight.Bad(
          "the lease cannot be true: it is good for longer than its ttl of " + lease.ttl() + " s",
          null);
    }
    // Bounded above by the ttl; below, a cast of a double stops at the end of the range.
    long nanos = (long) (Math.max(left, -InstanceRecord.MAX_TTL) * 1e9);
    long end = now + nanos;
    long until = nanos - (long) (MARGIN_SECONDS * 1e9);
    if (until <= 0) {
      return new Sight.Bad("Patroni has not renewed the lease of the primary in time", end);
    }
    return new Sight.Good("primary", now + Math.min(until, LOOK_NANOS), end);
  }

  private InstanceRecord record(byte[] bytes) {
    InstanceRecord record = knownRecord;
    if (record == null || !Arrays.equals(bytes, known)) {
      record = InstanceRecord.parse(bytes);
      known = bytes;
      knownRecord = record;
    }
    return record;
  }

  private static byte[] read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new IOException("it is longer than " + MAX_BYTES + " bytes");
      }
      return bytes;
    }
  }
}
