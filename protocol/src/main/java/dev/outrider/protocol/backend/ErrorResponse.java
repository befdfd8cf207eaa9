package dev.outrider.protocol.backend;

import dev.outrider.protocol.SqlState;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * ErrorResponse (B) of severity FATAL: the backend closes the connection after it. See <a
 * href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message Formats</a> and
 * <a href="https://www.postgresql.org/docs/18/protocol-error-fields.html">Error and Notice Message
 * Fields</a>.
 *
 * @param sqlState its error code, field {@code C}
 * @param message what happened, field {@code M}; without the character NUL, which ends a field
 */
public record ErrorResponse(SqlState sqlState, String message) {
  private static final String FATAL = "FATAL";

  /** Checks the message. */
  public ErrorResponse {
    if (message.isEmpty() || message.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("message: empty or with a NUL (expected: text)");
    }
  }

  /** Appends the message as it goes over the wire. */
  public void encode(ByteBuf out) {
    out.writeByte('E');
    int start = out.writerIndex();
    out.writeInt(0);
    field(out, 'S', FATAL);
    field(out, 'V', FATAL);
    field(out, 'C', sqlState.code());
    field(out, 'M', message);
    out.writeByte(0);
    out.setInt(start, out.writerIndex() - start);
  }

  private static void field(ByteBuf out, char type, String value) {
    out.writeByte(type);
    out.writeCharSequence(value, StandardCharsets.UTF_8);
    out.writeByte(0);
  }
}
