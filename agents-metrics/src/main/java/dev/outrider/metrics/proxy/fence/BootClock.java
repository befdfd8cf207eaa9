package dev.outrider.metrics.proxy.fence;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The clock by which leases are written down. */
@FunctionalInterface
public interface BootClock {
  /**
   * The seconds since the machine was started, the time that it slept included ({@code
   * CLOCK_BOOTTIME}); never less than the truth, and at most 10 ms more.
   *
   * @throws IOException if it cannot be told
   */
  double seconds() throws IOException;

  /** The kernel's, as proc(5) shows it in {@code /proc/uptime}. */
  static BootClock system() {
    return () -> {
      String uptime =
          new String(Files.readAllBytes(Path.of("/proc/uptime")), StandardCharsets.ISO_8859_1);
      int end = uptime.indexOf(' ');
      try {
        // Two decimals, the rest cut off.
        return Double.parseDouble(uptime.substring(0, Math.max(end, 0))) + 0.01;
      } catch (NumberFormatException e) {
        throw new IOException("/proc/uptime holds \"" + uptime.strip() + '"', e);
      }
    };
  }
}
