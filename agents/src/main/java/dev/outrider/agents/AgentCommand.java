package dev.outrider.agents;

import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.config.ConfigKey;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.lifecycle.Agent;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;

/**
 * One agent as a subcommand of {@code outrider}, found by {@link java.util.ServiceLoader}. Every
 * command is made to show the help, so making one must cost nothing.
 *
 * @param <C> the agent's configuration record
 */
public interface AgentCommand<C extends AgentConfig> {
  /** The subcommand's name, also the agent's: one lower-case word. */
  String name();

  /** What the agent does, one line. */
  String summary();

  /** Every key of its configuration; each is a command-line option as well. */
  List<ConfigKey> keys();

  /**
   * Makes the configuration from what was written.
   *
   * @throws dev.outrider.agents.config.ConfigException if it cannot be used
   */
  C bind(ConfigTree tree);

  /** Makes the agent, which does nothing before its start. */
  Agent<C> agent(C config, Surroundings surroundings);

  /**
   * What an agent is given.
   *
   * @param metrics where it registers its metrics
   * @param clock tells the time
   * @param crash to be called, by any thread, when a part of the agent has failed for good: ends
   *     the process
   */
  record Surroundings(PrometheusRegistry metrics, InstantSource clock, Consumer<Throwable> crash) {}
}
