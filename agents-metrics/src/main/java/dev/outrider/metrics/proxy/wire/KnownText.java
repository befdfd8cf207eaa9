package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.sql.SessionCommand;
import org.jspecify.annotations.Nullable;

/** What is known of a text of one or more statements. Of one event loop; not changed. */
final class KnownText {
  /** What is a value in it hangs on {@code standard_conforming_strings}. */
  static final int ON_STRINGS = 1;

  /** What is a value in it hangs on the encoding. */
  static final int ON_ENCODING = 2;

  private final Figures[] figures;
  private final SessionCommand @Nullable [] commands;
  private final int hangsOn;

  /** A text of one statement that does nothing to its session. */
  KnownText(Figures figures) {
    this.figures = new Figures[] {figures};
    this.commands = null;
    this.hangsOn = 0;
  }

  /**
   * A text of any statements.
   *
   * @param hangsOn {@link #ON_STRINGS}, {@link #ON_ENCODING}, both added up, or 0
   */
  KnownText(Figures[] figures, SessionCommand @Nullable [] commands, int hangsOn) {
    this.figures = figures;
    this.commands = commands;
    this.hangsOn = hangsOn;
  }

  /** It came where this was in doubt: if it hangs on that, its statements are not to be shown. */
  void doubt(int doubts) {
    if ((hangsOn & doubts) == 0) {
      return;
    }
    for (Figures of : figures) {
      if (of.fingerprint != null) {
        of.fingerprint.withhold();
      }
    }
  }

  /** Whether the fingerprint of one of its statements has no figures of its own any more. */
  boolean isOfRetired() {
    for (Figures of : figures) {
      if (of.fingerprint != null && of.fingerprint.isRetired()) {
        return true;
      }
    }
    return false;
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
