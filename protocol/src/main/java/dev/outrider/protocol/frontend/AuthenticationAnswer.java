package dev.outrider.protocol.frontend;

import io.netty.buffer.ByteBuf;

/**
 * An answer to an authentication request. All four have the type {@code p}: which one it is, only
 * the request tells. None shows its content in its text form.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 */
public sealed interface AuthenticationAnswer extends FrontendMessage
    permits PasswordMessage, SaslInitialResponse, SaslResponse, GssResponse {
  /** The type of all of them. */
  byte TYPE = 'p';

  /**
   * The greatest length field that Postgres takes, in bytes: {@code PG_MAX_AUTH_TOKEN_LENGTH} in
   * its auth.h.
   */
  int MAX_LENGTH = 65_535;

  /** What a request asks for. */
  enum Kind {
    /** AuthenticationCleartextPassword and AuthenticationMD5Password. */
    PASSWORD,
    /** AuthenticationSASL. */
    SASL_INITIAL,
    /** AuthenticationSASLContinue. */
    SASL,
    /** AuthenticationGSS, AuthenticationSSPI and AuthenticationGSSContinue. */
    GSS
  }

  /** Reads the body as an answer of this kind. */
  static AuthenticationAnswer decode(ByteBuf body, Kind kind) {
    return switch (kind) {
      case PASSWORD -> PasswordMessage.decode(body);
      case SASL_INITIAL -> SaslInitialResponse.decode(body);
      case SASL -> SaslResponse.decode(body);
      case GSS -> GssResponse.decode(body);
    };
  }
}
