package dev.outrider.agents.config;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * Points in time as agents write them: RFC 3339 in UTC with milliseconds, {@code
 * 2026-11-21T10:10:24.000Z}.
 */
public final class Timestamp {
  private Timestamp() {}

  /** Appends a point in time; always 24 characters for the years 0 to 9999. */
  public static void append(StringBuilder out, Instant instant) {
    // By hand: DateTimeFormatter is more classes than the rest of a log line together.
    LocalDateTime time =
        LocalDateTime.ofEpochSecond(instant.getEpochSecond(), instant.getNano(), ZoneOffset.UTC);
    digits(out, time.getYear(), 4);
    digits(out.append('-'), time.getMonthValue(), 2);
    digits(out.append('-'), time.getDayOfMonth(), 2);
    digits(out.append('T'), time.getHour(), 2);
    digits(out.append(':'), time.getMinute(), 2);
    digits(out.append(':'), time.getSecond(), 2);
    digits(out.append('.'), time.getNano() / 1_000_000, 3);
    out.append('Z');
  }

  /** A point in time as text. */
  public static String of(Instant instant) {
    StringBuilder out = new StringBuilder(24);
    append(out, instant);
    return out.toString();
  }

  private static void digits(StringBuilder out, int number, int width) {
    String text = Integer.toString(number);
    out.repeat('0', Math.max(0, width - text.length())).append(text);
  }
}
