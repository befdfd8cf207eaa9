package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * Sync (F): ends a series of extended-query messages, and the implicit transaction.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record Sync() implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'S';

  /** The only one there is. */
  public static final Sync INSTANCE = new Sync();

  /** Reads the body. */
  public static Sync decode(ByteBuf body) {
    new BodyReader("Sync", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
