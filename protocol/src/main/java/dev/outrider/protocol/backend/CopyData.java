package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * CopyData (B): a piece of what is copied; in replication, one of the messages of <a
 * href="https://www.postgresql.org/docs/18/protocol-replication.html">Streaming Replication</a>,
 * which stays opaque.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param data a slice of the body
 */
public record CopyData(ByteBuf data) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'd';

  @Override
  public String toString() {
    return "CopyData[bytes=" + data.readableBytes() + "]";
  }

  /** Reads the body. */
  public static CopyData decode(ByteBuf body) {
    BodyReader in = new BodyReader("CopyData", body);
    return new CopyData(in.rest());
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).bytes(data).end();
  }
}
