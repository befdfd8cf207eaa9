package dev.outrider.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The columns of a row or the parameters of a statement, left in the bytes in which they came: each
 * an Int32 length and as many bytes, or a length of -1 for SQL's NULL.
 *
 * <p>Shares the memory of the message's body and does not retain it. Its text form tells sizes
 * only.
 */
public final class Values implements Iterable<@Nullable ByteBuf> {
  private final int count;
  private final ByteBuf encoded;

  private Values(int count, ByteBuf encoded) {
    this.count = count;
    this.encoded = encoded;
  }

  /** Values with these bytes; null is SQL's NULL. */
  public static Values of(List<? extends @Nullable ByteBuf> values) {
    ByteBuf encoded = Unpooled.buffer();
    for (ByteBuf value : values) {
      encoded.writeInt(value == null ? -1 : value.readableBytes());
      if (value != null) {
        encoded.writeBytes(value, value.readerIndex(), value.readableBytes());
      }
    }
    return new Values(values.size(), encoded);
  }

  /** Reads their count and them. */
  public static Values read(BodyReader body, String field) {
    int count = body.count(field, 4);
    return new Values(count, body.values(count, field));
  }

  /** Appends their count and them. */
  public void write(BodyWriter out) {
    out.int16(count).bytes(encoded);
  }

  /** How many there are, 0 to 65535. */
  public int count() {
    return count;
  }

  /** The values, each a slice, or null. */
  @Override
  public Iterator<@Nullable ByteBuf> iterator() {
    BodyReader reader = new BodyReader("Values", encoded);
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return reader.remaining() > 0;
      }

      @Override
      public @Nullable ByteBuf next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return reader.value("value");
      }
    };
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Values values
        && values.count == count
        && values.encoded.equals(encoded);
  }

  @Override
  public int hashCode() {
    return encoded.hashCode();
  }

  @Override
  public String toString() {
    return "Values[count=" + count + ", bytes=" + encoded.readableBytes() + "]";
  }
}
