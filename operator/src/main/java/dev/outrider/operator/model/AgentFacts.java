package dev.outrider.operator.model;

import java.util.Map;

/**
 * What is known of the agents of a cluster.
 *
 * @param configHashes by agent: the hash of the configuration that should be in force
 * @param readings by pod and agent
 */
public record AgentFacts(
    Map<String, String> configHashes, Map<String, Map<String, AgentReading>> readings) {
  /** Nothing. */
  public static final AgentFacts NONE = new AgentFacts(Map.of(), Map.of());

  AgentReading of(Instance instance, Instance.Agent agent) {
    return readings
        .getOrDefault(instance.name(), Map.of())
        .getOrDefault(agent.name(), new AgentReading.NotAsked());
  }

  boolean isInForce(String agent, String configHash) {
    return configHash.equals(configHashes.get(agent));
  }
}
