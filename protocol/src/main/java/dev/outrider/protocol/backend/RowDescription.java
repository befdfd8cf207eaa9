package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/**
 * RowDescription (B): the columns of the rows to come.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param columns in their order
 */
public record RowDescription(List<Column> columns) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'T';

  /** Takes a copy. */
  public RowDescription {
    columns = List.copyOf(columns);
  }

  /**
   * A column.
   *
   * @param name its name
   * @param table the object id of the table that it comes from, or 0
   * @param number its number in that table, or 0
   * @param type the object id of its type
   * @param typeSize {@code pg_type.typlen}; negative if it varies
   * @param typeModifier {@code pg_attribute.atttypmod}
   * @param format 0 text, 1 binary; 0 as well while it is not known yet
   */
  public record Column(
      String name, int table, int number, int type, int typeSize, int typeModifier, int format) {
    private static final int MIN_LENGTH = 19;

    private static Column read(BodyReader in) {
      return new Column(
          in.string("name"),
          in.int32("table"),
          in.int16("number"),
          in.int32("type"),
          in.int16("typeSize"),
          in.int32("typeModifier"),
          in.int16("format"));
    }

    private void write(BodyWriter out) {
      out.string(name)
          .int32(table)
          .int16(number)
          .int32(type)
          .int16(typeSize)
          .int32(typeModifier)
          .int16(format);
    }
  }

  /** Reads the body. */
  public static RowDescription decode(ByteBuf body) {
    BodyReader in = new BodyReader("RowDescription", body);
    int count = in.count("columns", Column.MIN_LENGTH);
    List<Column> columns = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      columns.add(Column.read(in));
    }
    in.end();
    return new RowDescription(columns);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter body = BodyWriter.begin(out, TYPE).int16(columns.size());
    columns.forEach(column -> column.write(body));
    body.end();
  }
}
