package dev.outrider.e2e.faults;

import dev.outrider.e2e.bench.LocalProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** Signals to processes of containers, which all run on this machine; needs no API server. */
final class Processes {
  /** PostgreSQL's processes are called so by the kernel, whatever their command line says. */
  private static final String POSTGRES = "postgres";

  private Processes() {}

  /** All that a container has; none if it has ended. */
  static List<LocalProcess> of(String container) {
    IOException problem = null;
    // A process that ends while it is looked at may be there and not there.
    for (int i = 0; i < 5; i++) {
      try {
        return LocalProcess.of(container);
      } catch (IOException e) {
        problem = e;
      }
    }
    throw new UncheckedIOException("cannot look at the processes of " + container, problem);
  }

  /** PostgreSQL's first process in the container {@code postgres}. */
  static Predicate<LocalProcess> postmaster(List<LocalProcess> all) {
    Set<Long> postgres = new HashSet<>();
    all.stream().filter(p -> p.name().equals(POSTGRES)).forEach(p -> postgres.add(p.pid()));
    return p -> p.name().equals(POSTGRES) && !postgres.contains(p.parent());
  }

  /** Patroni's processes in the container {@code postgres}; not the container's first process. */
  static boolean isPatroni(LocalProcess process) {
    return !process.name().equals(POSTGRES)
        && process.command().contains("/patroni")
        && !process.command().contains("outrider-postgres");
  }

  /**
   * Sends a signal.
   *
   * @param name as kill(1) takes it: KILL, STOP, CONT
   */
  static void signal(String name, List<LocalProcess> processes) {
    if (processes.isEmpty()) {
      return;
    }
    List<String> command = new ArrayList<>(List.of("bash", "-c", "kill -$0 \"$@\""));
    command.add(name);
    processes.forEach(p -> command.add(Long.toString(p.pid())));
    try {
      Surroundings.run(command.toArray(String[]::new));
    } catch (IllegalStateException e) {
      // Ended in between.
      if (!String.valueOf(e.getMessage()).contains("No such process")) {
        throw e;
      }
    }
  }

  /** Stops what is there, and what was started meanwhile, until there is nothing new. */
  static void freeze(String container, Predicate<LocalProcess> which) {
    Set<Long> stopped = new HashSet<>();
    while (true) {
      List<LocalProcess> running =
          of(container).stream().filter(which).filter(p -> !stopped.contains(p.pid())).toList();
      if (running.isEmpty()) {
        break;
      }
      signal("STOP", running);
      running.forEach(p -> stopped.add(p.pid()));
    }
    if (stopped.isEmpty()) {
      throw new IllegalStateException("no such process in " + container);
    }
  }

  static void thaw(String container) {
    signal("CONT", of(container));
  }
}
