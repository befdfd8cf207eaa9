package dev.outrider.metrics.proxy.wire;

import dev.outrider.agents.config.JsonText;
import dev.outrider.agents.lifecycle.Page;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Shows fingerprints with their figures and texts, those that took the most time first. */
final class QueriesPage {
  private record Line(LabelSet labels, @Nullable Fingerprint fingerprint, Figures figures) {
    String id() {
      return fingerprint == null ? LabelSets.OTHER : Exposition.hex(fingerprint.hash);
    }

    Map<String, Long> errors() {
      Map<String, Long> errors = new LinkedHashMap<>();
      figures.errors().forEach((code, count) -> errors.put(ErrorHead.sqlState(code), count));
      return errors;
    }
  }

  private QueriesPage() {}

  static Page of(Totals totals, boolean texts, boolean json) {
    List<Line> lines = new ArrayList<>();
    for (Figures figures : totals.fingerprints()) {
      Fingerprint fingerprint = figures.fingerprint;
      if (fingerprint != null && figures.isUsed()) {
        lines.add(new Line(fingerprint.labels, fingerprint, figures));
      }
    }
    for (SessionFigures session : totals.sessions()) {
      if (session.rest.isUsed()) {
        lines.add(new Line(session.labels, null, session.rest));
      }
    }
    lines.sort(Comparator.comparingLong((Line line) -> line.figures.nanos()).reversed());
    return json ? json(lines, texts) : plain(lines, texts);
  }

  private static Page json(List<Line> lines, boolean texts) {
    List<Map<String, @Nullable Object>> queries = new ArrayList<>();
    for (Line line : lines) {
      Figures figures = line.figures;
      Map<String, @Nullable Object> query = new LinkedHashMap<>();
      query.put("fingerprint", line.id());
      query.put("database", line.labels.database());
      query.put("user", line.labels.user());
      query.put("application", line.labels.application());
      query.put("seconds", figures.nanos() / 1e9);
      query.put("calls", figures.calls());
      query.put("errors", line.errors());
      query.put("rows", figures.rows());
      query.put("bytesFromClient", figures.bytesFromClient());
      query.put("bytesFromUpstream", figures.bytesFromUpstream());
      query.put("text", figures.shownText(texts));
      queries.add(query);
    }
    StringBuilder out = new StringBuilder();
    JsonText.value(out, Map.of("queries", queries));
    return new Page("application/json", out.append('\n').toString());
  }

  private static Page plain(List<Line> lines, boolean texts) {
    StringBuilder out = new StringBuilder();
    row(out, "seconds", "calls", "mean ms", "rows", "errors", "fingerprint", "who: text");
    for (Line line : lines) {
      Figures figures = line.figures;
      long errors = line.errors().values().stream().mapToLong(Long::longValue).sum();
      String text = figures.shownText(texts);
      row(
          out,
          String.format(Locale.ROOT, "%.3f", figures.nanos() / 1e9),
          figures.calls(),
          String.format(Locale.ROOT, "%.3f", figures.nanos() / 1e6 / figures.latencies().count()),
          figures.rows(),
          errors,
          line.id(),
          who(line.labels) + (text == null ? "" : ": " + text));
    }
    return new Page("text/plain; charset=utf-8", out.toString());
  }

  /** Names are a client's to choose, so they stay on their line. */
  private static String who(LabelSet labels) {
    return (labels.user() + '@' + labels.database() + '/' + labels.application())
        .replaceAll("\\p{Cntrl}", "?");
  }

  private static void row(StringBuilder out, Object... columns) {
    out.append(String.format(Locale.ROOT, "%12s %10s %10s %12s %8s  %-16s %s%n", columns));
  }
}
