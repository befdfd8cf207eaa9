package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import io.netty.buffer.ByteBuf;

/**
 * NoticeResponse (B): a warning or other news.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param fields what it says
 */
public record NoticeResponse(ErrorFields fields) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'N';

  /** Reads the body. */
  public static NoticeResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("NoticeResponse", body);
    return new NoticeResponse(ErrorFields.read(in));
  }

  @Override
  public void encode(ByteBuf out) {
    fields.write(out, TYPE);
  }
}
