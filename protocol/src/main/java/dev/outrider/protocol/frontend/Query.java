package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * Query (F): a simple query: one or more statements in one text. Its text form leaves it out.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param text the statements in the client's encoding, a slice of the body without its terminator
 */
public record Query(ByteBuf text) implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'Q';

  @Override
  public String toString() {
    return "Query[bytes=" + text.readableBytes() + "]";
  }

  /** Reads the body. */
  public static Query decode(ByteBuf body) {
    BodyReader in = new BodyReader("Query", body);
    ByteBuf text = in.text("text");
    in.end();
    return new Query(text);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).text(text).end();
  }
}
