package dev.outrider.protocol.backend;

import dev.outrider.protocol.MalformedMessageException;
import io.netty.buffer.ByteBuf;

/**
 * What a backend sends: one record per message of <a
 * href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message Formats</a>,
 * protocol 3.0 and 3.2.
 *
 * <p>A message is decoded on demand, from a buffer that holds its body and nothing else. Payloads
 * are slices of that buffer: they share its memory and are not retained, so retain what outlives
 * it. No text form tells a payload or a secret.
 */
public sealed interface BackendMessage
    permits Authentication,
        BackendKeyData,
        BindComplete,
        CloseComplete,
        CommandComplete,
        CopyBothResponse,
        CopyData,
        CopyDone,
        CopyInResponse,
        CopyOutResponse,
        DataRow,
        EmptyQueryResponse,
        ErrorResponse,
        FunctionCallResponse,
        NegotiateProtocolVersion,
        NoData,
        NoticeResponse,
        NotificationResponse,
        ParameterDescription,
        ParameterStatus,
        ParseComplete,
        PortalSuspended,
        ReadyForQuery,
        RowDescription {
  /** Appends the message as it goes over the wire: type, length, body. */
  void encode(ByteBuf out);

  /**
   * Reads a body.
   *
   * @param type the message's first byte
   * @param body what comes after the length; its indices stay as they are
   * @throws MalformedMessageException if it is no message of the protocol
   */
  static BackendMessage decode(byte type, ByteBuf body) {
    return switch (type) {
      case Authentication.TYPE -> Authentication.decode(body);
      case BackendKeyData.TYPE -> BackendKeyData.decode(body);
      case BindComplete.TYPE -> BindComplete.decode(body);
      case CloseComplete.TYPE -> CloseComplete.decode(body);
      case CommandComplete.TYPE -> CommandComplete.decode(body);
      case CopyBothResponse.TYPE -> CopyBothResponse.decode(body);
      case CopyData.TYPE -> CopyData.decode(body);
      case CopyDone.TYPE -> CopyDone.decode(body);
      case CopyInResponse.TYPE -> CopyInResponse.decode(body);
      case CopyOutResponse.TYPE -> CopyOutResponse.decode(body);
      case DataRow.TYPE -> DataRow.decode(body);
      case EmptyQueryResponse.TYPE -> EmptyQueryResponse.decode(body);
      case ErrorResponse.TYPE -> ErrorResponse.decode(body);
      case FunctionCallResponse.TYPE -> FunctionCallResponse.decode(body);
      case NegotiateProtocolVersion.TYPE -> NegotiateProtocolVersion.decode(body);
      case NoData.TYPE -> NoData.decode(body);
      case NoticeResponse.TYPE -> NoticeResponse.decode(body);
      case NotificationResponse.TYPE -> NotificationResponse.decode(body);
      case ParameterDescription.TYPE -> ParameterDescription.decode(body);
      case ParameterStatus.TYPE -> ParameterStatus.decode(body);
      case ParseComplete.TYPE -> ParseComplete.decode(body);
      case PortalSuspended.TYPE -> PortalSuspended.decode(body);
      case ReadyForQuery.TYPE -> ReadyForQuery.decode(body);
      case RowDescription.TYPE -> RowDescription.decode(body);
      default ->
          throw new MalformedMessageException(
              "type", "byte " + (type & 0xff), "a type that a backend sends");
    };
  }
}
