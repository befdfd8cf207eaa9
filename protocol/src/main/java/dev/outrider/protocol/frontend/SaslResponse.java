package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * SASLResponse (F): the next message of the SASL mechanism.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param data a slice of the body
 */
public record SaslResponse(ByteBuf data) implements AuthenticationAnswer {
  @Override
  public String toString() {
    return "SaslResponse[bytes=" + data.readableBytes() + "]";
  }

  /** Reads the body. */
  public static SaslResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("SASLResponse", body);
    return new SaslResponse(in.rest());
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).bytes(data).end();
  }
}
