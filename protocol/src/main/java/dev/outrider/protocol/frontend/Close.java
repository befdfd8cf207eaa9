package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * Close (F): forgets a prepared statement or portal.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param target which of the two
 * @param name its name; empty is the unnamed one
 */
public record Close(Describe.Target target, String name) implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'C';

  /** Reads the body. */
  public static Close decode(ByteBuf body) {
    BodyReader in = new BodyReader("Close", body);
    Describe.Target target = Describe.Target.read(in);
    String name = in.string("name");
    in.end();
    return new Close(target, name);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).int8(target.code()).string(name).end();
  }
}
