package dev.outrider.e2e.bench.proxy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Processor time that was used so far, user's and system's, in nanoseconds. */
@FunctionalInterface
interface ProcessorTime {
  long NANOS_PER_TICK = 10_000_000;

  long nanos();

  /** Of one process with all its threads; proc(5), fields 14 and 15 of stat, to 10 ms. */
  static ProcessorTime ofProcess(long pid) {
    return () -> {
      String stat = read(Path.of("/proc", String.valueOf(pid), "stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return (Long.parseLong(fields[14 - 3]) + Long.parseLong(fields[15 - 3])) * NANOS_PER_TICK;
    };
  }

  /**
   * Of a container, with the processes that have ended: from its control group, of version 1 or 2.
   */
  static ProcessorTime ofContainer(String name) {
    String pid = Command.run("docker", "inspect", "--format", "{{.State.Pid}}", name);
    for (String line : read(Path.of("/proc", pid, "cgroup")).lines().toList()) {
      String[] parts = line.split(":", 3);
      if (parts[1].contains("cpuacct")) {
        Path file = Path.of("/sys/fs/cgroup/cpuacct", parts[2], "cpuacct.usage");
        return () -> Long.parseLong(read(file).strip());
      }
      Path file = Path.of("/sys/fs/cgroup", parts[2], "cpu.stat");
      if (parts[1].isEmpty() && Files.exists(file)) {
        return () ->
            read(file)
                .lines()
                .filter(one -> one.startsWith("usage_usec "))
                .mapToLong(one -> Long.parseLong(one.substring("usage_usec ".length())) * 1000)
                .findFirst()
                .orElseThrow();
      }
    }
    throw new IllegalStateException("no processor time of the container " + name);
  }

  /** Of several. */
  static ProcessorTime sum(ProcessorTime one, ProcessorTime other) {
    return () -> one.nanos() + other.nanos();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
