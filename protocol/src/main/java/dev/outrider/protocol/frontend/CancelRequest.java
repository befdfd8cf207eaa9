package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.MalformedMessageException;
import io.netty.buffer.ByteBuf;

/**
 * CancelRequest (F): cancels what another connection is doing. Nothing is answered to it.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>. The key is a secret, so the text form leaves it out.
 *
 * @param process the process id of the backend
 * @param key the secret key of the BackendKeyData of that connection, 4 to 256 bytes: 4 in protocol
 *     3.0, in 3.2 what the backend chose (Postgres: 32)
 */
public record CancelRequest(int process, ByteBuf key) implements OpeningMessage {
  /** The shortest key. */
  public static final int MIN_KEY_LENGTH = 4;

  /** The longest key. */
  public static final int MAX_KEY_LENGTH = 256;

  /** Checks the key. */
  public CancelRequest {
    checkKey("CancelRequest.key", key);
  }

  /** Throws unless the key has a length that the protocol allows. */
  public static void checkKey(String place, ByteBuf key) {
    int length = key.readableBytes();
    if (length < MIN_KEY_LENGTH || length > MAX_KEY_LENGTH) {
      throw new MalformedMessageException(
          place, length + " bytes", MIN_KEY_LENGTH + " to " + MAX_KEY_LENGTH);
    }
  }

  /** Reads what comes after the code. */
  static CancelRequest decode(ByteBuf body) {
    BodyReader in = new BodyReader("CancelRequest", body);
    return new CancelRequest(in.int32("process"), in.rest());
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.beginUntyped(out)
        .int32(OpeningRequest.CANCEL_REQUEST)
        .int32(process)
        .bytes(key)
        .end();
  }

  @Override
  public String toString() {
    return "CancelRequest[process=" + process + "]";
  }
}
