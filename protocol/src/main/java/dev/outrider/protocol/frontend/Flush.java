package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * Flush (F): asks for what waits to be sent.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record Flush() implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'H';

  /** The only one there is. */
  public static final Flush INSTANCE = new Flush();

  /** Reads the body. */
  public static Flush decode(ByteBuf body) {
    new BodyReader("Flush", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
