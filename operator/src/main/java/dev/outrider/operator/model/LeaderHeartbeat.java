package dev.outrider.operator.model;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Whether the leader lock is being renewed, judged by the operator's own clock: the time in the
 * lock is Patroni's, whose clock may be another one.
 *
 * @param renewTime as it stood at the last look
 * @param changed when a look found it changed; null until two looks differed
 */
public record LeaderHeartbeat(@Nullable String renewTime, @Nullable Instant changed) {
  private static final Duration ALIVE = Duration.ofSeconds(PatroniConfiguration.TTL);

  /** Nothing has been seen yet. */
  public static final LeaderHeartbeat NONE = new LeaderHeartbeat(null, null);

  /** The same after another look. */
  public LeaderHeartbeat look(@Nullable String now, Instant at) {
    if (Objects.equals(now, renewTime)) {
      return this;
    }
    return new LeaderHeartbeat(now, now == null || renewTime == null ? null : at);
  }

  /** Whether it was renewed within the time that a lock lives. */
  public boolean alive(Instant now) {
    return changed != null && !now.isAfter(changed.plus(ALIVE));
  }
}
