package dev.outrider.operator.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What Patroni says of its instance in the annotation {@code status} of the pod.
 *
 * @param state running, starting, creating replica, …
 * @param role primary or replica
 * @param timeline or null while unknown
 * @param location WAL position, bytes: written on a primary, received or replayed on a replica
 * @param replayed WAL position that a replica has replayed, bytes
 * @param replication streaming, in archive recovery, or null
 * @param patroni Patroni's version
 * @param pendingRestart parameters that a restart would change, each as {@code from -> to}
 * @param stuck why the instance does not follow the primary, or null while it does
 */
public record PatroniMember(
    @Nullable String state,
    @Nullable String role,
    @Nullable Long timeline,
    @Nullable Long location,
    @Nullable Long replayed,
    @Nullable String replication,
    @Nullable String patroni,
    Map<String, String> pendingRestart,
    @Nullable Stuck stuck) {

  /**
   * What the launcher of Patroni found.
   *
   * @param since when the trouble began; null where it is no RFC 3339 time
   */
  public record Stuck(@Nullable Instant since, String reason) {}

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final PatroniMember SILENT =
      new PatroniMember(null, null, null, null, null, null, null, Map.of(), null);

  /** Reads the annotation; a member that has not spoken yet has nothing but nulls. */
  public static PatroniMember of(Pod pod) {
    String status =
        Optional.ofNullable(pod.getMetadata().getAnnotations())
            .map(annotations -> annotations.get("status"))
            .orElse(null);
    if (status == null) {
      return SILENT;
    }
    try {
      return of(JSON.readTree(status));
    } catch (JsonProcessingException e) {
      return SILENT;
    }
  }

  private static PatroniMember of(JsonNode node) {
    Map<String, String> pending = new TreeMap<>();
    node.path("pending_restart_reason")
        .properties()
        .forEach(
            reason ->
                pending.put(
                    reason.getKey(),
                    reason.getValue().path("old_value").asText()
                        + " -> "
                        + reason.getValue().path("new_value").asText()));
    return new PatroniMember(
        text(node, "state"),
        text(node, "role"),
        number(node, "timeline"),
        number(node, "xlog_location"),
        number(node, "replay_lsn"),
        text(node, "replication_state"),
        text(node, "version"),
        pending,
        stuck(node.path("outrider").path("stuck")));
  }

  private static @Nullable Stuck stuck(JsonNode node) {
    if (!node.isObject()) {
      return null;
    }
    String reason = text(node, "reason");
    return new Stuck(
        Problem.time(text(node, "since")),
        reason == null || reason.isBlank() ? "it does not follow the primary" : reason);
  }

  /** Bytes of WAL that this primary has and a replica has not replayed; null while unknown. */
  @Nullable Long ahead(PatroniMember replica) {
    Long there = replica.replayed() != null ? replica.replayed() : replica.location();
    return location == null || there == null ? null : Math.max(0, location - there);
  }

  private static @Nullable String text(JsonNode node, String field) {
    return node.hasNonNull(field) ? node.get(field).asText() : null;
  }

  private static @Nullable Long number(JsonNode node, String field) {
    return node.hasNonNull(field) && node.get(field).canConvertToLong()
        ? node.get(field).asLong()
        : null;
  }
}
