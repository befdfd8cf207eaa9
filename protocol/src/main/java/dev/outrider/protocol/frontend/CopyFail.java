package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * CopyFail (F): the frontend gives a COPY up.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param reason what the error will say
 */
public record CopyFail(String reason) implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'f';

  /** Reads the body. */
  public static CopyFail decode(ByteBuf body) {
    BodyReader in = new BodyReader("CopyFail", body);
    String reason = in.string("reason");
    in.end();
    return new CopyFail(reason);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).string(reason).end();
  }
}
