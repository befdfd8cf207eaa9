package dev.outrider.operator.reconcile;

import dev.outrider.operator.model.Instance;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which pods of a cluster have got a newer image of the agents and have not restarted them yet.
 *
 * <p>A pod's status still shows the old agents as ready for a while; so the containers are noted
 * when their image changes, and the pod is up again when others are ready in their place. What is
 * noted goes with that, or with the pod. Of one thread at a time.
 */
final class Replacements {
  /** By uid of the pod: the agents' containers that are to go. */
  private final Map<String, List<String>> going = new HashMap<>();

  /** Notes that an instance gets a newer image now. */
  void begin(Instance instance, Set<String> agents) {
    going.put(uid(instance), containers(instance, agents));
  }

  /** Forgets what has come to its end. */
  void look(List<Instance> instances, Set<String> agents) {
    going.keySet().retainAll(instances.stream().map(Replacements::uid).collect(Collectors.toSet()));
    instances.stream()
        .filter(instance -> isUp(instance, agents))
        .forEach(instance -> going.remove(uid(instance)));
  }

  /** How many pods are under way. */
  int size() {
    return going.size();
  }

  /** Whether the agents of a pod are ready, and are no longer those that were to be replaced. */
  boolean isUp(Instance instance, Set<String> agents) {
    var status = instance.pod().getStatus();
    return status != null
        && !containers(instance, agents).equals(going.get(uid(instance)))
        && status.getInitContainerStatuses().stream()
            .filter(s -> agents.contains(s.getName()))
            .allMatch(s -> Boolean.TRUE.equals(s.getReady()));
  }

  /** Whether a pod has the images that it should have, by name of the container. */
  static boolean hasImages(Instance instance, Map<String, String> images) {
    return instance.pod().getSpec().getInitContainers().stream()
        .allMatch(c -> c.getImage().equals(images.getOrDefault(c.getName(), c.getImage())));
  }

  private static List<String> containers(Instance instance, Set<String> agents) {
    var status = instance.pod().getStatus();
    return status == null
        ? List.of()
        : status.getInitContainerStatuses().stream()
            .filter(s -> agents.contains(s.getName()))
            .map(ContainerStatus::getContainerID)
            .map(String::valueOf)
            .toList();
  }

  private static String uid(Instance instance) {
    return String.valueOf(instance.pod().getMetadata().getUid());
  }
}
