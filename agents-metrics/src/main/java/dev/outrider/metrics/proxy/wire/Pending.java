package dev.outrider.metrics.proxy.wire;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The messages of a client that Postgres has not answered yet, in their order. Grows by need from
 * nothing and gives back what it does not need; each message costs some bytes and makes nothing.
 * For one thread.
 */
final class Pending {
  static final byte PARSE = 1;
  static final byte BIND = 2;
  static final byte DESCRIBE = 3;
  static final byte EXECUTE = 4;
  static final byte CLOSE = 5;
  static final byte SYNC = 6;
  static final byte QUERY = 7;
  static final byte FUNCTION = 8;

  /** An Execute that is the first of its portal. */
  static final byte FIRST_EXECUTE = 9;

  /** The end of the data of a COPY, which came before Postgres asked for them. Never the oldest. */
  static final byte COPY_END = 10;

  /** The most messages that are followed. */
  static final int MOST = 16_384;

  /** How many fit before memory is borrowed for more. */
  static final int SMALL = 16;

  /** What one message takes, in bytes. */
  private static final int WIDTH = 17;

  private final LoopFigures loop;
  private byte[] kinds = {};
  private int[] bytes = {};
  private long[] times = {};
  private @Nullable Object[] about = {};
  private int first;
  private int size;

  Pending(LoopFigures loop) {
    this.loop = loop;
  }

  int size() {
    return size;
  }

  /**
   * Adds a message.
   *
   * @param about what its answer is about
   * @param time when what it asks for began, or another number that belongs to it
   * @param bytes how long it was, and what led up to it
   * @return whether there was room
   */
  boolean add(byte kind, @Nullable Object about, long time, int bytes) {
    if (size == kinds.length && !grow()) {
      return false;
    }
    int at = place(size++);
    kinds[at] = kind;
    times[at] = time;
    this.bytes[at] = bytes;
    this.about[at] = about;
    return true;
  }

  private boolean grow() {
    int room = Math.max(SMALL, kinds.length * 2);
    if (room > MOST || (room > SMALL && !loop.borrow(kinds.length * WIDTH))) {
      return false;
    }
    byte[] newKinds = new byte[room];
    int[] newBytes = new int[room];
    long[] newTimes = new long[room];
    @Nullable Object[] newAbout = new @Nullable Object[room];
    for (int i = 0; i < size; i++) {
      int at = place(i);
      newKinds[i] = kinds[at];
      newBytes[i] = bytes[at];
      newTimes[i] = times[at];
      newAbout[i] = about[at];
    }
    kinds = newKinds;
    bytes = newBytes;
    times = newTimes;
    about = newAbout;
    first = 0;
    return true;
  }

  /** The kind of a message, by its place from the oldest on; 0 if there are fewer. */
  byte kind(int index) {
    return index < size ? kinds[place(index)] : 0;
  }

  /** What the answer to a message is about. */
  @Nullable Object about(int index) {
    return about[place(index)];
  }

  /** The answer is about something else than it seemed. */
  void about(int index, @Nullable Object about) {
    this.about[place(index)] = about;
  }

  /** When what a message asks for began, or another number that belongs to it. */
  long time(int index) {
    return times[place(index)];
  }

  /** How long a message was, and what led up to it. */
  int bytes(int index) {
    return bytes[place(index)];
  }

  /** The oldest is answered. */
  void remove() {
    do {
      about[first] = null;
      first = place(1);
      size--;
    } while (size > 0 && kinds[first] == COPY_END);
    if (size == 0) {
      shrink();
    }
  }

  /** Whether the end of a COPY's data waits. */
  boolean hasCopyEnd() {
    for (int i = 1; i < size; i++) {
      if (kinds[place(i)] == COPY_END) {
        return true;
      }
    }
    return false;
  }

  /**
   * Removes the Syncs behind the oldest message that stand before the end of a COPY's data, and
   * that; all Syncs if the end has not come. Returns how many Syncs there were.
   */
  int removeSyncs() {
    int left = Math.min(size, 1);
    int removed = 0;
    boolean over = false;
    for (int i = 1; i < size; i++) {
      int at = place(i);
      if (!over && kinds[at] == SYNC) {
        removed++;
      } else if (!over && kinds[at] == COPY_END) {
        over = true;
      } else {
        int to = place(left++);
        kinds[to] = kinds[at];
        bytes[to] = bytes[at];
        times[to] = times[at];
        about[to] = about[at];
      }
    }
    for (int i = left; i < size; i++) {
      about[place(i)] = null;
    }
    size = left;
    return removed;
  }

  /** Forgets all. */
  void clear() {
    Arrays.fill(about, null);
    first = 0;
    size = 0;
    shrink();
  }

  private void shrink() {
    if (kinds.length > SMALL) {
      loop.giveBack((kinds.length - SMALL) * WIDTH);
      kinds = new byte[SMALL];
      bytes = new int[SMALL];
      times = new long[SMALL];
      about = new @Nullable Object[SMALL];
      first = 0;
    }
  }

  private int place(int index) {
    // The length is a power of two.
    return first + index & kinds.length - 1;
  }
}
