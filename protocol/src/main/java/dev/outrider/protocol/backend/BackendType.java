package dev.outrider.protocol.backend;

import org.jspecify.annotations.Nullable;

/** The types of message that a backend sends. */
public enum BackendType {
  /** Authentication. */
  AUTHENTICATION(Authentication.TYPE),
  /** BackendKeyData. */
  BACKEND_KEY_DATA(BackendKeyData.TYPE),
  /** BindComplete. */
  BIND_COMPLETE(BindComplete.TYPE),
  /** CloseComplete. */
  CLOSE_COMPLETE(CloseComplete.TYPE),
  /** CommandComplete. */
  COMMAND_COMPLETE(CommandComplete.TYPE),
  /** CopyBothResponse. */
  COPY_BOTH_RESPONSE(CopyBothResponse.TYPE),
  /** CopyData. */
  COPY_DATA(CopyData.TYPE),
  /** CopyDone. */
  COPY_DONE(CopyDone.TYPE),
  /** CopyInResponse. */
  COPY_IN_RESPONSE(CopyInResponse.TYPE),
  /** CopyOutResponse. */
  COPY_OUT_RESPONSE(CopyOutResponse.TYPE),
  /** DataRow. */
  DATA_ROW(DataRow.TYPE),
  /** EmptyQueryResponse. */
  EMPTY_QUERY_RESPONSE(EmptyQueryResponse.TYPE),
  /** ErrorResponse. */
  ERROR_RESPONSE(ErrorResponse.TYPE),
  /** FunctionCallResponse. */
  FUNCTION_CALL_RESPONSE(FunctionCallResponse.TYPE),
  /** NegotiateProtocolVersion. */
  NEGOTIATE_PROTOCOL_VERSION(NegotiateProtocolVersion.TYPE),
  /** NoData. */
  NO_DATA(NoData.TYPE),
  /** NoticeResponse. */
  NOTICE_RESPONSE(NoticeResponse.TYPE),
  /** NotificationResponse. */
  NOTIFICATION_RESPONSE(NotificationResponse.TYPE),
  /** ParameterDescription. */
  PARAMETER_DESCRIPTION(ParameterDescription.TYPE),
  /** ParameterStatus. */
  PARAMETER_STATUS(ParameterStatus.TYPE),
  /** ParseComplete. */
  PARSE_COMPLETE(ParseComplete.TYPE),
  /** PortalSuspended. */
  PORTAL_SUSPENDED(PortalSuspended.TYPE),
  /** ReadyForQuery. */
  READY_FOR_QUERY(ReadyForQuery.TYPE),
  /** RowDescription. */
  ROW_DESCRIPTION(RowDescription.TYPE);

  private static final @Nullable BackendType[] BY_CODE = new @Nullable BackendType[256];

  static {
    for (BackendType type : values()) {
      BY_CODE[type.code & 0xff] = type;
    }
  }

  private final byte code;

  BackendType(byte code) {
    this.code = code;
  }

  /** The type with this byte, or null if a backend sends none such. */
  public static @Nullable BackendType of(byte code) {
    return BY_CODE[code & 0xff];
  }

  /** The byte on the wire. */
  public byte code() {
    return code;
  }
}
