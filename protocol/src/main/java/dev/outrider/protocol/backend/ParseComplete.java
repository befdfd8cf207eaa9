package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * ParseComplete (B): answers Parse.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record ParseComplete() implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = '1';

  /** The only one there is. */
  public static final ParseComplete INSTANCE = new ParseComplete();

  /** Reads the body. */
  public static ParseComplete decode(ByteBuf body) {
    new BodyReader("ParseComplete", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
