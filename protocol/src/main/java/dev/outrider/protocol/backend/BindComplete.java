package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * BindComplete (B): answers Bind.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record BindComplete() implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = '2';

  /** The only one there is. */
  public static final BindComplete INSTANCE = new BindComplete();

  /** Reads the body. */
  public static BindComplete decode(ByteBuf body) {
    new BodyReader("BindComplete", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
