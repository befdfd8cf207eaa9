package dev.outrider.metrics.proxy.wire;

/**
 * A count for each constant of an enum. For one thread.
 *
 * @param <E> the enum
 */
// No number leaves the process, so the order of the constants matters to nobody.
@SuppressWarnings("EnumOrdinal")
final class Counts<E extends Enum<E>> {
  private final E[] constants;
  private final long[] counts;

  Counts(Class<E> type) {
    constants = type.getEnumConstants();
    counts = new long[constants.length];
  }

  void add(E constant, long count) {
    counts[constant.ordinal()] += count;
  }

  /** Takes in what another has counted. */
  void add(Counts<E> other) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
  }

  /** Takes a number if it is more than what is there. */
  void atLeast(E constant, long number) {
    counts[constant.ordinal()] = Math.max(counts[constant.ordinal()], number);
  }

  long of(E constant) {
    return counts[constant.ordinal()];
  }

  /** Takes a constant and its count. */
  interface Reader<E> {
    /** Called for each constant that has a count. */
    void take(E constant, long count);
  }

  void forEach(Reader<E> reader) {
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        reader.take(constants[i], counts[i]);
      }
    }
  }
}
