package dev.outrider.agents.lifecycle;

import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.Problem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an agent does, seen by its {@link Lifecycle}.
 *
 * <p>{@link #start}, {@link #reconfigure}, {@link #drain}, {@link #cut} and {@link #stop} are
 * called by one thread, in that order apart from {@code reconfigure}, which comes any number of
 * times between start and drain. {@link #unready}, {@link #stuck} and {@link #page} are called by
 * others at any time.
 *
 * @param <C> the agent's configuration record
 */
public interface Agent<C> {
  /**
   * Starts; returns as soon as the agent does its work.
   *
   * @throws AgentException if it cannot, for a reason that a person can mend
   */
  void start();

  /**
   * Puts a new configuration in force, whole or not at all.
   *
   * @throws ConfigException if it cannot be put in force; the old one stays
   */
  void reconfigure(C config);

  /** What keeps the agent from serving now; empty if nothing does. Must not block. */
  List<Problem> unready();

  /** What should be mended although the agent serves; empty if nothing. Must not block. */
  default List<Problem> warnings() {
    return List.of();
  }

  /**
   * Looks at the files that the agent reads beside its configuration; called about once a second,
   * by the same thread as {@link #reconfigure}.
   */
  default void look() {}

  /**
   * What will not come right without a restart of the process; empty if nothing. May take a second,
   * not more.
   */
  List<Problem> stuck();

  /**
   * Takes on no new work and lets the present work end.
   *
   * @param ended to be run once, by any thread, when no work is left
   */
  void drain(Runnable ended);

  /** Ends the work that a drain still waits for; the drain's {@code ended} is still to be run. */
  void cut();

  /**
   * What the agent shows at a path of its own; null if it has no such path. Called by any thread
   * while the agent runs, may take a second, not more.
   *
   * @param path as it was asked for, for example {@code /queries}
   * @param json whether it is to be JSON, and not plain text
   */
  default @Nullable Page page(String path, boolean json) {
    return null;
  }

  /** Gives everything back. */
  void stop();
}
