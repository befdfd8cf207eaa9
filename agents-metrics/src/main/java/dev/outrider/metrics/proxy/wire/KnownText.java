package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.sql.SessionCommand;
import org.jspecify.annotations.Nullable;

/** What is known of a text of one or more statements. Of one event loop; not changed. */
final class KnownText {
  private final Figures[] figures;
  private final SessionCommand @Nullable [] commands;

  /** A text of one statement that does nothing to its session. */
  KnownText(Figures figures) {
    this.figures = new Figures[] {figures};
    this.commands = null;
  }

  /** A text of any statements. */
  KnownText(Figures[] figures, SessionCommand @Nullable [] commands) {
    this.figures = figures;
    this.commands = commands;
  }

  /** The figures of a statement, from 0; null for one of which nothing is known. */
  @Nullable Figures figures(int statement) {
    return statement < figures.length ? figures[statement] : null;
  }

  /** What a statement does to its session. */
  SessionCommand command(int statement) {
    return commands == null || statement >= commands.length
        ? SessionCommand.OTHER
        : commands[statement];
  }
}
