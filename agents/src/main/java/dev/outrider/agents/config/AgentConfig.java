package dev.outrider.agents.config;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the configuration of every agent holds; immutable. */
public interface AgentConfig {
  /** The plain HTTP endpoint. */
  HttpConfig http();

  /** The endpoint of {@code /status}; null: on {@link #http} if that listens on loopback. */
  @Nullable StatusConfig status();

  /** What is logged. */
  LogConfig log();

  /** How long a drain may take before what is left is cut off. */
  Duration drainTimeout();

  /** Where {@code AGENT.drain} asks for a drain and {@code AGENT.drained} tells that it is over. */
  Path drainFolder();

  /** The whole configuration as a tree. */
  ConfigTree toTree();
}
