package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * ReadyForQuery (B): the backend waits for a new query cycle.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param status the state of the transaction
 */
public record ReadyForQuery(Status status) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'Z';

  /** The state of the transaction. */
  public enum Status {
    /** In no transaction. */
    IDLE('I'),
    /** In a transaction. */
    IN_TRANSACTION('T'),
    /** In a transaction that failed: all but its end is refused. */
    FAILED('E');

    private final char code;

    Status(char code) {
      this.code = code;
    }

    /** The byte on the wire. */
    public char code() {
      return code;
    }

    private static Status read(BodyReader in) {
      int code = in.int8("status");
      return switch (code) {
        case 'I' -> IDLE;
        case 'T' -> IN_TRANSACTION;
        case 'E' -> FAILED;
        default -> throw in.malformed("status", "byte " + code, "I, T or E");
      };
    }
  }

  /** Reads the body. */
  public static ReadyForQuery decode(ByteBuf body) {
    BodyReader in = new BodyReader("ReadyForQuery", body);
    Status status = Status.read(in);
    in.end();
    return new ReadyForQuery(status);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).int8(status.code()).end();
  }
}
