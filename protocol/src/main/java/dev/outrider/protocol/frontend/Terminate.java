package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * Terminate (F): the frontend is done.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record Terminate() implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'X';

  /** The only one there is. */
  public static final Terminate INSTANCE = new Terminate();

  /** Reads the body. */
  public static Terminate decode(ByteBuf body) {
    new BodyReader("Terminate", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
