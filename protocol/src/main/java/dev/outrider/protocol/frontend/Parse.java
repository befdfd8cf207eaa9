package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * Parse (F): prepares a statement. Its text form leaves the statement's text out.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param statement the prepared statement's name; empty is the unnamed one
 * @param text the statement in the client's encoding, a slice of the body without its terminator
 * @param parameterTypes their object ids; 0 or none: Postgres infers it
 */
public record Parse(String statement, ByteBuf text, List<Integer> parameterTypes)
    implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'P';

  @Override
  public String toString() {
    return "Parse[statement="
        + statement
        + ", bytes="
        + text.readableBytes()
        + ", parameterTypes="
        + parameterTypes
        + "]";
  }

  /** Reads the body. */
  public static Parse decode(ByteBuf body) {
    BodyReader in = new BodyReader("Parse", body);
    String statement = in.string("statement");
    ByteBuf text = in.text("text");
    List<Integer> parameterTypes = in.int32s("parameterTypes");
    in.end();
    return new Parse(statement, text, parameterTypes);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).string(statement).text(text).int32s(parameterTypes).end();
  }
}
