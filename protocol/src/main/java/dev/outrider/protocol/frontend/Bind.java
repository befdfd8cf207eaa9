package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.Values;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * Bind (F): makes a portal of a prepared statement and parameters.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param portal the portal's name; empty is the unnamed one
 * @param statement the prepared statement's name; empty is the unnamed one
 * @param parameterFormats 0 text, 1 binary; none: all text, one: for all, else one per parameter
 * @param parameters their values
 * @param resultFormats as parameterFormats, for the columns of the result
 */
public record Bind(
    String portal,
    String statement,
    List<Integer> parameterFormats,
    Values parameters,
    List<Integer> resultFormats)
    implements FrontendMessage {
  /** Its type. */
  public static final byte TYPE = 'B';

  /** Reads the body. */
  public static Bind decode(ByteBuf body) {
    BodyReader in = new BodyReader("Bind", body);
    String portal = in.string("portal");
    String statement = in.string("statement");
    List<Integer> parameterFormats = in.int16s("parameterFormats");
    Values parameters = Values.read(in, "parameters");
    List<Integer> resultFormats = in.int16s("resultFormats");
    in.end();
    return new Bind(portal, statement, parameterFormats, parameters, resultFormats);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter body =
        BodyWriter.begin(out, TYPE).string(portal).string(statement).int16s(parameterFormats);
    parameters.write(body);
    body.int16s(resultFormats).end();
  }
}
