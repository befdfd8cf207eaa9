package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/**
 * NegotiateProtocolVersion (B): the backend does not know the minor version or an option that the
 * frontend asked for, and goes on without; sent at most once, before authentication.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param protocol the newest version that the backend speaks for the major version asked for
 * @param unknownOptions the protocol options that it does not know
 */
public record NegotiateProtocolVersion(int protocol, List<String> unknownOptions)
    implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'v';

  /** Takes a copy. */
  public NegotiateProtocolVersion {
    unknownOptions = List.copyOf(unknownOptions);
  }

  /** Reads the body. */
  public static NegotiateProtocolVersion decode(ByteBuf body) {
    BodyReader in = new BodyReader("NegotiateProtocolVersion", body);
    int protocol = in.int32("protocol");
    int count = in.int32("unknownOptions");
    if (count < 0 || count > in.remaining()) {
      throw in.malformed("unknownOptions", "a count of " + count, "0 to " + in.remaining());
    }
    List<String> unknownOptions = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      unknownOptions.add(in.string("unknownOptions"));
    }
    in.end();
    return new NegotiateProtocolVersion(protocol, unknownOptions);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter body = BodyWriter.begin(out, TYPE).int32(protocol).int32(unknownOptions.size());
    unknownOptions.forEach(body::string);
    body.end();
  }
}
