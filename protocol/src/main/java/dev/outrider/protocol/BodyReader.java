package dev.outrider.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the fields of one message's body, in the types of <a
 * href="https://www.postgresql.org/docs/18/protocol-message-types.html">Message Data Types</a>.
 *
 * <p>The buffer's indices stay as they are, so that a frame can be relayed after a look at it.
 * Slices share the buffer's memory and are not retained.
 */
public final class BodyReader {
  private final String message;
  private final ByteBuf body;
  private final int end;
  private int index;

  /**
   * Starts at the buffer's reader index; the body ends at its writer index.
   *
   * @param message the message's name, for errors
   */
  public BodyReader(String message, ByteBuf body) {
    this.message = message;
    this.body = body;
    this.index = body.readerIndex();
    this.end = body.writerIndex();
  }

  /** The bytes that are left. */
  public int remaining() {
    return end - index;
  }

  /** Int8, or Byte1, from 0 to 255. */
  public int int8(String field) {
    need(1, field);
    return body.getUnsignedByte(index++);
  }

  /** Int16, signed. */
  public int int16(String field) {
    need(2, field);
    int value = body.getShort(index);
    index += 2;
    return value;
  }

  /**
   * Int16 as a count, which Postgres reads without a sign: a message can have 65535 parameters.
   *
   * @param width the fewest bytes that each of what is counted takes
   * @throws MalformedMessageException if the body has not got room for so many
   */
  public int count(String field, int width) {
    int count = int16(field) & 0xffff;
    if ((long) count * width > remaining()) {
      throw malformed(
          field, "a count of " + count, "at most " + remaining() / width + " in what is left");
    }
    return count;
  }

  /** Int32. */
  public int int32(String field) {
    need(4, field);
    int value = body.getInt(index);
    index += 4;
    return value;
  }

  /**
   * String without its terminator, as text: UTF-8, or ISO-8859-1 if it is no UTF-8, so that two
   * different names of a client with another encoding are not taken for one.
   */
  public String string(String field) {
    ByteBuf text = text(field);
    return ByteBufUtil.isText(text, StandardCharsets.UTF_8)
        ? text.toString(StandardCharsets.UTF_8)
        : text.toString(StandardCharsets.ISO_8859_1);
  }

  /** String without its terminator, as a slice. */
  public ByteBuf text(String field) {
    int terminator = body.indexOf(index, end, (byte) 0);
    if (terminator < 0) {
      throw malformed(field, remaining() + " bytes without a terminator", "a string that ends");
    }
    ByteBuf text = body.slice(index, terminator - index);
    index = terminator + 1;
    return text;
  }

  /** Whether a terminator comes next; then it is skipped. */
  public boolean terminator(String field) {
    need(1, field);
    if (body.getByte(index) != 0) {
      return false;
    }
    index++;
    return true;
  }

  /** Byten as a slice. */
  public ByteBuf bytes(int length, String field) {
    if (length < 0 || length > remaining()) {
      throw malformed(field, "a length of " + length, "0 to " + remaining());
    }
    ByteBuf bytes = body.slice(index, length);
    index += length;
    return bytes;
  }

  /** Int32 and as many bytes, as a slice; null for a length of -1, which is SQL's NULL. */
  public @Nullable ByteBuf value(String field) {
    int length = int32(field);
    if (length < -1 || length > remaining()) {
      throw malformed(field, "a length of " + length, "-1 to " + remaining());
    }
    return length == -1 ? null : bytes(length, field);
  }

  /** So many values as {@link #value} reads them, as one slice. */
  public ByteBuf values(int count, String field) {
    int start = index;
    for (int i = 0; i < count; i++) {
      int length = int32(field);
      if (length < -1 || length > remaining()) {
        throw malformed(field, "a length of " + length, "-1 to " + remaining());
      }
      index += Math.max(length, 0);
    }
    return body.slice(start, index - start);
  }

  /** Everything up to the end, as a slice. */
  public ByteBuf rest() {
    ByteBuf rest = body.slice(index, end - index);
    index = end;
    return rest;
  }

  /** Int16 and as many Int16. */
  public List<Integer> int16s(String field) {
    int count = count(field, 2);
    if (count == 0) {
      return List.of();
    }
    List<Integer> values = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      values.add(int16(field));
    }
    return Collections.unmodifiableList(values);
  }

  /** Int16 and as many Int32. */
  public List<Integer> int32s(String field) {
    int count = count(field, 4);
    if (count == 0) {
      return List.of();
    }
    List<Integer> values = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      values.add(int32(field));
    }
    return Collections.unmodifiableList(values);
  }

  /** Checks that nothing is left, as Postgres does. */
  public void end() {
    if (index != end) {
      throw new MalformedMessageException(
          message, remaining() + " bytes more than its fields", "none");
    }
  }

  /** An error about a field of this message. */
  public MalformedMessageException malformed(String field, String value, String allowed) {
    return new MalformedMessageException(message + "." + field, value, allowed);
  }

  private void need(int bytes, String field) {
    if (end - index < bytes) {
      throw malformed(field, remaining() + " bytes left", bytes + " bytes");
    }
  }
}
