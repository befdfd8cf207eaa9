package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import io.netty.buffer.ByteBuf;

/**
 * CopyBothResponse (B): both sides may send CopyData; only replication uses it.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param format how the data is laid out
 */
public record CopyBothResponse(CopyFormat format) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'W';

  /** Reads the body. */
  public static CopyBothResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("CopyBothResponse", body);
    return new CopyBothResponse(CopyFormat.read(in));
  }

  @Override
  public void encode(ByteBuf out) {
    format.write(out, TYPE);
  }
}
