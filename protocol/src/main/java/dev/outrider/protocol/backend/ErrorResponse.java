package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.SqlState;
import io.netty.buffer.ByteBuf;

/**
 * ErrorResponse (B): a statement failed, or with severity FATAL the session.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param fields what it says
 */
public record ErrorResponse(ErrorFields fields) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'E';

  /**
   * The error with which a session ends: severity FATAL.
   *
   * @param sqlState its error code
   * @param message what happened; without the character NUL, which ends a field
   */
  public ErrorResponse(SqlState sqlState, String message) {
    this(fatal(sqlState, message));
  }

  private static ErrorFields fatal(SqlState sqlState, String message) {
    if (message.isEmpty() || message.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("message: empty or with a NUL (expected: text)");
    }
    return ErrorFields.of(ErrorFields.Severity.FATAL, sqlState, message, null, null);
  }

  /** Reads the body. */
  public static ErrorResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("ErrorResponse", body);
    return new ErrorResponse(ErrorFields.read(in));
  }

  @Override
  public void encode(ByteBuf out) {
    fields.write(out, TYPE);
  }
}
