package dev.outrider.protocol;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Appends one message: its type, its length, and its fields in the types of <a
 * href="https://www.postgresql.org/docs/18/protocol-message-types.html">Message Data Types</a>.
 */
public final class BodyWriter {
  private final ByteBuf out;
  private final int start;

  private BodyWriter(ByteBuf out) {
    this.out = out;
    this.start = out.writerIndex();
    out.writeInt(0);
  }

  /** Begins a message that has a type. */
  public static BodyWriter begin(ByteBuf out, byte type) {
    out.writeByte(type);
    return new BodyWriter(out);
  }

  /** Begins an opening request, which has none. */
  public static BodyWriter beginUntyped(ByteBuf out) {
    return new BodyWriter(out);
  }

  /** Appends Int8, or Byte1. */
  public BodyWriter int8(int value) {
    out.writeByte(value);
    return this;
  }

  /** Appends Int16, or a count up to 65535. */
  public BodyWriter int16(int value) {
    out.writeShort(value);
    return this;
  }

  /** Appends Int32. */
  public BodyWriter int32(int value) {
    out.writeInt(value);
    return this;
  }

  /**
   * Appends a String in UTF-8, and its terminator.
   *
   * @throws IllegalArgumentException if it holds a NUL: the rest of it would be read as the next
   *     field
   */
  public BodyWriter string(String value) {
    if (value.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("string: with a NUL (expected: text)");
    }
    out.writeCharSequence(value, StandardCharsets.UTF_8);
    out.writeByte(0);
    return this;
  }

  /**
   * Appends a String of these bytes, and its terminator.
   *
   * @throws IllegalArgumentException if they hold a NUL
   */
  public BodyWriter text(ByteBuf value) {
    if (value.bytesBefore((byte) 0) >= 0) {
      throw new IllegalArgumentException("text: with a NUL (expected: text)");
    }
    bytes(value);
    out.writeByte(0);
    return this;
  }

  /** Appends the readable bytes; the value's indices stay. */
  public BodyWriter bytes(ByteBuf value) {
    out.writeBytes(value, value.readerIndex(), value.readableBytes());
    return this;
  }

  /** Appends Int32 and as many bytes; null is a length of -1. */
  public BodyWriter value(@Nullable ByteBuf value) {
    if (value == null) {
      return int32(-1);
    }
    return int32(value.readableBytes()).bytes(value);
  }

  /** Appends Int16 and as many Int16. */
  public BodyWriter int16s(List<Integer> values) {
    int16(values.size());
    values.forEach(this::int16);
    return this;
  }

  /** Appends Int16 and as many Int32. */
  public BodyWriter int32s(List<Integer> values) {
    int16(values.size());
    values.forEach(this::int32);
    return this;
  }

  /** Sets the message's length. */
  public void end() {
    out.setInt(start, out.writerIndex() - start);
  }
}
