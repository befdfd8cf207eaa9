package dev.outrider.metrics.proxy.wire;

import io.netty.buffer.ByteBuf;

/**
 * Reads severity and SQLSTATE from the beginning of an ErrorResponse or NoticeResponse, where
 * Postgres puts them, without making anything. For one thread.
 */
final class ErrorHead {
  /** How much is looked at: what comes first is short but in some languages. */
  static final int MAX_LENGTH = 128;

  private static final int CODE_LENGTH = 5;
  private static final int RADIX = 36;

  private final byte[] text = new byte[MAX_LENGTH];
  private Severity severity = Severity.UNKNOWN;
  private int code;

  /** Reads the fields. */
  void read(ByteBuf in, int index, int length) {
    int size = Math.min(length, MAX_LENGTH);
    in.getBytes(index, text, 0, size);
    severity = Severity.UNKNOWN;
    code = 0;
    int at = 0;
    while (at < size && text[at] != 0) {
      byte field = text[at++];
      int from = at;
      while (at < size && text[at] != 0) {
        at++;
      }
      if (at == size) {
        return;
      }
      switch (field) {
        case 'S' -> {
          if (severity == Severity.UNKNOWN) {
            severity = Severity.of(text, from, at);
          }
        }
        case 'V' -> severity = Severity.of(text, from, at);
        case 'C' -> code = code(from, at);
        default -> {} // tells what is not asked for
      }
      at++;
    }
  }

  private int code(int from, int to) {
    if (to - from != CODE_LENGTH) {
      return 0;
    }
    int packed = 0;
    for (int i = from; i < to; i++) {
      int digit = Character.digit(text[i], RADIX);
      if (digit < 0) {
        return 0;
      }
      packed = packed * RADIX + digit;
    }
    return packed;
  }

  Severity severity() {
    return severity;
  }

  /** The SQLSTATE as a number; 0 if there is none. */
  int code() {
    return code;
  }

  /** A number that {@link #code} gave as it is written. */
  static String sqlState(int code) {
    if (code == Tally.REST) {
      return LabelSets.OTHER;
    }
    if (code == 0) {
      return "none";
    }
    StringBuilder text = new StringBuilder();
    int rest = code;
    for (int i = 0; i < CODE_LENGTH; i++) {
      text.append(Character.toUpperCase(Character.forDigit(rest % RADIX, RADIX)));
      rest /= RADIX;
    }
    return text.reverse().toString();
  }
}
