package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * CloseComplete (B): answers Close.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record CloseComplete() implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = '3';

  /** The only one there is. */
  public static final CloseComplete INSTANCE = new CloseComplete();

  /** Reads the body. */
  public static CloseComplete decode(ByteBuf body) {
    new BodyReader("CloseComplete", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
