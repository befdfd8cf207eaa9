package dev.outrider.metrics.proxy.wire;

/**
 * How bad what Postgres says is. See <a
 * href="https://www.postgresql.org/docs/18/protocol-error-fields.html">Error and Notice Message
 * Fields</a>.
 */
enum Severity {
  ERROR(0, "error"),
  FATAL(1, "fatal"),
  PANIC(2, "panic"),
  WARNING(3, "warning"),
  NOTICE(4, "notice"),
  DEBUG(5, "debug"),
  INFO(6, "info"),
  LOG(7, "log"),
  /** None of these, or one in another language from a Postgres before 9.6. */
  UNKNOWN(8, "unknown");

  private static final Severity[] ALL = values();

  private final int number;
  private final String label;

  Severity(int number, String label) {
    this.number = number;
    this.label = label;
  }

  /** The name for metrics. */
  String label() {
    return label;
  }

  /** A number of its own, from 0 without gaps, in the order in which they stand. */
  int number() {
    return number;
  }

  static Severity at(int number) {
    return ALL[number];
  }

  /** The one with this name in upper case. */
  static Severity of(byte[] name, int from, int to) {
    for (Severity severity : ALL) {
      if (to - from == severity.label.length()) {
        int i = 0;
        while (i < to - from && (name[from + i] | 0x20) == severity.label.charAt(i)) {
          i++;
        }
        if (i == to - from) {
          return severity;
        }
      }
    }
    return UNKNOWN;
  }
}
