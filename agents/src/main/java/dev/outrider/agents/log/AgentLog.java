package dev.outrider.agents.log;

import dev.outrider.agents.config.LogConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;

/**
 * Where all loggers of the process write, and how much. Safe for all threads; may be changed at any
 * time.
 *
 * <p>Libraries log at {@code info} and above however low the level is, except at {@code trace}:
 * whoever debugs an agent does not want to read how its libraries start.
 */
public final class AgentLog {
  private static final String OWN = "dev.outrider.";

  private static volatile AgentLog current =
      new AgentLog("outrider", Level.INFO, System.out, InstantSource.system());

  private final String agent;
  private final Level level;
  private final OutputStream out;
  private final InstantSource clock;

  private AgentLog(String agent, Level level, OutputStream out, InstantSource clock) {
    this.agent = agent;
    this.level = level;
    this.out = out;
    this.clock = clock;
  }

  /** Sets the agent's name, which stands in every line, and the level. */
  public static void configure(String agent, LogConfig config) {
    current = new AgentLog(agent, level(config.level()), current.out, current.clock);
  }

  /** Sends the lines elsewhere, for tests; returns what puts it back. */
  public static AutoCloseable divert(
      String agent, Level level, OutputStream out, InstantSource clock) {
    AgentLog before = current;
    current = new AgentLog(agent, level, out, clock);
    return () -> current = before;
  }

  private static Level level(LogConfig.Level level) {
    return switch (level) {
      case ERROR -> Level.ERROR;
      case WARN -> Level.WARN;
      case INFO -> Level.INFO;
      case DEBUG -> Level.DEBUG;
      case TRACE -> Level.TRACE;
    };
  }

  static boolean isEnabled(String logger, Level wanted) {
    Level level = current.level;
    boolean quieter = level == Level.DEBUG && wanted == Level.DEBUG && !logger.startsWith(OWN);
    return wanted.toInt() >= level.toInt() && !quieter;
  }

  static void write(
      Level level,
      String logger,
      String message,
      @Nullable List<KeyValuePair> pairs,
      @Nullable Throwable error) {
    AgentLog log = current;
    StringBuilder line = new StringBuilder(256);
    LogLine.append(line, log.clock.instant(), level, log.agent, logger, message, pairs, error);
    byte[] bytes = line.toString().getBytes(StandardCharsets.UTF_8);
    synchronized (log.out) {
      try {
        log.out.write(bytes);
        log.out.flush();
      } catch (IOException e) {
        // Nobody reads standard output any more; there is nowhere to say so.
      }
    }
  }
}
