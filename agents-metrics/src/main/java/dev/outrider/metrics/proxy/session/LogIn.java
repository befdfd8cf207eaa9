package dev.outrider.metrics.proxy.session;

import dev.outrider.protocol.frame.MessageScanner;
import dev.outrider.protocol.frame.MessageSink;
import dev.outrider.protocol.frame.MessageTypes;
import dev.outrider.protocol.frontend.CancelRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Follows what Postgres says until it has let a client in. See <a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-START-UP">Start-up</a>.
 */
final class LogIn implements MessageSink {
  private static final MessageTypes TYPES = MessageTypes.of("RKSZ");
  private static final int CODE_LENGTH = 4;
  private static final int LONGEST_KEY_DATA = 4 + CancelRequest.MAX_KEY_LENGTH;
  // The whole ParameterStatus of a standby; those of another length are not looked at.
  private static final byte[] IN_HOT_STANDBY =
      "in_hot_standby\0on\0".getBytes(StandardCharsets.US_ASCII);
  private static final int OK = 0;
  private static final int KERBEROS_V5 = 2;
  private static final int GSS = 7;
  private static final int SSPI = 9;

  private final MessageScanner scanner = new MessageScanner(MessageTypes.BACKEND, TYPES, this);
  private final ByteBuf body = Unpooled.buffer(CODE_LENGTH, LONGEST_KEY_DATA);
  private byte type;
  private int wanted;
  private int request = -1;
  private boolean ready;
  private int matched;
  private boolean standby;
  private int process;
  private byte @Nullable [] cancelRequest;

  /** Follows the readable bytes of Postgres, which stay unread. */
  void backend(ByteBuf in) {
    scanner.scan(in, in.readerIndex(), in.writerIndex());
  }

  /** Whether Postgres believes that the client is who it says. */
  boolean isAuthenticated() {
    return request == OK || ready;
  }

  /** Whether Postgres waits for the first query. */
  boolean isReady() {
    return ready;
  }

  /** Whether Postgres asks for a login for which it would have to be connected to the client. */
  boolean isBeyondProxy() {
    return request == KERBEROS_V5 || request == GSS || request == SSPI;
  }

  /**
   * Whether Postgres has said that it is a standby, as one does in each login since PostgreSQL 14;
   * it is one until its promotion is over. See <a
   * href="https://www.postgresql.org/docs/18/runtime-config-preset.html#GUC-IN-HOT-STANDBY">in_hot_standby</a>.
   */
  boolean isStandby() {
    return standby;
  }

  /** The process id of the backend; 0 if it was not told. */
  int process() {
    return process;
  }

  /** The message that cancels what the session is doing; null if the key was not told. */
  byte @Nullable [] cancelRequest() {
    return cancelRequest;
  }

  @Override
  public int begin(byte begun, int length) {
    type = begun;
    body.clear();
    matched = 0;
    wanted =
        switch (begun) {
          case 'R' -> length < CODE_LENGTH ? 0 : CODE_LENGTH;
          case 'K' -> length > LONGEST_KEY_DATA ? 0 : length;
          case 'S' -> length == IN_HOT_STANDBY.length ? length : 0;
          default -> Math.min(length, 1);
        };
    return wanted;
  }

  @Override
  public void body(ByteBuf in, int index, int length) {
    if (type == 'S') {
      parameter(in, index, length);
      return;
    }
    body.writeBytes(in, index, length);
    if (body.readableBytes() < wanted) {
      return;
    }
    if (type == 'Z') {
      ready = true;
    } else if (type == 'R') {
      request = body.readInt();
    } else if (wanted >= Integer.BYTES + CancelRequest.MIN_KEY_LENGTH) {
      process = body.readInt();
      ByteBuf message = Unpooled.buffer();
      new CancelRequest(process, body).encode(message);
      cancelRequest = new byte[message.readableBytes()];
      message.readBytes(cancelRequest);
    }
  }

  /** Compares a parameter as it comes, so that nothing of any is kept. */
  private void parameter(ByteBuf in, int index, int length) {
    for (int i = index; i < index + length; i++) {
      if (in.getByte(i) == IN_HOT_STANDBY[matched]) {
        // Never to the end if one differs: it has just as many bytes.
        matched++;
      }
    }
    standby |= matched == IN_HOT_STANDBY.length;
  }
}
