package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.Values;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * FunctionCall (F): calls a function, see <a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-FUNCTION-CALL">Function
 * Call</a>.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param function its object id
 * @param argumentFormats 0 text, 1 binary; none: all text, one: for all, else one per argument
 * @param arguments their values
 * @param resultFormat 0 text, 1 binary
 */
public record FunctionCall(
    int function, List<Integer> argumentFormats, Values arguments, int resultFormat)
    implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'F';

  /** Reads the body. */
  public static FunctionCall decode(ByteBuf body) {
    BodyReader in = new BodyReader("FunctionCall", body);
    int function = in.int32("function");
    List<Integer> argumentFormats = in.int16s("argumentFormats");
    Values arguments = Values.read(in, "arguments");
    int resultFormat = in.int16("resultFormat");
    in.end();
    return new FunctionCall(function, argumentFormats, arguments, resultFormat);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter body = BodyWriter.begin(out, TYPE).int32(function).int16s(argumentFormats);
    arguments.write(body);
    body.int16(resultFormat).end();
  }
}
