package dev.outrider.e2e.faults;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * An instance as it was when it was looked at.
 *
 * @param name of its pod
 * @param uid of its pod
 * @param address of its pod
 * @param node where it runs
 * @param containers ids of the running containers by name
 */
record Instance(
    String name, String uid, String address, String node, Map<String, String> containers) {

  static Instance of(Pod pod) {
    Map<String, String> containers = new TreeMap<>();
    Stream.of(pod.getStatus().getInitContainerStatuses(), pod.getStatus().getContainerStatuses())
        .filter(Objects::nonNull)
        .flatMap(List::stream)
        .filter(c -> c.getState() != null && c.getState().getRunning() != null)
        .forEach((ContainerStatus c) -> containers.put(c.getName(), c.getContainerID()));
    return new Instance(
        pod.getMetadata().getName(),
        pod.getMetadata().getUid(),
        String.valueOf(pod.getStatus().getPodIP()),
        String.valueOf(pod.getSpec().getNodeName()),
        containers);
  }

  String container(String container) {
    return Objects.requireNonNull(
        containers.get(container), () -> name + " has no running container " + container);
  }
}
