package dev.outrider.metrics.proxy.traces;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes a message of <a href="https://protobuf.dev/programming-guides/encoding/">Protocol
 * Buffers</a>. For one thread.
 */
final class Message {
  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int LENGTH = 2;
  private static final int FIXED_32 = 5;

  private byte[] bytes = new byte[4096];
  private int size;

  /** A whole number that is not negative. */
  void number(int field, long value) {
    tag(field, VARINT);
    varint(value);
  }

  void fixed64(int field, long value) {
    tag(field, FIXED_64);
    highestFirst(Long.reverseBytes(value));
  }

  void fixed32(int field, int value) {
    tag(field, FIXED_32);
    for (int shift = 0; shift < 32; shift += 8) {
      put(value >>> shift);
    }
  }

  void text(int field, String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    tag(field, LENGTH);
    varint(utf8.length);
    room(utf8.length);
    System.arraycopy(utf8, 0, bytes, size, utf8.length);
    size += utf8.length;
  }

  /** Bytes of numbers, the highest byte of each first. */
  void bytes(int field, long... values) {
    tag(field, LENGTH);
    varint((long) values.length * Long.BYTES);
    for (long value : values) {
      highestFirst(value);
    }
  }

  /** Begins a message within this; returns what {@link #end} needs. */
  int begin(int field) {
    tag(field, LENGTH);
    return size;
  }

  /** Ends the message that was begun last: its length goes before it. */
  void end(int begun) {
    int length = size - begun;
    int width = 1;
    for (int rest = length >>> 7; rest != 0; rest >>>= 7) {
      width++;
    }
    room(width);
    System.arraycopy(bytes, begun, bytes, begun + width, length);
    size = begun;
    varint(length);
    size += length;
  }

  /** All that was written. */
  byte[] toBytes() {
    return Arrays.copyOf(bytes, size);
  }

  private void tag(int field, int type) {
    varint((long) field << 3 | type);
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      put((int) (rest & 0x7F) | 0x80);
      rest >>>= 7;
    }
    put((int) rest);
  }

  private void highestFirst(long value) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      put((int) (value >>> shift));
    }
  }

  private void put(int value) {
    room(1);
    bytes[size++] = (byte) value;
  }

  private void room(int more) {
    if (bytes.length - size < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
    }
  }
}
