package dev.outrider.e2e.bench;

import java.util.List;
import java.util.Locale;

/**
 * What came of measuring one thing several times.
 *
 * @param values at least one
 */
public record Figures(List<Double> values) {
  /** In any order. */
  public Figures {
    values = values.stream().sorted().toList();
    if (values.isEmpty()) {
      throw new IllegalArgumentException("nothing was measured");
    }
  }

  /** The middle one, or the mean of the two in the middle. */
  public double median() {
    int middle = values.size() / 2;
    return values.size() % 2 == 1
        ? values.get(middle)
        : (values.get(middle - 1) + values.get(middle)) / 2;
  }

  /**
   * The least value that 95 of 100 do not exceed (nearest rank); with fewer than 20, the greatest.
   */
  public double p95() {
    return values.get((int) Math.ceil(values.size() * 0.95) - 1);
  }

  /** The greatest. */
  public double worst() {
    return values.getLast();
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
