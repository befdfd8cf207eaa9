package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.Values;
import io.netty.buffer.ByteBuf;

/**
 * DataRow (B): one row.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param columns their values
 */
public record DataRow(Values columns) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'D';

  /** Reads the body. */
  public static DataRow decode(ByteBuf body) {
    BodyReader in = new BodyReader("DataRow", body);
    Values columns = Values.read(in, "columns");
    in.end();
    return new DataRow(columns);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter body = BodyWriter.begin(out, TYPE);
    columns.write(body);
    body.end();
  }
}
