package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.model.annotation.LabelSelector;
import io.fabric8.kubernetes.model.annotation.StatusReplicas;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What was observed of a cluster, and what its defaults were resolved to. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PostgresClusterStatus(
    @JsonPropertyDescription("The generation of the spec that this status speaks of.")
        @Nullable Long observedGeneration,
    @JsonPropertyDescription("The story in one word, from the conditions.")
        @Nullable String summary,
    @JsonPropertyDescription("The story in one sentence.") @Nullable String message,
    @JsonPropertyDescription(
            "Ready: a primary accepts writes and every instance is up. Progressing: the operator is"
                + " still bringing about what the spec says, or why it cannot.")
        @Nullable List<Condition> conditions,
    @JsonPropertyDescription("Ready instances of wanted instances.") @Nullable String ready,
    @JsonPropertyDescription("How many pods there are.") @StatusReplicas @Nullable Integer replicas,
    @JsonPropertyDescription("Selects the pods, for the scale subresource.") @LabelSelector
        @Nullable String selector,
    @JsonPropertyDescription("The instance that holds Patroni's leader lock.")
        @Nullable String primary,
    @Nullable List<InstanceStatus> instances,
    @JsonPropertyDescription("What became of the last switchover that was asked for.")
        @Nullable SwitchoverStatus switchover,
    @JsonPropertyDescription(
            "What is being done for instances that are not well, and what must be known of them"
                + " meanwhile.")
        @Nullable List<RecoveryStatus> recovery,
    @JsonPropertyDescription("The certificate that clients are shown.")
        @Nullable CertificateStatus certificate,
    @Nullable Versions versions,
    @JsonPropertyDescription("What the defaults were resolved to.") @Nullable Resolved resolved) {

  /** One instance, as Patroni and the kubelet see it. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record InstanceStatus(
      String name,
      @JsonPropertyDescription("primary, replica, or absent while it starts.")
          @Nullable String role,
      @JsonPropertyDescription("Patroni's state: running, streaming, starting, creating replica, …")
          @Nullable String state,
      boolean ready,
      @Nullable String node,
      @Nullable Long timeline,
      @JsonPropertyDescription(
              "Bytes of WAL that the primary has and this replica has not replayed, in steps of 1"
                  + " MiB; exact figures are metrics.")
          @Nullable Long lagBytes,
      @JsonPropertyDescription(
              "True for a replica that confirms each commit before it is acknowledged; only such a"
                  + " one may become primary.")
          @Nullable Boolean synchronous,
      @JsonPropertyDescription(
              "Parameters that a restart of this instance would change: from -> to.")
          @Nullable Map<String, String> pendingRestart,
      @JsonPropertyDescription(
              "What of the pod is older than the spec and changes when the pod is deleted and comes"
                  + " back.")
          @Nullable List<String> pendingPod,
      @JsonPropertyDescription("Why the instance is of no use at present, and since when.")
          @Nullable InstanceProblem problem,
      @JsonPropertyDescription("The agents beside it, as they tell of themselves.")
          @Nullable List<AgentState> agents) {}

  /** Why an instance is of no use. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record InstanceProblem(
      String reason, @JsonPropertyDescription("RFC 3339.") String since) {}

  /** How far the cure of an instance has come. */
  public enum RecoveryPhase {
    /** It is not ready, for no reason that needs a cure. */
    Watched,
    /** Its problem is known; nothing has been done yet. */
    Named,
    /** Its pod was deleted, so that it starts anew. */
    Restarted,
    /** Its volume was given up, so that it copies the primary. */
    NewCopy,
    /** All that the operator may do was done, or it may do nothing. */
    PersonNeeded
  }

  /**
   * The cure of one instance, kept here so that a restart of the operator forgets nothing. All
   * times are RFC 3339.
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record RecoveryStatus(
      String instance,
      RecoveryPhase phase,
      @JsonPropertyDescription("What is wrong.") @Nullable String reason,
      @JsonPropertyDescription("What happens next, or what that waits for.") @Nullable String next,
      @JsonPropertyDescription("When the problem was seen first.") @Nullable String namedAt,
      @JsonPropertyDescription("When its pod was deleted so that it starts anew.")
          @Nullable String restartedAt,
      @JsonPropertyDescription("When its volume was given up.") @Nullable String newCopyAt,
      @JsonPropertyDescription("Since when it is well again.") @Nullable String wellSince,
      @JsonPropertyDescription("The uid of the pod that the last step deletes.")
          @Nullable String pod,
      @JsonPropertyDescription("The uid of the claim that the last step gives up.")
          @Nullable String claim,
      @JsonPropertyDescription("The role that it had last.") @Nullable String role,
      @JsonPropertyDescription("The timeline that it was on last.") @Nullable Long timeline,
      @JsonPropertyDescription("The WAL position that it reported last.")
          @Nullable Long location) {}

  /** One agent of an instance. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record AgentState(
      @JsonPropertyDescription("proxy, …") String name,
      @JsonPropertyDescription(
              "What the agent says: starting, ready, draining, drained, stopped. What the operator"
                  + " says of it: unknown (it has not answered yet), unreachable (it does not answer"
                  + " the operator; clients may well be served), not running.")
          String state,
      @Nullable String version,
      @JsonPropertyDescription(
              "Whether the configuration that the operator made last is the one in force.")
          @Nullable Boolean configInForce,
      @JsonPropertyDescription(
              "A configuration that it refuses, and what else has been wrong for more than 30 s.")
          @Nullable List<String> problems) {}

  /** The certificate that the proxies have. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record CertificateStatus(
      @JsonPropertyDescription(
              "operator (of the cluster's own authority), or the Secret that it was copied from.")
          String source,
      @JsonPropertyDescription("Until when it is valid, RFC 3339.") String notAfter,
      @JsonPropertyDescription("The DNS names and addresses that it is for.")
          @Nullable List<String> names) {}

  /** Versions in force. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Versions(
      @Nullable String outrider, @Nullable String postgres, @Nullable String patroni) {}

  /** Defaults as they were resolved. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Resolved(
      @Nullable Integer instances,
      @Nullable String postgresImage,
      @Nullable String agentsImage,
      @Nullable ReplicationSpec replication,
      @Nullable TlsSpec tls,
      @Nullable Map<String, String> parameters) {}
}
