package dev.outrider.agents.lifecycle;

import java.time.Instant;
import java.util.List;

/**
 * Where in its life an agent is.
 *
 * <pre>
 *   Starting ──▶ Ready ──▶ Draining ──▶ Drained ──▶ Stopped
 *       └──────────┴───────────┴───(a crash)──────────▲
 * </pre>
 *
 * <p>A drain that the file {@code AGENT.drain} asks for ends in Drained and stays there until
 * SIGTERM: a sidecar that exits by itself would be started again. SIGTERM drains first if need be,
 * then stops.
 */
public sealed interface AgentState {
  /** When the state began. */
  Instant since();

  /** Not yet at work. */
  record Starting(Instant since) implements AgentState {
    Ready toReady(Instant now) {
      return new Ready(now);
    }
  }

  /** At work. */
  record Ready(Instant since) implements AgentState {
    Draining toDraining(Instant now, String reason, long deadline) {
      return new Draining(now, reason, deadline, false);
    }
  }

  /**
   * Lets the present work end and takes on none.
   *
   * @param since when the drain began
   * @param reason who asked for it
   * @param deadline when what is left is cut off, in {@link System#nanoTime} nanoseconds
   * @param cut whether that has happened
   */
  record Draining(Instant since, String reason, long deadline, boolean cut) implements AgentState {
    Draining toCut() {
      return new Draining(since, reason, deadline, true);
    }

    Drained toDrained(Instant now) {
      return new Drained(now);
    }
  }

  /** No work is left. */
  record Drained(Instant since) implements AgentState {}

  /**
   * At the end.
   *
   * @param since when it came
   * @param exitCode of the process
   */
  record Stopped(Instant since, int exitCode) implements AgentState {}

  /** The names of all states, as metrics and {@code /status} show them. */
  List<String> NAMES = List.of("starting", "ready", "draining", "drained", "stopped");

  /** The name of this state. */
  default String name() {
    return switch (this) {
      case Starting _ -> "starting";
      case Ready _ -> "ready";
      case Draining _ -> "draining";
      case Drained _ -> "drained";
      case Stopped _ -> "stopped";
    };
  }
}
