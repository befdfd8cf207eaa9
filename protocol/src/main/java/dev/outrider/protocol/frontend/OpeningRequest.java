package dev.outrider.protocol.frontend;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * What a client may send first, which has no type byte: its kind and its length. See <a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-START-UP">Start-up</a>
 * and <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param kind what it asks for
 * @param length in bytes, the length field itself included
 */
public record OpeningRequest(Kind kind, int length) {
  /** The bytes that tell kind and length. */
  public static final int HEADER_LENGTH = 8;

  /**
   * The longest one that Postgres takes: {@code MAX_STARTUP_PACKET_LENGTH} in its pqcomm.h, which
   * leaves out the length field.
   */
  public static final int MAX_LENGTH = 10_004;

  /** The protocol name that TLS from the first byte must agree on by ALPN. */
  public static final String ALPN = "postgresql";

  static final int CANCEL_REQUEST = 80877102;
  static final int SSL_REQUEST = 80877103;
  static final int GSSENC_REQUEST = 80877104;

  private static final byte TLS_HANDSHAKE = 0x16;

  /** The kinds of opening requests. */
  public enum Kind {
    /** StartupMessage, of whichever protocol version. */
    STARTUP,
    /** CancelRequest: nothing is answered to it. */
    CANCEL,
    /** SSLRequest: answered with one byte, then comes another opening request. */
    SSL,
    /** GSSENCRequest: answered with one byte, then comes another opening request. */
    GSS_ENCRYPTION
  }

  /** Checks the length. */
  public OpeningRequest {
    if (length < HEADER_LENGTH || length > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "length: " + length + " (expected: " + HEADER_LENGTH + " to " + MAX_LENGTH + ")");
    }
  }

  /**
   * Looks at the start of an opening request without reading it.
   *
   * @return null if there are fewer than {@link #HEADER_LENGTH} bytes
   * @throws IllegalArgumentException if it cannot be one, for example because the client starts
   *     with TLS at once
   */
  public static @Nullable OpeningRequest peek(ByteBuf in) {
    if (in.readableBytes() < HEADER_LENGTH) {
      return null;
    }
    int length = in.getInt(in.readerIndex());
    return new OpeningRequest(kind(in.getInt(in.readerIndex() + 4)), length);
  }

  /**
   * Whether a client starts with TLS at once ({@code sslnegotiation=direct}): its first byte is
   * that of a TLS handshake record, with which no opening request of an allowed length begins. See
   * <a href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-SSL">SSL Session
   * Encryption</a>.
   */
  public static boolean startsTls(byte first) {
    return first == TLS_HANDSHAKE;
  }

  /** The kind of a request by its code, which stands behind its length. */
  public static Kind kind(int code) {
    return switch (code) {
      case CANCEL_REQUEST -> Kind.CANCEL;
      case SSL_REQUEST -> Kind.SSL;
      case GSSENC_REQUEST -> Kind.GSS_ENCRYPTION;
      default -> Kind.STARTUP;
    };
  }
}
