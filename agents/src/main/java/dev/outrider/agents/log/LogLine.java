package dev.outrider.agents.log;

import dev.outrider.agents.config.JsonText;
import dev.outrider.agents.config.Timestamp;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;

/**
 * Forms one line of the log.
 *
 * <p>The keys {@code ts}, {@code level}, {@code agent}, {@code logger}, {@code msg} come first and
 * are always there, then the key-values of the call, then {@code error}. A key-value that has one
 * of these names gets an underscore in front.
 */
final class LogLine {
  private static final Set<String> FIXED = Set.of("ts", "level", "agent", "logger", "msg", "error");
  // containerd cuts a line at 16 KiB and a reader would have to put the JSON together again.
  private static final int MAX_STACK = 8 * 1024;
  private static final int MAX_TEXT = 4 * 1024;

  private LogLine() {}

  static void append(
      StringBuilder out,
      Instant now,
      Level level,
      String agent,
      String logger,
      String message,
      @Nullable List<KeyValuePair> pairs,
      @Nullable Throwable error) {
    out.append("{\"ts\":\"");
    Timestamp.append(out, now);
    out.append("\",\"level\":\"").append(name(level)).append("\",\"agent\":");
    JsonText.string(out, agent);
    out.append(",\"logger\":");
    JsonText.string(out, logger);
    out.append(",\"msg\":");
    JsonText.string(out, cut(message, MAX_TEXT));
    if (pairs != null) {
      for (KeyValuePair pair : pairs) {
        out.append(',');
        JsonText.string(out, FIXED.contains(pair.key) ? '_' + pair.key : pair.key);
        out.append(':');
        JsonText.value(out, pair.value instanceof String text ? cut(text, MAX_TEXT) : pair.value);
      }
    }
    if (error != null) {
      error(out, level, error);
    }
    out.append("}\n");
  }

  private static void error(StringBuilder out, Level level, Throwable error) {
    out.append(",\"error\":{\"type\":");
    JsonText.string(out, error.getClass().getName());
    out.append(",\"message\":");
    JsonText.string(out, cut(messages(error), MAX_TEXT));
    if (isUnexpected(level, error)) {
      out.append(",\"stack\":");
      JsonText.string(out, stack(error));
    }
    out.append('}');
  }

  /**
   * Whether the place in the code helps: not when the outside failed (a peer, a disk) or when the
   * error was made without a stack because its message says all.
   */
  private static boolean isUnexpected(Level level, Throwable error) {
    return level == Level.ERROR
        && !(error instanceof IOException)
        && error.getStackTrace().length > 0;
  }

  private static String messages(Throwable error) {
    StringBuilder out = new StringBuilder(String.valueOf(error.getMessage()));
    Throwable cause = error.getCause();
    for (int depth = 0; cause != null && depth < 5; depth++, cause = cause.getCause()) {
      out.append("; because of ").append(cause);
    }
    return out.toString();
  }

  private static String stack(Throwable error) {
    StringBuilder out = new StringBuilder();
    Throwable cause = error;
    for (int depth = 0; cause != null && depth < 5; depth++, cause = cause.getCause()) {
      out.append(depth == 0 ? "" : "caused by ").append(cause.getClass().getName()).append('\n');
      for (StackTraceElement frame : cause.getStackTrace()) {
        if (out.length() > MAX_STACK) {
          return out.append("…").toString();
        }
        out.append("  ").append(frame).append('\n');
      }
    }
    return out.toString();
  }

  private static String cut(String text, int length) {
    return text.length() <= length ? text : text.substring(0, length) + "…";
  }

  private static String name(Level level) {
    return switch (level) {
      case ERROR -> "error";
      case WARN -> "warn";
      case INFO -> "info";
      case DEBUG -> "debug";
      case TRACE -> "trace";
    };
  }
}
