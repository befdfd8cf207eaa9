package dev.outrider.metrics.proxy.fence;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/** The record of an instance as the process that runs Patroni writes it: by rename. */
public record InstanceFile(Path path) {
  /** Writes the record of a primary. */
  public void primary(double written, double leaseUntil) throws IOException {
    write(
        String.format(
            Locale.ROOT,
            "{\"role\": \"primary\", \"leaseUntil\": %.3f, \"ttl\": 20, \"written\": %.3f}",
            leaseUntil,
            written));
  }

  /** Writes the record of another role. */
  public void role(String role, double written) throws IOException {
    write(
        String.format(
            Locale.ROOT,
            "{\"role\": \"%s\", \"written\": %.3f, \"reason\": \"a test\"}",
            role,
            written));
  }

  /** Writes anything. */
  public void write(String text) throws IOException {
    Path next = path.resolveSibling(path.getFileName() + ".new");
    Files.write(next, text.getBytes(UTF_8));
    Files.move(next, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** What the clock of leases shows now. */
  public static double now() throws IOException {
    return BootClock.system().seconds();
  }
}
