package dev.outrider.metrics.proxy.fence;

import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.ConfigTree;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What the process that runs Patroni tells of its instance, in the file {@code instance.json}: one
 * JSON object, replaced by rename at every change. Points in time are seconds of {@code
 * CLOCK_BOOTTIME}, which no step of the wall clock moves.
 */
sealed interface InstanceRecord {
  /** When it was written. */
  double written();

  /**
   * The instance holds Patroni's lock.
   *
   * @param leaseUntil before that, nobody else may take the lock
   * @param ttl how long the lock is given for, in seconds
   */
  record Primary(double leaseUntil, double ttl, double written) implements InstanceRecord {}

  /** In recovery; it becomes a primary only by Patroni, which then writes so before. */
  record Standby(double written) implements InstanceRecord {}

  /** Patroni is paused: nobody takes over from anybody. */
  record Unmanaged(double written) implements InstanceRecord {}

  /**
   * Not to be used.
   *
   * @param reason why, for a person; may be empty
   */
  record None(double written, String reason) implements InstanceRecord {}

  /** The longest ttl that is believed, in seconds. */
  double MAX_TTL = 24 * 3600;

  /** JSON's numbers: Java would also take {@code NaN}, {@code 1d} and {@code 0x1p3}. */
  Pattern NUMBER = Pattern.compile("-?\\d{1,18}(\\.\\d{1,18})?([eE][-+]?\\d{1,2})?");

  /** The longest reason that is passed on, in characters. */
  int MAX_REASON = 200;

  /**
   * Reads the file's bytes. JSON is a subset of YAML, whose parser every agent has already.
   *
   * @throws IllegalArgumentException if it is not such a record, with what is wrong
   */
  static InstanceRecord parse(byte[] json) {
    String text = new String(json, StandardCharsets.UTF_8).strip();
    if (!text.startsWith("{") || !text.endsWith("}")) {
      throw new IllegalArgumentException("is not a JSON object");
    }
    Map<String, String> values;
    try {
      values = ConfigTree.parse("record", json).leaves();
    } catch (ConfigException e) {
      throw new IllegalArgumentException("is not a JSON object: " + e.getMessage(), e);
    }
    double written = number(values, "written");
    String role = values.getOrDefault("role", "");
    return switch (role) {
      case "primary" ->
          new Primary(number(values, "leaseUntil"), ttl(number(values, "ttl")), written);
      case "standby" -> new Standby(written);
      case "unmanaged" -> new Unmanaged(written);
      case "none" -> new None(written, printable(values.getOrDefault("reason", "")));
      default ->
          throw new IllegalArgumentException(
              "role: \"" + printable(role) + "\" (expected: primary, standby, unmanaged or none)");
    };
  }

  private static double number(Map<String, String> values, String key) {
    String text = values.getOrDefault(key, "");
    if (!NUMBER.matcher(text).matches()) {
      throw new IllegalArgumentException(
          key + ": \"" + printable(text) + "\" (expected: seconds, for example 12345.678)");
    }
    return Double.parseDouble(text);
  }

  private static double ttl(double seconds) {
    if (seconds <= 0 || seconds > MAX_TTL) {
      throw new IllegalArgumentException("ttl: " + seconds + " (expected: up to " + MAX_TTL + ")");
    }
    return seconds;
  }

  /** On one line, not long, and fit for an error message of Postgres's protocol. */
  private static String printable(String text) {
    String line = text.replaceAll("\\p{Cntrl}", " ").strip();
    return line.length() <= MAX_REASON ? line : line.substring(0, MAX_REASON) + "…";
  }
}
