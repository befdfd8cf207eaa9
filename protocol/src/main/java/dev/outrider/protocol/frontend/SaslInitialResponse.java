package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * SASLInitialResponse (F): the mechanism that the client chose, and its first message.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param mechanism for example {@code SCRAM-SHA-256}
 * @param data the mechanism's first message, a slice of the body; null if there is none
 */
public record SaslInitialResponse(String mechanism, @Nullable ByteBuf data)
    implements AuthenticationAnswer {
  @Override
  public String toString() {
    return "SaslInitialResponse[mechanism=" + mechanism + "]";
  }

  /** Reads the body. */
  public static SaslInitialResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("SASLInitialResponse", body);
    String mechanism = in.string("mechanism");
    ByteBuf data = in.value("data");
    in.end();
    return new SaslInitialResponse(mechanism, data);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).string(mechanism).value(data).end();
  }
}
