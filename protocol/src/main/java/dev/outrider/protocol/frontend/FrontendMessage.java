package dev.outrider.protocol.frontend;

import dev.outrider.protocol.MalformedMessageException;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * What a frontend sends after start-up: one record per message of <a
 * href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message Formats</a>,
 * protocol 3.0 and 3.2.
 *
 * <p>A message is decoded on demand, from a buffer that holds its body and nothing else. Texts and
 * payloads are slices of that buffer: they share its memory and are not retained, so retain what
 * outlives it. No text form tells a payload, a password or the text of a statement.
 */
public sealed interface FrontendMessage
    permits Bind,
        Close,
        CopyData,
        CopyDone,
        CopyFail,
        Describe,
        Execute,
        Flush,
        FunctionCall,
        Parse,
        AuthenticationAnswer,
        Query,
        Sync,
        Terminate {
  /** Appends the message as it goes over the wire: type, length, body. */
  void encode(ByteBuf out);

  /**
   * Reads a body.
   *
   * @param type the message's first byte
   * @param body what comes after the length; its indices stay as they are
   * @param answering what the last authentication request asked for, which alone tells the four
   *     messages of type {@code p} apart; null outside authentication
   * @throws MalformedMessageException if it is no message of the protocol
   */
  static FrontendMessage decode(
      byte type, ByteBuf body, AuthenticationAnswer.@Nullable Kind answering) {
    return switch (type) {
      case Bind.TYPE -> Bind.decode(body);
      case Close.TYPE -> Close.decode(body);
      case CopyData.TYPE -> CopyData.decode(body);
      case CopyDone.TYPE -> CopyDone.decode(body);
      case CopyFail.TYPE -> CopyFail.decode(body);
      case Describe.TYPE -> Describe.decode(body);
      case Execute.TYPE -> Execute.decode(body);
      case Flush.TYPE -> Flush.decode(body);
      case FunctionCall.TYPE -> FunctionCall.decode(body);
      case Parse.TYPE -> Parse.decode(body);
      case Query.TYPE -> Query.decode(body);
      case Sync.TYPE -> Sync.decode(body);
      case Terminate.TYPE -> Terminate.decode(body);
      case AuthenticationAnswer.TYPE -> {
        if (answering == null) {
          throw new MalformedMessageException(
              "type", "p, an answer to no authentication request", "another type");
        }
        yield AuthenticationAnswer.decode(body, answering);
      }
      default ->
          throw new MalformedMessageException(
              "type", "byte " + (type & 0xff), "a type that a frontend sends");
    };
  }
}
