package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * EmptyQueryResponse (B): stands for CommandComplete when the query text was empty.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public record EmptyQueryResponse() implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'I';

  /** The only one there is. */
  public static final EmptyQueryResponse INSTANCE = new EmptyQueryResponse();

  /** Reads the body. */
  public static EmptyQueryResponse decode(ByteBuf body) {
    new BodyReader("EmptyQueryResponse", body).end();
    return INSTANCE;
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).end();
  }
}
