package dev.outrider.agents.reload;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * When to try again what has failed, perhaps for a reason that passes: after a second, then after
 * twice as long each time, up to a minute.
 *
 * <p>Not safe for several threads.
 */
public final class Retry {
  private static final Duration SHORTEST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofMinutes(1);

  private final InstantSource clock;
  private @Nullable Instant failed;
  private Duration wait = Duration.ZERO;

  /** Has nothing to try again. */
  public Retry(InstantSource clock) {
    this.clock = clock;
  }

  /** It is tried now. */
  public void tried() {
    failed = null;
  }

  /** It has failed, or failed again. */
  public void failed() {
    Duration longer = wait.multipliedBy(2);
    failed = clock.instant();
    wait =
        longer.compareTo(SHORTEST) < 0
            ? SHORTEST
            : longer.compareTo(LONGEST) > 0 ? LONGEST : longer;
  }

  /** Something else takes its place. */
  public void reset() {
    failed = null;
    wait = Duration.ZERO;
  }

  /** Whether it has failed, and long enough ago. */
  public boolean isDue() {
    if (failed == null) {
      return false;
    }
    Duration since = Duration.between(failed, clock.instant());
    // A clock that is set back must not put it off for as long.
    return since.isNegative() || since.compareTo(wait) >= 0;
  }
}
