package dev.outrider.e2e.bench;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The memory of some processes together, one value for each pod, MiB.
 *
 * @param privately anonymous pages
 * @param resident all pages, those that several processes share counted for each
 */
record Memory(Figures privately, Figures resident) {
  /** PostgreSQL's processes are called so by the kernel, whatever their command line says. */
  private static final String POSTGRES = "postgres";

  /** All that is in them. */
  static Memory all(List<Pod> pods) throws IOException {
    return of(pods, container -> true, process -> true);
  }

  /** All that is in one container. */
  static Memory container(List<Pod> pods, String name) throws IOException {
    return of(pods, name::equals, process -> true);
  }

  /** The processes of one name. */
  static Memory named(List<Pod> pods, String name) throws IOException {
    return of(pods, container -> true, process -> process.name().equals(name));
  }

  /** All that is not PostgreSQL's. */
  static Memory beside(List<Pod> pods) throws IOException {
    return of(pods, container -> true, process -> !process.name().equals(POSTGRES));
  }

  /** PostgreSQL's first process. */
  static Memory postmaster(List<Pod> pods) throws IOException {
    List<LocalProcess> all = new ArrayList<>();
    for (Pod pod : pods) {
      all.addAll(processes(pod, container -> true));
    }
    Set<Long> postgres =
        all.stream()
            .filter(process -> process.name().equals(POSTGRES))
            .map(LocalProcess::pid)
            .collect(Collectors.toSet());
    return of(
        pods,
        container -> true,
        process -> process.name().equals(POSTGRES) && !postgres.contains(process.parent()));
  }

  private static Memory of(
      List<Pod> pods, Predicate<String> containers, Predicate<LocalProcess> which)
      throws IOException {
    List<Double> privately = new ArrayList<>();
    List<Double> resident = new ArrayList<>();
    for (Pod pod : pods) {
      List<LocalProcess> found = processes(pod, containers).stream().filter(which).toList();
      if (!found.isEmpty()) {
        privately.add(mib(found.stream().mapToLong(LocalProcess::privateBytes).sum()));
        resident.add(mib(found.stream().mapToLong(LocalProcess::residentBytes).sum()));
      }
    }
    return new Memory(new Figures(privately), new Figures(resident));
  }

  private static List<LocalProcess> processes(Pod pod, Predicate<String> containers)
      throws IOException {
    List<LocalProcess> found = new ArrayList<>();
    for (ContainerStatus container : Lab.containers(pod).toList()) {
      if (containers.test(container.getName()) && container.getState().getRunning() != null) {
        found.addAll(LocalProcess.of(container.getContainerID()));
      }
    }
    return found;
  }

  private static double mib(long bytes) {
    return bytes / 1024.0 / 1024.0;
  }
}
