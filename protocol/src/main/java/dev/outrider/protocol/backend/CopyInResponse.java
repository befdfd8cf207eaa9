package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import io.netty.buffer.ByteBuf;

/**
 * CopyInResponse (B): the frontend may send CopyData.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param format how the data is laid out
 */
public record CopyInResponse(CopyFormat format) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'G';

  /** Reads the body. */
  public static CopyInResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("CopyInResponse", body);
    return new CopyInResponse(CopyFormat.read(in));
  }

  @Override
  public void encode(ByteBuf out) {
    format.write(out, TYPE);
  }
}
