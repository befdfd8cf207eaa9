package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import dev.outrider.protocol.frontend.CancelRequest;
import io.netty.buffer.ByteBuf;

/**
 * BackendKeyData (B): what a frontend needs to cancel this session's queries. The key is a secret,
 * so the text form leaves it out.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param process the process id of the backend
 * @param key 4 to 256 bytes: 4 in protocol 3.0, in 3.2 what the backend chose (Postgres: 32)
 */
public record BackendKeyData(int process, ByteBuf key) implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'K';

  /** Checks the key. */
  public BackendKeyData {
    CancelRequest.checkKey("BackendKeyData.key", key);
  }

  @Override
  public String toString() {
    return "BackendKeyData[process=" + process + "]";
  }

  /** Reads the body. */
  public static BackendKeyData decode(ByteBuf body) {
    BodyReader in = new BodyReader("BackendKeyData", body);
    return new BackendKeyData(in.int32("process"), in.rest());
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).int32(process).bytes(key).end();
  }
}
