package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * PortalSuspended (B): the row limit of Execute was reached; the portal can go on.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record PortalSuspended() implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 's';

  /** The only one there is. */
  public static final PortalSuspended INSTANCE = new PortalSuspended();

  /** Reads the body. */
  public static PortalSuspended decode(ByteBuf body) {
    new BodyReader("PortalSuspended", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
