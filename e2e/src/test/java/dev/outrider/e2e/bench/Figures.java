package dev.outrider.e2e.bench;

import java.util.List;
import java.util.Locale;

/**
 * What came of measuring one thing several times.
 *
 * @param values at least one
 */
record Figures(List<Double> values) {
  Figures {
    values = values.stream().sorted().toList();
    if (values.isEmpty()) {
      throw new IllegalArgumentException("nothing was measured");
    }
  }

  double median() {
    int middle = values.size() / 2;
    return values.size() % 2 == 1
        ? values.get(middle)
        : (values.get(middle - 1) + values.get(middle)) / 2;
  }

  /** Median, and the least and greatest in brackets. */
  String words(String format) {
    return values.size() == 1
        ? String.format(Locale.ROOT, format, median())
        : String.format(
            Locale.ROOT,
            format + " (" + format + "–" + format + ")",
            median(),
            values.getFirst(),
            values.getLast());
  }
}
