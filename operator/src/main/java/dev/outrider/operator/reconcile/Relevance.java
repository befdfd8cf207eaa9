package dev.outrider.operator.reconcile;

import dev.outrider.operator.model.Instance;
import dev.outrider.operator.model.LastLeader;
import dev.outrider.operator.model.PatroniMember;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which changes matter. Patroni renews its lock every two seconds and writes WAL positions into its
 * pods; none of that is a reason to look at everything again.
 */
final class Relevance {
  /** What Patroni renews at every turn. */
  private static final List<String> HEARTBEAT =
      List.of(
          "renewTime",
          "optime",
          "slots",
          "retain_slots",
          "failsafe",
          "acquireTime",
          "transitions",
          "ttl",
          LastLeader.RENEWED);

  private Relevance() {}

  static boolean ofEndpoints(Endpoints now, Endpoints before) {
    return !Objects.equals(quiet(now), quiet(before)) || !sameMetadata(now, before);
  }

  static boolean ofPod(Pod now, Pod before) {
    Instance a = Instance.of(now);
    Instance b = Instance.of(before);
    return a.ready() != b.ready()
        || a.terminating() != b.terminating()
        || !sameMetadata(now, before)
        || !Objects.equals(without(now, List.of("status")), without(before, List.of("status")))
        || !Objects.equals(coarse(a.member()), coarse(b.member()))
        || !Objects.equals(now.getSpec(), before.getSpec())
        || !Objects.equals(states(now), states(before));
  }

  private static boolean sameMetadata(HasMetadata a, HasMetadata b) {
    return Objects.equals(a.getMetadata().getLabels(), b.getMetadata().getLabels())
        && Objects.equals(
            a.getMetadata().getOwnerReferences(), b.getMetadata().getOwnerReferences());
  }

  private static Map<String, String> quiet(Endpoints endpoints) {
    return without(endpoints, HEARTBEAT);
  }

  private static Map<String, String> without(HasMetadata object, List<String> names) {
    Map<String, String> annotations =
        new TreeMap<>(Objects.requireNonNullElse(object.getMetadata().getAnnotations(), Map.of()));
    annotations.keySet().removeAll(names);
    return annotations;
  }

  /** The member with its position in steps of 16 MiB, a WAL segment. */
  private static PatroniMember coarse(PatroniMember member) {
    Long location = member.location();
    Long replayed = member.replayed();
    return new PatroniMember(
        member.state(),
        member.role(),
        member.timeline(),
        location == null ? null : location >> 24,
        replayed == null ? null : replayed >> 24,
        member.replication(),
        member.patroni(),
        member.pendingRestart(),
        member.stuck());
  }

  private static @Nullable Object states(Pod pod) {
    return pod.getStatus() == null
        ? null
        : List.of(
            Objects.requireNonNullElse(pod.getStatus().getPhase(), ""),
            // Why it is on no node; the other conditions follow from the containers.
            pod.getStatus().getConditions().stream()
                .filter(c -> c.getType().equals("PodScheduled"))
                .map(c -> c.getStatus() + " " + c.getReason() + " " + c.getMessage())
                .toList(),
            pod.getStatus().getContainerStatuses(),
            pod.getStatus().getInitContainerStatuses());
  }
}
