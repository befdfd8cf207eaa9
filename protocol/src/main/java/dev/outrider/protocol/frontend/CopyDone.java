package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * CopyDone (F): the data of a COPY is complete.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record CopyDone() implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'c';

  /** The only one there is. */
  public static final CopyDone INSTANCE = new CopyDone();

  /** Reads the body. */
  public static CopyDone decode(ByteBuf body) {
    new BodyReader("CopyDone", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
