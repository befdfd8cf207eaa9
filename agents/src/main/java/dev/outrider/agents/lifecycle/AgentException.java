package dev.outrider.agents.lifecycle;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * An agent cannot go on, for a reason that a person can mend; its message says all, so it has no
 * stack trace.
 */
public final class AgentException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what happened, with which value, what to do
   * @param cause what it came from, shown by its message alone
   */
  public AgentException(String message, @Nullable Throwable cause) {
    super(message, cause, false, false);
  }
}
