package dev.outrider.metrics.proxy.wire;

import org.jspecify.annotations.Nullable;

/**
 * A map from hashes to values, in two arrays. For one thread.
 *
 * @param <V> what is kept
 */
final class NameTable<V> {
  private static final int LEAST = 8;

  // Never written to: most sessions give no names.
  private static final long[] NO_KEYS = new long[1];
  private static final @Nullable Object[] NO_VALUES = new @Nullable Object[1];

  private long[] keys = NO_KEYS;
  private @Nullable Object[] values = NO_VALUES;
  private int size;

  int size() {
    return size;
  }

  @SuppressWarnings("unchecked")
  @Nullable V get(long key) {
    return (V) values[find(key)];
  }

  /** Puts a value in the place of what was there; returns that. */
  @SuppressWarnings("unchecked")
  @Nullable V put(long key, V value) {
    if (keys.length < LEAST) {
      resize(LEAST);
    }
    int at = find(key);
    Object before = values[at];
    keys[at] = key;
    values[at] = value;
    if (before == null) {
      size++;
      if (size * 2 > keys.length) {
        resize(keys.length * 2);
      }
    }
    return (V) before;
  }

  /** Removes a value; returns it. */
  @SuppressWarnings("unchecked")
  @Nullable V remove(long key) {
    int hole = find(key);
    Object removed = values[hole];
    if (removed == null) {
      return null;
    }
    size--;
    int mask = keys.length - 1;
    // What stands behind a hole must still be found: move it up.
    for (int i = hole + 1 & mask; values[i] != null; i = i + 1 & mask) {
      int home = place(keys[i]);
      if ((i - home & mask) >= (i - hole & mask)) {
        keys[hole] = keys[i];
        values[hole] = values[i];
        hole = i;
      }
    }
    values[hole] = null;
    return (V) removed;
  }

  void clear() {
    if (size > 0) {
      keys = NO_KEYS;
      values = NO_VALUES;
      size = 0;
    }
  }

  /** Takes a value. */
  interface Reader<V> {
    /** Called for each. */
    void take(V value);
  }

  @SuppressWarnings("unchecked")
  void forEach(Reader<V> reader) {
    for (Object value : values) {
      if (value != null) {
        reader.take((V) value);
      }
    }
  }

  private void resize(int room) {
    long[] oldKeys = keys;
    @Nullable Object[] oldValues = values;
    keys = new long[room];
    values = new @Nullable Object[room];
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldValues[i] != null) {
        int at = find(oldKeys[i]);
        keys[at] = oldKeys[i];
        values[at] = oldValues[i];
      }
    }
  }

  private int find(long key) {
    int mask = keys.length - 1;
    int at = place(key);
    while (values[at] != null && keys[at] != key) {
      at = at + 1 & mask;
    }
    return at;
  }

  private int place(long key) {
    return (int) (key ^ key >>> 32) & keys.length - 1;
  }
}
