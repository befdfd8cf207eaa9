package dev.outrider.e2e.bench;

import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;

/** When and where something was measured. */
public final class Conditions {
  private Conditions() {}

  /** The first lines of each table. */
  public static List<String> lines() {
    return List.of(
        "- date: " + LocalDate.now(ZoneOffset.UTC),
        "- machine: %d processors, Linux %s"
            .formatted(
                Runtime.getRuntime().availableProcessors(), System.getProperty("os.version")));
  }
}
