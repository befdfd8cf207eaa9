package dev.outrider.protocol.frontend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.MalformedMessageException;
import io.netty.buffer.ByteBuf;

/**
 * What a frontend may send first, and again after an answer of one byte: messages without a type.
 *
 * <p>See <a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-START-UP">Start-up</a>
 * and <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public sealed interface OpeningMessage
    permits StartupMessage, CancelRequest, SslRequest, GssEncRequest {
  /** Appends the message as it goes over the wire: length, code, body. */
  void encode(ByteBuf out);

  /**
   * Reads a whole opening request.
   *
   * @param packet the request from its length field on; its indices stay as they are
   * @throws MalformedMessageException if it is no message of the protocol
   */
  static OpeningMessage decode(ByteBuf packet) {
    BodyReader in = new BodyReader("OpeningRequest", packet);
    int length = in.int32("length");
    if (length != packet.readableBytes()) {
      throw in.malformed("length", String.valueOf(length), packet.readableBytes() + " bytes");
    }
    int code = in.int32("code");
    return switch (OpeningRequest.kind(code)) {
      case STARTUP -> StartupMessage.decode(code, in.rest());
      case CANCEL -> CancelRequest.decode(in.rest());
      case SSL -> {
        in.end();
        yield SslRequest.INSTANCE;
      }
      case GSS_ENCRYPTION -> {
        in.end();
        yield GssEncRequest.INSTANCE;
      }
    };
  }
}
