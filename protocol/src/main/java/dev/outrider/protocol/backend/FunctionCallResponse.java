package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * FunctionCallResponse (B): what the called function returned.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param result the value, a slice of the body; null is SQL's NULL
 */
public record FunctionCallResponse(@Nullable ByteBuf result) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'V';

  @Override
  public String toString() {
    return "FunctionCallResponse[bytes=" + (result == null ? -1 : result.readableBytes()) + "]";
  }

  /** Reads the body. */
  public static FunctionCallResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("FunctionCallResponse", body);
    ByteBuf result = in.value("result");
    in.end();
    return new FunctionCallResponse(result);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).value(result).end();
  }
}
