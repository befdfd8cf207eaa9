package dev.outrider.metrics.proxy.wire;

import java.util.Arrays;

/**
 * Counts by a small number of keys that are not known before; what comes when there is no more room
 * is counted together. For one thread.
 */
final class Tally {
  /** The key of what there was no room for. */
  static final int REST = -1;

  private static final int[] NO_KEYS = {};
  private static final long[] NO_COUNTS = {};

  private final int most;
  private int[] keys = NO_KEYS;
  private long[] counts = NO_COUNTS;
  private int size;
  private long rest;

  /** With room for so many keys. */
  Tally(int most) {
    this.most = most;
  }

  void add(int key) {
    add(key, 1);
  }

  private void add(int key, long count) {
    for (int i = 0; i < size; i++) {
      if (keys[i] == key) {
        counts[i] += count;
        return;
      }
    }
    if (key == REST || size == most) {
      rest += count;
      return;
    }
    if (size == keys.length) {
      int room = Math.max(2, size * 2);
      keys = Arrays.copyOf(keys, room);
      counts = Arrays.copyOf(counts, room);
    }
    keys[size] = key;
    counts[size++] = count;
  }

  /** Takes in what another has counted. */
  void add(Tally other) {
    other.forEach(this::add);
  }

  /** Forgets all. */
  void clear() {
    keys = NO_KEYS;
    counts = NO_COUNTS;
    size = 0;
    rest = 0;
  }

  /** Takes a key and its count. */
  interface Reader {
    /** Called for each key, {@link #REST} included, that has a count. */
    void take(int key, long count);
  }

  void forEach(Reader reader) {
    for (int i = 0; i < size; i++) {
      reader.take(keys[i], counts[i]);
    }
    if (rest > 0) {
      reader.take(REST, rest);
    }
  }
}
