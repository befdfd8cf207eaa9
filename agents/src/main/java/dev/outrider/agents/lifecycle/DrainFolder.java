package dev.outrider.agents.lifecycle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The folder by which a preStop hook, which has no Java, asks an agent to drain and learns that it
 * has: {@code AGENT.drain} and {@code AGENT.drained}.
 */
final class DrainFolder {
  private final Path drain;
  private final Path drained;

  DrainFolder(Path folder, String agent) {
    this.drain = folder.resolve(agent + ".drain");
    this.drained = folder.resolve(agent + ".drained");
  }

  /**
   * Makes the folder, and forgets what was asked of an earlier process: the folder outlives a
   * restart of the container, and the kubelet runs the preStop hook also before it restarts a
   * container for its liveness or its image.
   */
  void clear() throws IOException {
    Files.createDirectories(drain.toAbsolutePath().getParent());
    Files.deleteIfExists(drain);
    Files.deleteIfExists(drained);
  }

  boolean isDrainAsked() {
    return Files.exists(drain);
  }

  void tellDrained() throws IOException {
    if (!Files.exists(drained)) {
      Files.createFile(drained);
    }
  }

  @Override
  public String toString() {
    return drain.toString();
  }
}
