package dev.outrider.operator.model;

import dev.outrider.agents.config.TlsConfig;
import dev.outrider.operator.api.PostgresClusterStatus;
import dev.outrider.operator.api.PostgresClusterStatus.CertificateStatus;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceProblem;
import dev.outrider.operator.api.PostgresClusterStatus.InstanceStatus;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryPhase;
import dev.outrider.operator.api.PostgresClusterStatus.RecoveryStatus;
import dev.outrider.operator.api.ReplicationSpec;
import dev.outrider.operator.api.SwitchoverStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The status of a cluster, from what was observed and what stands in the way. */
public final class StatusModel {
  public static final String READY = "Ready";
  public static final String PROGRESSING = "Progressing";
  public static final String RESTART_PENDING = "RestartPending";
  public static final String TROUBLE = "Trouble";

  /** Of Ready: an instance does not follow the primary. */
  public static final String INSTANCE_STUCK = "InstanceStuck";

  public static final String PROXY_READY = AgentModel.conditionType(Names.PROXY_CONTAINER);

  public static final String TLS_READY = "TLSReady";

  private static final String STARTING = "Starting";

  /** Kubernetes allows 32768 characters; nobody reads more than these. */
  private static final int MESSAGE_LIMIT = 2000;

  private StatusModel() {}

  /**
   * What stands in the way of the spec.
   *
   * @param reason one CamelCase word
   * @param message what happened, with which value, what to do
   */
  public record Obstacle(String reason, String message) {}

  /**
   * Everything that the status is made from.
   *
   * @param generation of the spec
   * @param wanted what is in force: of the last good spec where the present one is bad; null where
   *     there never was a good one
   * @param obstacle why the spec is not brought about, or null
   * @param waitingFor what scaling waits for, or null
   * @param switchover what became of the last one that was asked for, or null
   * @param template of the pods as it should be, or null where there never was a good spec
   * @param recovery what is done for instances that are not well
   * @param agents what they say of themselves
   * @param served what clients are shown; null where there is no proxy, or nothing was decided
   * @param previous the status so far, for the times of transitions
   */
  public record Facts(
      long generation,
      Names names,
      @Nullable Wanted wanted,
      Observed observed,
      @Nullable Obstacle obstacle,
      @Nullable String waitingFor,
      @Nullable SwitchoverStatus switchover,
      @Nullable PodTemplateSpec template,
      Images images,
      String outriderVersion,
      List<RecoveryStatus> recovery,
      AgentFacts agents,
      @Nullable ServedTls served,
      @Nullable PostgresClusterStatus previous) {}

  /** The status. */
  public static PostgresClusterStatus of(Facts facts, Instant now) {
    Names names = facts.names();
    Observed observed = facts.observed();
    Wanted wanted = facts.wanted();
    Optional<Instance> leader = observed.leader(names);
    List<InstanceStatus> instances =
        observed.instances().stream().map(i -> instance(i, leader, facts, now)).toList();
    int ready = (int) observed.instances().stream().filter(Instance::ready).count();
    int target = wanted == null ? 0 : wanted.instances();

    List<Condition> conditions = new ArrayList<>();
    Condition readyCondition =
        condition(READY, ready(target, ready, leader, observed, facts), facts, now);
    Condition progressing =
        condition(PROGRESSING, progressing(target, ready, observed, facts), facts, now);
    conditions.add(readyCondition);
    conditions.add(progressing);
    conditions.add(condition(RESTART_PENDING, restartPending(instances), facts, now));
    conditions.add(condition(TROUBLE, trouble(instances, facts.recovery()), facts, now));
    if (wanted != null && wanted.proxy()) {
      conditions.add(condition(PROXY_READY, agent(Names.PROXY_CONTAINER, facts), facts, now));
    }

    ServedTls served = facts.served();
    boolean tls = wanted != null && wanted.proxy() && wanted.tls().mode() != TlsConfig.Mode.DISABLE;
    if (tls && served != null) {
      conditions.add(condition(TLS_READY, tls(served), facts, now));
    }

    Condition story =
        facts.obstacle() != null
                || (readyCondition.getStatus().equals("True")
                    && progressing.getStatus().equals("True"))
            ? progressing
            : readyCondition;
    return new PostgresClusterStatus(
        facts.generation(),
        story.getReason(),
        story.getMessage(),
        conditions,
        ready + "/" + target,
        observed.instances().size(),
        names.selector(),
        leader.map(Instance::name).orElse(null),
        instances,
        facts.switchover(),
        facts.recovery().isEmpty() ? null : facts.recovery(),
        tls && served != null ? certificate(served) : null,
        new PostgresClusterStatus.Versions(
            facts.outriderVersion(),
            wanted == null ? null : Integer.toString(wanted.version()),
            observed.instances().stream()
                .map(i -> i.member().patroni())
                .filter(Objects::nonNull)
                .sorted()
                .findFirst()
                .orElse(null)),
        wanted == null
            ? null
            : new PostgresClusterStatus.Resolved(
                wanted.instances(),
                facts.images().postgres().get(wanted.version()),
                wanted.proxy() ? facts.images().agents() : null,
                new ReplicationSpec(
                    wanted.replication().mode(),
                    wanted.replication().synchronous()
                        ? wanted.replication().syncInstances()
                        : null),
                wanted.proxy() ? wanted.tls().resolved() : null,
                wanted.parameters()));
  }

  private record State(String status, String reason, String message) {}

  private static State ready(
      int target, int ready, Optional<Instance> leader, Observed observed, Facts facts) {
    if (facts.wanted() == null) {
      return new State("False", "NotCreated", "nothing has been made of this spec yet");
    }
    if (target == 0 && observed.instances().isEmpty()) {
      return new State(
          "False", "Hibernated", "no instance is wanted; the data is kept on its volumes");
    }
    boolean starting = isStarting(facts);
    if (leader.isEmpty() || !leader.get().ready()) {
      return new State(
          "False",
          starting ? STARTING : "NoPrimary",
          (starting ? "" : "no primary accepts connections; ") + unready(observed));
    }
    if (ready < target) {
      boolean stuck = observed.instances().stream().anyMatch(i -> i.member().stuck() != null);
      return new State(
          "False",
          stuck ? INSTANCE_STUCK : starting ? STARTING : "InstancesNotReady",
          leader.get().name()
              + " is primary; "
              + ready
              + " of "
              + target
              + " instances are ready; "
              + unready(observed));
    }
    return new State(
        "True",
        "Healthy",
        leader.get().name() + " is primary; " + ready + " of " + target + " instances are ready");
  }

  /** Whether the cluster has not been ready since it was made or woken: nothing is wrong then. */
  private static boolean isStarting(Facts facts) {
    PostgresClusterStatus previous = facts.previous();
    return previous == null
        || previous.conditions() == null
        || previous.conditions().stream()
            .filter(c -> c.getType().equals(READY))
            .allMatch(
                c ->
                    Set.of(STARTING, "NotCreated", "Hibernated").contains(c.getReason())
                        && c.getStatus().equals("False"));
  }

  private static String unready(Observed observed) {
    String list =
        observed.instances().stream()
            .filter(i -> !i.ready())
            .map(i -> i.name() + ": " + state(i))
            .collect(Collectors.joining(", "));
    return list.isEmpty() ? "no pod is there yet" : list;
  }

  /** What keeps an instance from being ready, from the kubelet or from Patroni. */
  private static String state(Instance instance) {
    if (instance.terminating()) {
      return "being deleted";
    }
    Optional<String> waiting = waiting(instance);
    if (waiting.isPresent()) {
      return waiting.get();
    }
    PatroniMember.Stuck stuck = instance.member().stuck();
    if (stuck != null) {
      return stuck.reason() + (stuck.since() == null ? "" : ", since " + text(stuck.since()));
    }
    return instance.member().state() == null
        ? "pod is "
            + Optional.ofNullable(instance.pod().getStatus())
                .map(PodStatus::getPhase)
                .orElse("Pending")
                .toLowerCase(Locale.ROOT)
        : "PostgreSQL is " + instance.member().state();
  }

  private static Optional<String> waiting(Instance instance) {
    var status = instance.pod().getStatus();
    if (status == null) {
      return Optional.empty();
    }
    Optional<String> unscheduled =
        Problem.unscheduled(instance).map(c -> c.getReason() + " (" + c.getMessage() + ")");
    if (unscheduled.isPresent()) {
      return unscheduled;
    }
    return Problem.containers(instance)
        .filter(c -> c.getState() != null && c.getState().getWaiting() != null)
        .filter(c -> !Problem.isBeginning(c.getState().getWaiting()))
        .map(
            c ->
                "container "
                    + c.getName()
                    + " waits: "
                    + c.getState().getWaiting().getReason()
                    + Optional.ofNullable(c.getState().getWaiting().getMessage())
                        .map(m -> " (" + m + ")")
                        .orElse(""))
        .findFirst();
  }

  private static State progressing(int target, int ready, Observed observed, Facts facts) {
    if (facts.obstacle() != null) {
      return new State("False", facts.obstacle().reason(), facts.obstacle().message());
    }
    if (facts.waitingFor() != null) {
      return new State("True", "Scaling", "waiting for " + facts.waitingFor());
    }
    if (observed.instances().size() != target) {
      return new State(
          "True", "Scaling", observed.instances().size() + " of " + target + " pods are there");
    }
    if (ready < target) {
      return new State("True", STARTING, ready + " of " + target + " instances are ready");
    }
    return new State("False", "Settled", "everything is as the spec says");
  }

  /** The problem of each instance with what is done about it; the worst gives the reason. */
  private static State trouble(List<InstanceStatus> instances, List<RecoveryStatus> recovery) {
    List<String> parts = new ArrayList<>();
    for (InstanceStatus instance : instances) {
      if (instance.problem() != null) {
        parts.add(
            instance.name()
                + ": "
                + instance.problem().reason()
                + ", since "
                + instance.problem().since()
                + recovery.stream()
                    .filter(r -> r.instance().equals(instance.name()) && r.next() != null)
                    .map(r -> "; " + r.next())
                    .findFirst()
                    .orElse(""));
      }
    }
    for (RecoveryStatus one : recovery) {
      boolean told =
          instances.stream().anyMatch(i -> i.name().equals(one.instance()) && i.problem() != null);
      if (!told && isBeingCured(one)) {
        parts.add(one.instance() + ": it was the trouble that " + one.reason() + "; " + one.next());
      }
    }
    if (parts.isEmpty()) {
      return new State("False", "NoTrouble", "every instance is well or on its way");
    }
    String reason =
        recovery.stream()
            .filter(r -> r.phase() == RecoveryPhase.PersonNeeded || isBeingCured(r))
            .map(RecoveryStatus::phase)
            .max(Comparator.naturalOrder())
            .map(
                phase ->
                    switch (phase) {
                      case Watched, Named -> "InstanceTrouble";
                      case Restarted -> "InstanceRestarted";
                      case NewCopy -> "NewCopy";
                      case PersonNeeded -> "PersonNeeded";
                    })
            .orElse("InstanceTrouble");
    return new State("True", reason, String.join("; ", parts));
  }

  private static boolean isBeingCured(RecoveryStatus one) {
    return one.wellSince() == null
        && (one.phase() == RecoveryPhase.Restarted || one.phase() == RecoveryPhase.NewCopy);
  }

  private static State agent(String agent, Facts facts) {
    AgentModel.Verdict verdict = AgentModel.verdict(agent, facts.observed(), facts.agents());
    return new State(verdict.status(), verdict.reason(), verdict.message());
  }

  private static State tls(ServedTls served) {
    if (served.faults().isEmpty()) {
      return new State("True", "CertificateInForce", "in force is " + served.words());
    }
    return new State(
        "False",
        served.faults().getFirst().reason(),
        served.faults().stream().map(ServedTls.Fault::message).collect(Collectors.joining("; "))
            + "; in force is "
            + served.words());
  }

  private static CertificateStatus certificate(ServedTls served) {
    return new CertificateStatus(
        served.source(), text(served.certificate().notAfter()), served.certificate().names());
  }

  private static State restartPending(List<InstanceStatus> instances) {
    Map<String, String> parameters = new TreeMap<>();
    TreeSet<String> pods = new TreeSet<>();
    for (InstanceStatus instance : instances) {
      if (instance.pendingRestart() != null) {
        parameters.putAll(instance.pendingRestart());
      }
      if (instance.pendingPod() != null) {
        pods.add(instance.name());
      }
    }
    if (parameters.isEmpty() && pods.isEmpty()) {
      return new State("False", "NothingPending", "nothing waits for a restart");
    }
    List<String> parts = new ArrayList<>();
    if (!parameters.isEmpty()) {
      parts.add(
          "these parameters change when PostgreSQL restarts: "
              + parameters.entrySet().stream()
                  .map(e -> e.getKey() + " " + e.getValue())
                  .collect(Collectors.joining(", ")));
    }
    if (!pods.isEmpty()) {
      parts.add(
          "these pods are of an older template and take on the new one when they are deleted,"
              + " replicas first: "
              + String.join(", ", pods));
    }
    return new State(
        "True",
        parameters.isEmpty() ? "PodTemplateChanged" : "ParametersChanged",
        String.join("; ", parts));
  }

  private static InstanceStatus instance(
      Instance instance, Optional<Instance> leader, Facts facts, Instant now) {
    PatroniMember member = instance.member();
    boolean isLeader = leader.isPresent() && leader.get().name().equals(instance.name());
    String role =
        isLeader ? Names.PRIMARY : Names.REPLICA.equals(member.role()) ? Names.REPLICA : null;
    List<String> pendingPod = pendingPod(instance, facts.template());
    List<PostgresClusterStatus.AgentState> agents = AgentModel.states(instance, facts.agents());
    return new InstanceStatus(
        instance.name(),
        role,
        member.replication() != null ? member.replication() : member.state(),
        instance.ready(),
        instance.pod().getSpec().getNodeName(),
        member.timeline(),
        isLeader || leader.isEmpty() ? null : lag(leader.get().member(), member),
        facts.observed().synchronous(facts.names()).contains(instance.name()) ? true : null,
        member.pendingRestart().isEmpty() ? null : member.pendingRestart(),
        pendingPod.isEmpty() ? null : pendingPod,
        Problem.of(instance, now)
            .map(problem -> new InstanceProblem(problem.reason(), text(problem.since())))
            .orElse(null),
        agents.isEmpty() ? null : agents);
  }

  /**
   * The lag in steps, powers of two of a mebibyte, so that a busy cluster does not write its status
   * at every turn.
   */
  private static @Nullable Long lag(PatroniMember leader, PatroniMember replica) {
    Long ahead = leader.ahead(replica);
    return ahead == null ? null : Long.highestOneBit(ahead / Bytes.MIB) * Bytes.MIB;
  }

  private static List<String> pendingPod(Instance instance, @Nullable PodTemplateSpec template) {
    if (template == null) {
      return List.of();
    }
    String has = annotation(instance.pod().getMetadata().getAnnotations());
    String should = annotation(template.getMetadata().getAnnotations());
    if (Objects.equals(has, should)) {
      return List.of();
    }
    List<String> what = new ArrayList<>();
    var containers = instance.pod().getSpec().getContainers();
    template
        .getSpec()
        .getContainers()
        .forEach(
            wanted ->
                containers.stream()
                    .filter(c -> c.getName().equals(wanted.getName()))
                    .forEach(
                        c -> {
                          if (!Objects.equals(c.getImage(), wanted.getImage())) {
                            what.add("image of " + c.getName());
                          }
                          if (!Objects.equals(c.getResources(), wanted.getResources())) {
                            what.add("resources of " + c.getName());
                          }
                        }));
    return what.isEmpty() ? List.of("pod template") : what;
  }

  private static @Nullable String annotation(@Nullable Map<String, String> annotations) {
    return annotations == null ? null : annotations.get(ClusterObjects.TEMPLATE_HASH);
  }

  private static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static Condition condition(String type, State state, Facts facts, Instant now) {
    String since = text(now);
    PostgresClusterStatus previous = facts.previous();
    if (previous != null && previous.conditions() != null) {
      for (Condition old : previous.conditions()) {
        if (old.getType().equals(type) && old.getStatus().equals(state.status())) {
          since = old.getLastTransitionTime();
        }
      }
    }
    String message = state.message();
    return new ConditionBuilder()
        .withType(type)
        .withStatus(state.status())
        .withReason(state.reason())
        .withMessage(
            message.length() <= MESSAGE_LIMIT ? message : message.substring(0, MESSAGE_LIMIT) + "…")
        .withObservedGeneration(facts.generation())
        .withLastTransitionTime(since)
        .build();
  }
}
