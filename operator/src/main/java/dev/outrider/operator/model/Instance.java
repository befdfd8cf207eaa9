package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One pod of a cluster with what Patroni says of it.
 *
 * @param ordinal the number in its name
 */
public record Instance(int ordinal, Pod pod, PatroniMember member) {
  /** What the name of the port ends in at which an agent serves its status. */
  static final String STATUS_PORT = "-status";

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

  /**
   * An agent of the pod.
   *
   * @param name of its container, which is the agent's own
   * @param port where it serves its status
   * @param container the id of its container now, empty before there is one
   * @param running whether that runs
   */
  public record Agent(String name, int port, String container, boolean running) {}

  /** The agents that the pod has, whatever template it was made from. */
  public List<Agent> agents() {
    return Optional.ofNullable(pod.getSpec()).map(PodSpec::getInitContainers).stream()
        .flatMap(List::stream)
        .flatMap(this::agent)
        .toList();
  }

  private Stream<Agent> agent(Container container) {
    Optional<ContainerStatus> status =
        Optional.ofNullable(pod.getStatus()).stream()
            .flatMap(s -> s.getInitContainerStatuses().stream())
            .filter(s -> s.getName().equals(container.getName()))
            .findFirst();
    return container.getPorts().stream()
        .filter(port -> port.getName() != null && port.getName().endsWith(STATUS_PORT))
        .map(ContainerPort::getContainerPort)
        .map(
            port ->
                new Agent(
                    container.getName(),
                    port,
                    status.map(ContainerStatus::getContainerID).orElse(""),
                    status
                        .map(s -> s.getState() != null && s.getState().getRunning() != null)
                        .orElse(false)));
  }
}
