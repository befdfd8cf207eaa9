package dev.outrider.e2e.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The local Kubernetes under the cluster, broken and mended by its own commands. */
public final class Surroundings {
  private static final long PATIENCE_SECONDS = 300;

  /** The network of the second node, as a name for {@code nsenter --net=}. */
  static final String NODE2_NETWORK = "/run/netns/outrider-node2";

  private Surroundings() {}

  /** The project's top folder; tests run in the module's. */
  static Path top() {
    Path here = Path.of("").toAbsolutePath();
    return Files.exists(here.resolve("e2e/cluster/node")) ? here : here.resolveSibling("");
  }

  /**
   * Breaks or mends the second node.
   *
   * @param action stop, start, partition or heal
   */
  public static void node2(String action) {
    run(cluster("node"), action, "node2");
  }

  /**
   * @param action stop or start
   */
  static void apiServer(String action) {
    run(cluster("apiserver"), action);
  }

  /**
   * @param action stop or start
   */
  static void nameServer(String action) {
    run(cluster("nameserver"), action);
  }

  /** Brings back all that was stopped or cut off. */
  static synchronized void repair() {
    run(cluster("up"));
  }

  private static String cluster(String command) {
    return top().resolve("e2e/cluster").resolve(command).toString();
  }

  /** What the command printed. */
  static String run(String... command) {
    try {
      Path output = Files.createTempFile("outrider-faults", ".log");
      try {
        // Into a file: daemons that it starts keep a pipe open.
        Process process =
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new IllegalStateException(
              "%s: not done after %d s: %s"
                  .formatted(
                      String.join(" ", command), PATIENCE_SECONDS, Files.readString(output)));
        }
        String text = Files.readString(output).strip();
        if (process.exitValue() != 0) {
          throw new IllegalStateException(
              "%s: exit code %d: %s"
                  .formatted(String.join(" ", command), process.exitValue(), text));
        }
        return text;
      } finally {
        Files.delete(output);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
