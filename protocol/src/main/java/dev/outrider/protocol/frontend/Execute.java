package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * Execute (F): runs a portal.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param portal the portal's name; empty is the unnamed one
 * @param maxRows after so many rows it is suspended; 0: never
 */
public record Execute(String portal, int maxRows) implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'E';

  /** Reads the body. */
  public static Execute decode(ByteBuf body) {
    BodyReader in = new BodyReader("Execute", body);
    String portal = in.string("portal");
    int maxRows = in.int32("maxRows");
    in.end();
    return new Execute(portal, maxRows);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).string(portal).int32(maxRows).end();
  }
}
