package dev.outrider.metrics.proxy.wire;

import org.jspecify.annotations.Nullable;

/**
 * The traces in the text of a Parse. They are those of the statement's first execution and of what
 * is executed with it, up to the next Sync: a statement that is executed again later is the same
 * text, but another trace's.
 */
final class ParsedTraces {
  private final Traces traces;
  // The turn of the first execution; 0: there was none.
  private long turn;

  ParsedTraces(Traces traces) {
    this.traces = traces;
  }

  /** The traces of an execution in a turn, from 1; null if they are those of one before. */
  @Nullable Traces execute(long now) {
    if (turn == 0) {
      turn = now;
    }
    return turn == now ? traces : null;
  }
}
