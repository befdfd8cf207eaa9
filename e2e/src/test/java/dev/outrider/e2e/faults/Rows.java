package dev.outrider.e2e.faults;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** The rows that a table has: numbers by writer. */
final class Rows {
  private final Map<String, BitSet> numbers = new HashMap<>();

  void add(String writer, long number) {
    numbers.computeIfAbsent(writer, any -> new BitSet()).set(Math.toIntExact(number));
  }

  boolean contains(String writer, long number) {
    BitSet of = numbers.get(writer);
    return of != null && of.get(Math.toIntExact(number));
  }

  int count() {
    return numbers.values().stream().mapToInt(BitSet::cardinality).sum();
  }
}
