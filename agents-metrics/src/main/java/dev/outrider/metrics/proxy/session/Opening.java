package dev.outrider.metrics.proxy.session;

import dev.outrider.protocol.MalformedMessageException;
import dev.outrider.protocol.SqlState;
import dev.outrider.protocol.backend.ErrorResponse;
import dev.outrider.protocol.frontend.CancelRequest;
import dev.outrider.protocol.frontend.GssEncRequest;
import dev.outrider.protocol.frontend.OpeningMessage;
import dev.outrider.protocol.frontend.OpeningRequest;
import dev.outrider.protocol.frontend.SslRequest;
import dev.outrider.protocol.frontend.StartupMessage;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * What a client wants that has just connected, or just got the answer to its request for
 * encryption. See <a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-START-UP">Start-up</a>
 * and {@code ProcessStartupPacket} in PostgreSQL's backend_startup.c.
 */
sealed interface Opening {
  /** It cannot be told yet. */
  record Incomplete() implements Opening {}

  /** TLS without asking: {@code sslnegotiation=direct}. */
  record Tls() implements Opening {}

  /**
   * To encrypt, if it may.
   *
   * @param tls by TLS, else by GSSAPI
   */
  record Encryption(boolean tls) implements Opening {}

  /** To cancel a query. */
  record Cancel() implements Opening {}

  /** A session. */
  record Start(StartupMessage message) implements Opening {}

  /** Nothing that there is. */
  record Malformed(ErrorResponse error) implements Opening {}

  /** A web page. */
  record Http() implements Opening {}

  /** How the first line of HTTP begins. */
  Set<String> METHODS =
      Set.of("GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "PATC", "CONN", "TRAC", "PRI ");

  /** Looks at all that the client has sent, and leaves it as it is. */
  static Opening of(ByteBuf received) {
    int start = received.readerIndex();
    if (received.isReadable() && OpeningRequest.startsTls(received.getByte(start))) {
      return new Tls();
    }
    if (received.readableBytes() < Integer.BYTES) {
      return new Incomplete();
    }
    int length = received.getInt(start);
    if (length < OpeningRequest.HEADER_LENGTH || length > OpeningRequest.MAX_LENGTH) {
      // The letters of HTTP would be a length of a GiB and more.
      return METHODS.contains(received.toString(start, Integer.BYTES, StandardCharsets.US_ASCII))
          ? new Http()
          : malformed("invalid length of startup packet");
    }
    if (received.readableBytes() < length) {
      return new Incomplete();
    }
    int code = received.getInt(start + Integer.BYTES);
    OpeningRequest.Kind kind = OpeningRequest.kind(code);
    if (kind == OpeningRequest.Kind.STARTUP && code >>> 16 != StartupMessage.PROTOCOL_3_0 >>> 16) {
      return new Malformed(
          new ErrorResponse(
              SqlState.FEATURE_NOT_SUPPORTED,
              "unsupported frontend protocol %d.%d (expected: 3.0 or a later 3)"
                  .formatted(code >>> 16, code & 0xffff)));
    }
    try {
      return switch (OpeningMessage.decode(received.slice(start, length))) {
        case StartupMessage message -> new Start(message);
        case SslRequest _ -> new Encryption(true);
        case GssEncRequest _ -> new Encryption(false);
        case CancelRequest _ -> new Cancel();
      };
    } catch (MalformedMessageException e) {
      return malformed("invalid startup packet layout: " + e.getMessage());
    }
  }

  private static Malformed malformed(String message) {
    return new Malformed(new ErrorResponse(SqlState.PROTOCOL_VIOLATION, message));
  }
}
