package dev.outrider.metrics.proxy.wire;

import java.util.Arrays;

/**
 * A count for each constant of an enum. Takes memory up to the last constant that has a count, so
 * what is common should come first. For one thread.
 *
 * @param <E> the enum
 */
// No number leaves the process, so the order of the constants matters to nobody.
@SuppressWarnings("EnumOrdinal")
final class Counts<E extends Enum<E>> {
  private static final int STEP = 8;
  private static final long[] NONE = {};

  // There are thousands of these, and each asked for constants is a copy.
  private static final ClassValue<Enum<?>[]> CONSTANTS =
      new ClassValue<>() {
        @Override
        protected Enum<?>[] computeValue(Class<?> type) {
          return (Enum<?>[]) type.getEnumConstants();
        }
      };

  private final E[] constants;
  private long[] counts = NONE;

  @SuppressWarnings("unchecked")
  Counts(Class<E> type) {
    constants = (E[]) CONSTANTS.get(type);
  }

  void add(E constant, long count) {
    int at = constant.ordinal();
    if (at >= counts.length) {
      grow(at);
    }
    counts[at] += count;
  }

  private void grow(int at) {
    counts = Arrays.copyOf(counts, Math.min((at / STEP + 1) * STEP, constants.length));
  }

  /** Takes in what another has counted. */
  void add(Counts<E> other) {
    int length = other.counts.length;
    if (length > counts.length) {
      grow(length - 1);
    }
    for (int i = 0; i < length; i++) {
      counts[i] += other.counts[i];
    }
  }

  /** Takes a number if it is more than what is there. */
  void atLeast(E constant, long number) {
    add(constant, Math.max(0, number - of(constant)));
  }

  long of(E constant) {
    return constant.ordinal() < counts.length ? counts[constant.ordinal()] : 0;
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
