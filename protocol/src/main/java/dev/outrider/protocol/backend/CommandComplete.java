package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * CommandComplete (B): a statement is done. A simple query with several statements gets one for
 * each.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param tag what was done, see {@link CommandTag}
 */
public record CommandComplete(String tag) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'C';

  /** Reads the body. */
  public static CommandComplete decode(ByteBuf body) {
    BodyReader in = new BodyReader("CommandComplete", body);
    String tag = in.string("tag");
    in.end();
    return new CommandComplete(tag);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).string(tag).end();
  }
}
