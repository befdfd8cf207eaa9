package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.frontend.StartupMessage;
import dev.outrider.protocol.sql.Fingerprinter;
import dev.outrider.protocol.sql.Traceparent;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The traces that the statements of one text belong to.
 *
 * <p>A statement belongs to the trace of the comment before or after it. One without belongs to
 * that of the last statement, or else of the first: tools put one comment on all that they send.
 */
final class Traces {
  private static final String NAME = "traceparent";
  private static final String PG_TRACING = "pg_tracing.trace_context";

  private final @Nullable Traceparent[] own;

  private Traces(@Nullable Traceparent[] own) {
    this.own = own;
  }

  /** Of a text that has one trace at its end. */
  static Traces of(Traceparent last) {
    return new Traces(new @Nullable Traceparent[] {last});
  }

  /** Of the text that was just read. */
  static Traces of(Fingerprinter read) {
    @Nullable Traceparent[] own = new @Nullable Traceparent[read.statements()];
    for (int i = 0; i < own.length; i++) {
      own[i] = read.traceparent(i);
    }
    return new Traces(own);
  }

  /** The trace of a statement, from 0; null if there is none. */
  @Nullable Traceparent of(int statement) {
    Traceparent of = statement < own.length ? own[statement] : null;
    if (of == null && own.length > 0) {
      Traceparent last = own[own.length - 1];
      of = last == null ? own[0] : last;
    }
    return of;
  }

  /**
   * The trace of a session: of a setting in its start-up packet that is called {@code traceparent}
   * behind any prefix, or of pg_tracing's; null if there is none.
   */
  static @Nullable Traceparent ofSession(StartupMessage startup) {
    Traceparent of = of(startup.parameters());
    return of == null && startup.parameters().containsKey("options") ? of(startup.settings()) : of;
  }

  private static @Nullable Traceparent of(Map<String, String> settings) {
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      if (isTrace(setting.getKey())) {
        Traceparent of = Traceparent.parse(setting.getValue());
        if (of != null) {
          return of;
        }
      }
    }
    return null;
  }

  private static boolean isTrace(String name) {
    int prefix = name.length() - NAME.length();
    return prefix >= 0
        && ((name.regionMatches(true, prefix, NAME, 0, NAME.length())
                && (prefix == 0 || name.charAt(prefix - 1) == '.'))
            || name.equalsIgnoreCase(PG_TRACING));
  }
}
