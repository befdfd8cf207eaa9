package dev.outrider.agents.config;

import java.time.Instant;

/**
 * Something that is not as it should be.
 *
 * @param what the part that has the problem, a short name that stays the same: {@code upstream},
 *     {@code config}
 * @param message what is wrong, with the values, for a person
 * @param since when it began
 */
public record Problem(String what, String message, Instant since) {
  /** One line: {@code upstream: no socket at /run/… (since 2026-11-21T10:10:24.000Z)}. */
  @Override
  public String toString() {
    return what + ": " + message + " (since " + Timestamp.of(since) + ')';
  }
}
