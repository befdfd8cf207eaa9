package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * ParameterDescription (B): the parameters of a described statement.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param types their object ids
 */
public record ParameterDescription(List<Integer> types) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 't';

  /** Reads the body. */
  public static ParameterDescription decode(ByteBuf body) {
    BodyReader in = new BodyReader("ParameterDescription", body);
    List<Integer> types = in.int32s("types");
    in.end();
    return new ParameterDescription(types);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).int32s(types).end();
  }
}
