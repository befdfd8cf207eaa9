package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * NoData (B): the described statement returns no rows.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record NoData() implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'n';

  /** The only one there is. */
  public static final NoData INSTANCE = new NoData();

  /** Reads the body. */
  public static NoData decode(ByteBuf body) {
    new BodyReader("NoData", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
