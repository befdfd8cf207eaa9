package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * GSSENCRequest (F): asks for encryption by GSSAPI. The answer is one byte, {@code G} or {@code N}.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record GssEncRequest() implements OpeningMessage {
  /** The only one there is. */
  public static final GssEncRequest INSTANCE = new GssEncRequest();

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.beginUntyped(out).int32(OpeningRequest.GSSENC_REQUEST).end();
  }
}
