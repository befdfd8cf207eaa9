package dev.outrider.e2e.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tables, as Markdown. What was not measured has no figure. */
final class Report {
  /** How a thing is called that the peer has not, or that is not measured of it. */
  private static final String NOTHING = "–";

  private record Row(Goal goal, String format, Map<Contender, Figures> figures) {}

  private final Contender ours;
  private final @Nullable Contender peer;
  private final List<String> conditions = new ArrayList<>();
  private final Map<String, Row> rows = new LinkedHashMap<>();
  private final List<String> images = new ArrayList<>();

  Report(Contender ours, @Nullable Contender peer) {
    this.ours = ours;
    this.peer = peer;
  }

  /** What the figures depend on. */
  void condition(String what, String value) {
    conditions.add("- " + what + ": " + value);
  }

  void figures(String what, Goal goal, String format, Contender whose, Figures figures) {
    rows.computeIfAbsent(what, any -> new Row(goal, format, new LinkedHashMap<>()))
        .figures()
        .put(whose, figures);
  }

  void image(String name, double compressedMb, double unpackedMb, Goal goal) {
    images.add(
        String.format(
            Locale.ROOT,
            "| %s | %s | %.1f | %.1f | %s |",
            name,
            goal.words(),
            compressedMb,
            unpackedMb,
            verdict(goal, compressedMb, null)));
  }

  String text() throws IOException {
    List<String> lines = new ArrayList<>();
    lines.add("- date: " + LocalDate.now(ZoneOffset.UTC));
    lines.add(
        "- machine: %d processors, %s of memory, Linux %s"
            .formatted(
                Runtime.getRuntime().availableProcessors(),
                memoryOfMachine(),
                System.getProperty("os.version")));
    lines.addAll(conditions);
    lines.add("");
    lines.add("| | goal | Outrider | CloudNativePG | ratio | |");
    lines.add("|---|---|---|---|---|---|");
    rows.forEach((what, row) -> lines.add(line(what, row)));
    if (!images.isEmpty()) {
      lines.add("");
      lines.add("| image | goal, MB | compressed, MB | unpacked, MB | |");
      lines.add("|---|---|---|---|---|");
      lines.addAll(images);
    }
    return String.join("\n", lines) + "\n";
  }

  private String line(String what, Row row) {
    Figures own = row.figures().get(ours);
    Figures others = peer == null ? null : row.figures().get(peer);
    Double ratio = own == null || others == null ? null : own.median() / others.median();
    return "| %s | %s | %s | %s | %s | %s |"
        .formatted(
            what,
            row.goal().words(),
            own == null ? NOTHING : own.words(row.format()),
            peer == null ? "not installed" : others == null ? NOTHING : others.words(row.format()),
            ratio == null ? NOTHING : String.format(Locale.ROOT, "%.2f", ratio),
            own == null ? "" : verdict(row.goal(), own.median(), ratio));
  }

  private static String verdict(Goal goal, double figure, @Nullable Double ratio) {
    return switch (goal) {
      case Goal.None() -> "";
      case Goal.AtMost(double limit) -> figure <= limit ? "reached" : "**missed**";
      case Goal.OfPeer(double part) ->
          ratio == null ? "not measured" : ratio <= part ? "reached" : "**missed**";
    };
  }

  private static String memoryOfMachine() throws IOException {
    long kib =
        Files.readAllLines(Path.of("/proc/meminfo")).stream()
            .filter(line -> line.startsWith("MemTotal:"))
            .map(line -> line.replaceAll("\\D", ""))
            .mapToLong(Long::parseLong)
            .findFirst()
            .orElseThrow();
    return String.format(Locale.ROOT, "%.0f GiB", kib / 1024.0 / 1024.0);
  }
}
