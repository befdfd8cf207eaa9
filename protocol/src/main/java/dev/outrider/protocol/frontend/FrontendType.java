package dev.outrider.protocol.frontend;

import org.jspecify.annotations.Nullable;

/**
 * The types of message that a frontend sends, and the longest that Postgres takes of each.
 *
 * <p>The limits are those of {@code SocketBackend} in its postgres.c, {@code
 * PQ_SMALL_MESSAGE_LIMIT} and {@code PQ_LARGE_MESSAGE_LIMIT} in its libpq.h, and {@code
 * PG_MAX_AUTH_TOKEN_LENGTH} in its auth.h.
 */
public enum FrontendType {
  /** Bind. */
  BIND(Bind.TYPE, Limits.LARGE),
  /** Close. */
  CLOSE(Close.TYPE, Limits.SMALL),
  /** CopyData. */
  COPY_DATA(CopyData.TYPE, Limits.LARGE),
  /** CopyDone. */
  COPY_DONE(CopyDone.TYPE, Limits.SMALL),
  /** CopyFail. */
  COPY_FAIL(CopyFail.TYPE, Limits.SMALL),
  /** Describe. */
  DESCRIBE(Describe.TYPE, Limits.SMALL),
  /** Execute. */
  EXECUTE(Execute.TYPE, Limits.SMALL),
  /** Flush. */
  FLUSH(Flush.TYPE, Limits.SMALL),
  /** FunctionCall. */
  FUNCTION_CALL(FunctionCall.TYPE, Limits.LARGE),
  /** PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse. */
  AUTHENTICATION_ANSWER(AuthenticationAnswer.TYPE, Limits.TOKEN),
  /** Parse. */
  PARSE(Parse.TYPE, Limits.LARGE),
  /** Query. */
  QUERY(Query.TYPE, Limits.LARGE),
  /** Sync. */
  SYNC(Sync.TYPE, Limits.SMALL),
  /** Terminate. */
  TERMINATE(Terminate.TYPE, Limits.SMALL);

  private static final @Nullable FrontendType[] BY_CODE = new @Nullable FrontendType[256];

  static {
    for (FrontendType type : values()) {
      BY_CODE[type.code & 0xff] = type;
    }
  }

  private final byte code;
  private final int maxLength;

  FrontendType(byte code, int maxLength) {
    this.code = code;
    this.maxLength = maxLength;
  }

  /** The type with this byte, or null if a frontend sends none such. */
  public static @Nullable FrontendType of(byte code) {
    return BY_CODE[code & 0xff];
  }

  /** The byte on the wire. */
  public byte code() {
    return code;
  }

  /** The greatest length field that Postgres takes, which counts itself, in bytes. */
  public int maxLength() {
    return maxLength;
  }

  private static final class Limits {
    static final int SMALL = 10_000;
    static final int TOKEN = AuthenticationAnswer.MAX_LENGTH;
    static final int LARGE = 0x3fff_fffe;
  }
}
