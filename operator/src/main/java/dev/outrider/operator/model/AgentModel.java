package dev.outrider.operator.model;

import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.Timestamp;
import dev.outrider.operator.api.PostgresClusterStatus.AgentState;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The agents in a cluster's status: one entry for each agent of each instance, and one condition
 * for each feature that an agent serves, {@code ProxyReady} for the proxy.
 *
 * <p>The condition is of the feature alone. An agent that the operator cannot reach may be doing
 * all it should: that makes its condition Unknown and no cluster unhealthy.
 */
final class AgentModel {
  private AgentModel() {}

  /**
   * A condition's part that comes from the agents.
   *
   * @param status True, False or Unknown
   */
  record Verdict(String status, String reason, String message) {}

  /** What the status says of the agents of an instance. */
  static List<AgentState> states(Instance instance, AgentFacts facts) {
    return instance.agents().stream().map(agent -> state(instance, agent, facts)).toList();
  }

  private static AgentState state(Instance instance, Instance.Agent agent, AgentFacts facts) {
    if (!agent.running()) {
      return new AgentState(agent.name(), "not running", null, null, null);
    }
    return switch (facts.of(instance, agent)) {
      case AgentReading.NotAsked _ -> new AgentState(agent.name(), "unknown", null, null, null);
      case AgentReading.Unreachable away ->
          new AgentState(agent.name(), "unreachable", null, null, List.of(words(away)));
      case AgentReading.Said said -> {
        List<String> problems = problems(said);
        yield new AgentState(
            agent.name(),
            said.state(),
            said.version(),
            facts.isInForce(agent.name(), said.configHash()),
            problems.isEmpty() ? null : problems);
      }
    };
  }

  private static List<String> problems(AgentReading.Said said) {
    List<String> problems = new ArrayList<>();
    if (said.configProblem() != null) {
      problems.add(words(said.configProblem()));
    }
    said.problems().forEach(problem -> problems.add(words(problem)));
    return problems;
  }

  private static String words(Problem problem) {
    return problem.toString();
  }

  private static String words(AgentReading.Unreachable away) {
    return "not reached: " + away.reason() + " (since " + Timestamp.of(away.since()) + ")";
  }

  /** The type of the condition of an agent: {@code ProxyReady}. */
  static String conditionType(String agent) {
    return capitalized(agent) + "Ready";
  }

  private static String capitalized(String agent) {
    return agent.substring(0, 1).toUpperCase(Locale.ROOT) + agent.substring(1);
  }

  /** The worst that is to be said of one agent of all instances, in the order of this enum. */
  private enum Worst {
    CONFIGURATION_REFUSED("ConfigurationRefused", "False"),
    PROBLEM("Problem", "False"),
    NOT_READY("NotReady", "False"),
    NOT_REACHED("NotReached", "Unknown");

    private final String reason;
    private final String status;

    Worst(String reason, String status) {
      this.reason = reason;
      this.status = status;
    }
  }

  private record Complaint(Worst worst, String words) {}

  /** The condition of an agent that every instance should have. */
  static Verdict verdict(String agent, Observed observed, AgentFacts facts) {
    List<Instance> instances =
        observed.instances().stream().filter(instance -> !instance.terminating()).toList();
    String feature = capitalized(agent);
    if (instances.isEmpty()) {
      return new Verdict("False", feature + Worst.NOT_READY.reason, "no instance is there");
    }
    List<Complaint> complaints = new ArrayList<>();
    for (Instance instance : instances) {
      complaint(instance, agent, facts)
          .ifPresent(
              c -> complaints.add(new Complaint(c.worst(), instance.name() + ": " + c.words)));
    }
    Optional<Worst> worst = complaints.stream().map(Complaint::worst).sorted().findFirst();
    return worst
        .map(
            w ->
                new Verdict(
                    w.status,
                    feature + w.reason,
                    complaints.stream()
                        .filter(c -> c.worst() == w)
                        .map(Complaint::words)
                        .collect(Collectors.joining("; "))))
        .orElseGet(
            () ->
                new Verdict(
                    "True",
                    feature + "Serving",
                    "the " + agent + " of every instance does what it should"));
  }

  private static Optional<Complaint> complaint(Instance instance, String name, AgentFacts facts) {
    Instance.@Nullable Agent agent =
        instance.agents().stream().filter(a -> a.name().equals(name)).findFirst().orElse(null);
    if (agent == null) {
      return Optional.of(
          new Complaint(Worst.NOT_READY, "has no " + name + " until its pod is made again"));
    }
    if (!agent.running()) {
      return Optional.of(new Complaint(Worst.NOT_READY, "is not running"));
    }
    return switch (facts.of(instance, agent)) {
      case AgentReading.NotAsked _ ->
          Optional.of(new Complaint(Worst.NOT_READY, "has not answered yet"));
      case AgentReading.Unreachable away ->
          Optional.of(new Complaint(Worst.NOT_REACHED, words(away)));
      case AgentReading.Said said -> {
        if (said.configProblem() != null) {
          yield Optional.of(
              new Complaint(Worst.CONFIGURATION_REFUSED, words(said.configProblem())));
        }
        if (!said.problems().isEmpty()) {
          yield Optional.of(new Complaint(Worst.PROBLEM, String.join(", ", problems(said))));
        }
        yield said.state().equals("ready")
            ? Optional.empty()
            : Optional.of(new Complaint(Worst.NOT_READY, "is " + said.state()));
      }
    };
  }
}
