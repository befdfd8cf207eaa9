package dev.outrider.e2e.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A process of a container, as the kernel of this machine shows it: both nodes of the local cluster
 * run here.
 *
 * @param name the kernel's name of it (proc(5), {@code /proc/pid/comm})
 * @param command the command line, its words divided by blanks
 * @param started to the hundredth of a second
 * @param privateBytes anonymous memory in RAM ({@code RssAnon})
 * @param residentBytes all of it that is in RAM ({@code VmRSS}), pages shared with others included
 */
public record LocalProcess(
    long pid,
    long parent,
    String name,
    String command,
    Instant started,
    long privateBytes,
    long residentBytes) {
  private static final Path PROC = Path.of("/proc");
  private static final long MILLIS_PER_TICK = 10;

  /**
   * All processes of a container.
   *
   * @param containerId as in the pod's status, {@code containerd://…}
   */
  public static List<LocalProcess> of(String containerId) throws IOException {
    String id = containerId.substring(containerId.lastIndexOf('/') + 1);
    List<Path> folders;
    try (Stream<Path> all = Files.list(PROC)) {
      folders =
          all.filter(folder -> folder.getFileName().toString().chars().allMatch(Character::isDigit))
              .toList();
    }
    List<LocalProcess> processes = new ArrayList<>();
    for (Path folder : folders) {
      try {
        if (Files.readString(folder.resolve("cgroup")).contains(id)) {
          processes.add(read(folder));
        }
      } catch (IOException e) {
        // Ended in between.
        if (Files.exists(folder)) {
          throw e;
        }
      }
    }
    return processes;
  }

  private static LocalProcess read(Path folder) throws IOException {
    Map<String, String> status =
        Files.readAllLines(folder.resolve("status")).stream()
            .map(line -> line.split(":\\s*", 2))
            .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
    // The name is in brackets and may have blanks in it; what follows is from field 3 on.
    String stat = Files.readString(folder.resolve("stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    double uptime = Double.parseDouble(Files.readString(PROC.resolve("uptime")).split(" ", 2)[0]);
    Instant boot = Instant.now().minus(Duration.ofMillis(Math.round(uptime * 1000)));
    return new LocalProcess(
        Long.parseLong(folder.getFileName().toString()),
        Long.parseLong(status.getOrDefault("PPid", "0")),
        status.getOrDefault("Name", ""),
        Files.readString(folder.resolve("cmdline")).replace('\0', ' ').strip(),
        boot.plusMillis(Long.parseLong(fields[22 - 3]) * MILLIS_PER_TICK),
        kib(status.getOrDefault("RssAnon", "0 kB")),
        kib(status.getOrDefault("VmRSS", "0 kB")));
  }

  private static long kib(String words) {
    return Long.parseLong(words.split(" ", 2)[0]) * 1024;
  }
}
