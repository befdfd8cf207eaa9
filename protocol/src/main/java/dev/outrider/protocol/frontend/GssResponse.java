package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * GSSResponse (F): a token of GSSAPI or SSPI.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param data a slice of the body
 */
public record GssResponse(ByteBuf data) implements AuthenticationAnswer {
  @Override
  public String toString() {
    return "GssResponse[bytes=" + data.readableBytes() + "]";
  }

  /** Reads the body. */
  public static GssResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("GSSResponse", body);
    return new GssResponse(in.rest());
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).bytes(data).end();
  }
}
