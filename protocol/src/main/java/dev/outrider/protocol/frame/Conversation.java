package dev.outrider.protocol.frame;

import dev.outrider.protocol.frontend.OpeningRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Follows both directions of a connection from its first byte. See <a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-START-UP">Start-up</a>,
 * <a href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-SSL">SSL Session
 * Encryption</a> and <a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS">Canceling
 * Requests in Progress</a>.
 *
 * <pre>
 *              SSLRequest,
 *              GSSENCRequest (answered N)
 *                 ┌───┐
 *                 ▼   │  StartupMessage
 *               OPENING ────────────────▶ STARTED
 *                 │   │  CancelRequest
 *                 │   └─────────────────▶ CANCEL
 *                 │  (answered S or G), or what cannot be followed in any phase
 *                 └─────────────────────▶ OPAQUE
 * </pre>
 *
 * <p>A frontend's bytes must be given before the backend's answer to them. What cannot be followed
 * is told once and never looked at again. Not safe for several threads.
 */
public final class Conversation {
  /** How far a connection has come. */
  public enum Phase {
    /** The client has not said yet what it wants, or asked for encryption. */
    OPENING,
    /** The client wants to cancel a query: it says no more, and nothing is answered. */
    CANCEL,
    /** The client has sent its start-up message: both sides send messages with types. */
    STARTED,
    /** Encrypted, or not of the protocol. */
    OPAQUE
  }

  private final MessageScanner frontend;
  private final MessageScanner backend;
  private final Consumer<Desync> lost;
  private final @Nullable Witness witness;
  private Phase phase = Phase.OPENING;
  // The opening request: its header, then what is still to come of it.
  private @Nullable ByteBuf opening = openingHeader();
  private OpeningRequest.@Nullable Kind openingKind;
  private int openingRest;
  // Requests for encryption that are not answered yet; each gets one byte.
  private int unanswered;

  /**
   * Makes a conversation before its first byte.
   *
   * @param frontend follows the messages of the client after its start-up message
   * @param backend follows the messages of Postgres
   * @param lost told, once at most, why the conversation can no longer be followed
   * @param witness told how the conversation opens, or null
   */
  public Conversation(
      MessageScanner frontend,
      MessageScanner backend,
      Consumer<Desync> lost,
      @Nullable Witness witness) {
    this.frontend = frontend;
    this.backend = backend;
    this.lost = lost;
    this.witness = witness;
  }

  private static ByteBuf openingHeader() {
    return Unpooled.buffer(OpeningRequest.HEADER_LENGTH, OpeningRequest.HEADER_LENGTH);
  }

  /** How far the connection has come. */
  public Phase phase() {
    return phase;
  }

  /**
   * Whether an error message of Postgres could stand at the end of what it has sent so far, and the
   * client would understand it.
   */
  public boolean isBackendBetweenMessages() {
    return phase != Phase.OPAQUE && unanswered == 0 && backend.isBetweenMessages();
  }

  /** Whether the client has sent the last message that it has begun to its end. */
  public boolean isFrontendBetweenMessages() {
    return phase == Phase.STARTED && frontend.isBetweenMessages();
  }

  /** Follows the readable bytes of the client, which stay unread. */
  public void frontend(ByteBuf in) {
    int at = in.readerIndex();
    int to = in.writerIndex();
    while (at < to && phase == Phase.OPENING) {
      at = opening(in, at, to);
    }
    if (at < to && phase == Phase.STARTED) {
      switch (frontend.scan(in, at, to)) {
        case FOLLOWED -> {}
        case UNKNOWN_TYPE -> lose(Desync.FRONTEND_TYPE);
        case BAD_LENGTH -> lose(Desync.FRONTEND_LENGTH);
      }
    }
  }

  private int opening(ByteBuf in, int from, int to) {
    int at = from;
    ByteBuf header = opening;
    if (header != null && openingKind == null) {
      int here = Math.min(header.writableBytes(), to - at);
      header.writeBytes(in, at, here);
      at += here;
      if (header.isWritable()) {
        return at;
      }
      try {
        OpeningRequest request = OpeningRequest.peek(header);
        if (request == null) {
          throw new IllegalStateException("a header of " + header.readableBytes() + " bytes");
        }
        openingKind = request.kind();
        openingRest = request.length() - OpeningRequest.HEADER_LENGTH;
        if (witness != null && request.kind() == OpeningRequest.Kind.STARTUP) {
          opening = Unpooled.buffer(request.length()).writeBytes(header);
        }
      } catch (IllegalArgumentException e) {
        lose(Desync.OPENING);
        return to;
      }
    }
    int here = Math.min(openingRest, to - at);
    openingRest -= here;
    if (witness != null && opening != null && openingKind == OpeningRequest.Kind.STARTUP) {
      opening.writeBytes(in, at, here);
    }
    if (openingRest == 0 && openingKind != null) {
      opened(openingKind);
    }
    return at + here;
  }

  private void opened(OpeningRequest.Kind kind) {
    openingKind = null;
    switch (kind) {
      case STARTUP -> {
        phase = Phase.STARTED;
        if (witness != null && opening != null) {
          witness.startup(opening);
        }
        opening = null;
      }
      case CANCEL -> {
        phase = Phase.CANCEL;
        opening = null;
        if (witness != null) {
          witness.cancel();
        }
      }
      case SSL, GSS_ENCRYPTION -> {
        // An honest client waits for the answer. Should one go on without, what it sends can only
        // be meant in clear text; if it is encrypted all the same, the answer will tell.
        unanswered++;
        opening = openingHeader();
      }
    }
  }

  /** Follows the readable bytes of Postgres, which stay unread. */
  public void backend(ByteBuf in) {
    if (phase == Phase.OPAQUE) {
      return;
    }
    int at = in.readerIndex();
    int to = in.writerIndex();
    while (unanswered > 0 && at < to) {
      switch (in.getByte(at)) {
        case 'N' -> {
          unanswered--;
          at++;
        }
        // A server that cannot serve, or is older than the request, answers with an error.
        case 'E' -> unanswered = 0;
        case 'S', 'G' -> {
          goDark();
          return;
        }
        default -> {
          lose(Desync.ANSWER);
          return;
        }
      }
    }
    if (at < to) {
      switch (backend.scan(in, at, to)) {
        case FOLLOWED -> {}
        case UNKNOWN_TYPE -> lose(Desync.BACKEND_TYPE);
        case BAD_LENGTH -> lose(Desync.BACKEND_LENGTH);
      }
    }
  }

  private void goDark() {
    phase = Phase.OPAQUE;
    opening = null;
    if (witness != null) {
      witness.opaque();
    }
  }

  private void lose(Desync reason) {
    goDark();
    lost.accept(reason);
  }
}
