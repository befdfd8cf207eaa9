package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import io.netty.buffer.ByteBuf;

/**
 * CopyOutResponse (B): CopyData comes.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param format how the data is laid out
 */
public record CopyOutResponse(CopyFormat format) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'H';

  /** Reads the body. */
  public static CopyOutResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("CopyOutResponse", body);
    return new CopyOutResponse(CopyFormat.read(in));
  }

  @Override
  public void encode(ByteBuf out) {
    format.write(out, TYPE);
  }
}
