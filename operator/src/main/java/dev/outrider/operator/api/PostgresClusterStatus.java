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
          @Nullable List<String> pendingPod) {}

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
      @Nullable Map<String, String> parameters) {}
}
