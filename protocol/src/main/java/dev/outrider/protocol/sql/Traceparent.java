package dev.outrider.protocol.sql;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The trace that a statement belongs to, as <a
 * href="https://www.w3.org/TR/trace-context/#traceparent-header">Trace Context</a> writes it; in a
 * comment it is {@code traceparent='…'}, as <a
 * href="https://google.github.io/sqlcommenter/spec/">SQLCommenter</a> says.
 *
 * @param traceHigh the upper half of the trace's id
 * @param traceLow the lower half
 * @param span the id of the span in which the statement was sent
 * @param flags of which the lowest bit says that the sender keeps its spans
 */
public record Traceparent(long traceHigh, long traceLow, long span, int flags) {
  /** Version, trace id, span id and flags of version 00. */
  static final int LENGTH = 55;

  private static final byte[] KEY = "traceparent='".getBytes(StandardCharsets.US_ASCII);

  /**
   * Reads a setting: the value as it stands in the header, or what a comment of SQLCommenter holds,
   * which is how pg_tracing has it; null if it is neither, or not valid.
   */
  public static @Nullable Traceparent parse(String setting) {
    byte[] text = setting.getBytes(StandardCharsets.UTF_8);
    if (text.length == LENGTH && valid(text, 0)) {
      return read(text, 0);
    }
    int at = find(text, 0, text.length);
    return at < 0 ? null : read(text, at);
  }

  /** Reads a value that was found valid. */
  static Traceparent read(byte[] in, int at) {
    return new Traceparent(
        number(in, at + 3, 16),
        number(in, at + 19, 16),
        number(in, at + 36, 16),
        (int) number(in, at + 53, 2));
  }

  private static long number(byte[] in, int at, int length) {
    long number = 0;
    for (int i = at; i < at + length; i++) {
      number = number << 4 | Character.digit(in[i], 16);
    }
    return number;
  }

  /** Whether the sender keeps its spans of this trace. */
  public boolean isSampled() {
    return (flags & 1) != 0;
  }

  /** The trace's id, 32 hexadecimal digits. */
  public String traceId() {
    return hex(traceHigh) + hex(traceLow);
  }

  /** The id of a span, 16 hexadecimal digits. */
  public static String hex(long span) {
    return HexFormat.of().toHexDigits(span);
  }

  /** As version 00 writes it. */
  @Override
  public String toString() {
    return "00-" + traceId() + '-' + hex(span) + '-' + HexFormat.of().toHexDigits((byte) flags);
  }

  /** Where a valid value begins, or -1. */
  static int find(byte[] in, int from, int to) {
    int last = to - KEY.length - LENGTH - 1;
    for (int i = from; i <= last; i++) {
      if (in[i] == 't' && matches(in, i)) {
        int value = i + KEY.length;
        return in[value + LENGTH] == '\'' && valid(in, value) ? value : -1;
      }
    }
    return -1;
  }

  private static boolean matches(byte[] in, int at) {
    for (int i = 0; i < KEY.length; i++) {
      if (in[at + i] != KEY[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean valid(byte[] in, int at) {
    return hex(in, at, 2)
        && (in[at] != 'f' || in[at + 1] != 'f')
        && in[at + 2] == '-'
        && hex(in, at + 3, 32)
        && !zero(in, at + 3, 32)
        && in[at + 35] == '-'
        && hex(in, at + 36, 16)
        && !zero(in, at + 36, 16)
        && in[at + 52] == '-'
        && hex(in, at + 53, 2);
  }

  private static boolean hex(byte[] in, int at, int length) {
    for (int i = at; i < at + length; i++) {
      if ((in[i] < '0' || in[i] > '9') && (in[i] < 'a' || in[i] > 'f')) {
        return false;
      }
    }
    return true;
  }

  private static boolean zero(byte[] in, int at, int length) {
    for (int i = at; i < at + length; i++) {
      if (in[i] != '0') {
        return false;
      }
    }
    return true;
  }
}
