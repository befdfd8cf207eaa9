package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.Objects;

/**
 * One pod of a cluster with what Patroni says of it.
 *
 * @param ordinal the number in its name
 */
public record Instance(int ordinal, Pod pod, PatroniMember member) {
  public static Instance of(Pod pod) {
    return new Instance(Names.ordinal(pod.getMetadata().getName()), pod, PatroniMember.of(pod));
  }

  public String name() {
    return pod.getMetadata().getName();
  }

  /** Whether clients are served by it: Kubernetes sends it some, and it is not stuck. */
  public boolean ready() {
    return !terminating()
        && member.stuck() == null
        && pod.getStatus() != null
        && pod.getStatus().getConditions().stream()
            .anyMatch(c -> c.getType().equals("Ready") && Objects.equals(c.getStatus(), "True"));
  }

  /** Whether it is being deleted. */
  public boolean terminating() {
    return pod.getMetadata().getDeletionTimestamp() != null;
  }
}
