package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * ParameterStatus (B): a setting that clients care about, at start-up and when it changes.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param name the setting
 * @param value its value
 */
public record ParameterStatus(String name, String value) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'S';

  /** Reads the body. */
  public static ParameterStatus decode(ByteBuf body) {
    BodyReader in = new BodyReader("ParameterStatus", body);
    String name = in.string("name");
    String value = in.string("value");
    in.end();
    return new ParameterStatus(name, value);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).string(name).string(value).end();
  }
}
