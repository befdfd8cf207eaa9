package dev.outrider.agents.config;

import java.util.Locale;

/**
 * What an agent logs.
 *
 * @param level the least severe lines that are written
 */
public record LogConfig(Level level) {
  /** Severities, the most severe first. */
  public enum Level {
    /** Something failed and somebody has to act. */
    ERROR,
    /** Something is not as it should be; the agent goes on. */
    WARN,
    /** What the agent did. */
    INFO,
    /** What a developer of the agent wants to know. */
    DEBUG,
    /** Everything, at a price. */
    TRACE;

    /** As in configuration and logs: lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Level parse(String text) {
      for (Level level : values()) {
        if (level.toString().equals(text)) {
          return level;
        }
      }
      throw new IllegalArgumentException("error, warn, info, debug or trace");
    }
  }

  static LogConfig from(ConfigSection section, LogConfig byDefault) {
    return new LogConfig(section.value("level", byDefault.level(), Level::parse));
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder().put("level", level.toString());
  }
}
