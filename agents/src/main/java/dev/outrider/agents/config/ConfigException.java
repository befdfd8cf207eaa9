package dev.outrider.agents.config;

import java.io.Serial;

/**
 * A configuration that cannot be used: which value at which path, where it was written, and what is
 * allowed.
 *
 * <p>Its message is meant for the person who wrote the configuration and is complete without a
 * stack trace.
 */
public final class ConfigException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final String origin;
  private final String path;
  private final String problem;

  private ConfigException(String origin, String path, String problem) {
    super(
        (origin.isEmpty() ? "" : origin + ": ") + (path.isEmpty() ? "" : path + ": ") + problem,
        null,
        false,
        false);
    this.origin = origin;
    this.path = path;
    this.problem = problem;
  }

  /**
   * A value at a path that is not one of those allowed, for example {@code listen: "x" (expected:
   * HOST:PORT)}.
   */
  public static ConfigException value(String path, String value, String expected) {
    return new ConfigException("", path, '"' + value + "\" (expected: " + expected + ")");
  }

  /** Something wrong at a path, said in words. */
  public static ConfigException problem(String path, String problem) {
    return new ConfigException("", path, problem);
  }

  /**
   * The same error seen from the mapping that holds it: {@code listen} becomes {@code http.listen}.
   */
  ConfigException within(String section) {
    return new ConfigException(origin, path.isEmpty() ? section : section + '.' + path, problem);
  }

  /**
   * The same error with where the value was written, unless that is known already: {@code
   * proxy.yaml:3}.
   */
  ConfigException from(String writtenAt) {
    return origin.isEmpty() ? new ConfigException(writtenAt, path, problem) : this;
  }

  /**
   * The dotted path of the key, for example {@code http.listen}; empty if the whole document is
   * meant.
   */
  public String path() {
    return path;
  }
}
