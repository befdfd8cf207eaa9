package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * SSLRequest (F): asks for TLS. The answer is one byte, {@code S} or {@code N}.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record SslRequest() implements OpeningMessage {
  /** The only one there is. */
  public static final SslRequest INSTANCE = new SslRequest();

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.beginUntyped(out).int32(OpeningRequest.SSL_REQUEST).end();
  }
}
