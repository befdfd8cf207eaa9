package dev.outrider.agents.config;

import java.time.Duration;

/**
 * Durations as they are written in configuration: a whole number and a unit, {@code 500ms}, {@code
 * 30s}, {@code 5m}, {@code 1h}.
 */
public final class DurationText {
  private static final String FORM = "a whole number and a unit (ms, s, m, h), for example 30s";
  private static final int MAX_DIGITS = 9;

  private DurationText() {}

  /**
   * Parses a duration; the bare {@code 0} is allowed.
   *
   * @throws IllegalArgumentException with what is allowed
   */
  public static Duration parse(String text) {
    int digits = 0;
    while (digits < text.length() && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
      digits++;
    }
    if (digits == 0 || digits > MAX_DIGITS) {
      throw new IllegalArgumentException(FORM);
    }
    long number = Long.parseLong(text, 0, digits, 10);
    return switch (text.substring(digits)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      case "" -> {
        if (number != 0) {
          throw new IllegalArgumentException(FORM);
        }
        yield Duration.ZERO;
      }
      default -> throw new IllegalArgumentException(FORM);
    };
  }

  /**
   * The shortest way to write a duration of whole milliseconds; parts below a millisecond are cut
   * off.
   */
  public static String format(Duration duration) {
    long millis = duration.toMillis();
    if (millis % 1000 != 0) {
      return millis + "ms";
    }
    long seconds = millis / 1000;
    if (seconds % 3600 == 0 && seconds != 0) {
      return seconds / 3600 + "h";
    }
    if (seconds % 60 == 0 && seconds != 0) {
      return seconds / 60 + "m";
    }
    return seconds + "s";
  }
}
