package dev.outrider.protocol.sql;

import java.nio.charset.StandardCharsets;

/**
 * Finds {@code traceparent='…'} in a comment: <a
 * href="https://google.github.io/sqlcommenter/spec/">SQLCommenter</a> around <a
 * href="https://www.w3.org/TR/trace-context/#traceparent-header">Trace Context</a>.
 */
final class Traceparent {
  /** Version, trace id, span id and flags of version 00. */
  static final int LENGTH = 55;

  private static final byte[] KEY = "traceparent='".getBytes(StandardCharsets.US_ASCII);

  private Traceparent() {}

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
