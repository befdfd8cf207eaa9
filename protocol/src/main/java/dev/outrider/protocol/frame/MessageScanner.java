package dev.outrider.protocol.frame;

import io.netty.buffer.ByteBuf;

/**
 * Follows the messages of one direction: a byte that tells the type, four that tell the length,
 * which counts itself, then the body. See <a
 * href="https://www.postgresql.org/docs/18/protocol-overview.html#PROTOCOL-MESSAGE-CONCEPTS">Messaging
 * Overview</a>.
 *
 * <p>A message costs one look at its header, and nothing for its body. Nothing is allocated. Not
 * safe for several threads.
 */
public final class MessageScanner {
  /** Whether a stream can still be followed. */
  public enum Result {
    /** So far everything was a message or a part of one. */
    FOLLOWED,
    /** There is no message of this type. */
    UNKNOWN_TYPE,
    /** No message can have this length. */
    BAD_LENGTH
  }

  /** The bytes before a message's body. */
  public static final int HEADER_LENGTH = 5;

  /**
   * The longest message, the length field included: PostgreSQL builds each in memory of at most
   * {@code MaxAllocSize}.
   */
  public static final int MAX_LENGTH = 0x3fffffff;

  private static final int LENGTH_FIELD = 4;

  private final MessageTypes known;
  private final MessageTypes wanted;
  private final MessageSink sink;
  // Of a header that came in pieces: how many of its bytes.
  private int headerBytes;
  private byte type;
  private int length;
  // Of the body: what is still to come, and how much of that the sink wants.
  private int rest;
  private int wantedRest;
  private Result result = Result.FOLLOWED;

  /**
   * Makes a scanner that expects a message next.
   *
   * @param known the types that there are
   * @param wanted the types that the sink is told of
   * @param sink is told of messages
   */
  public MessageScanner(MessageTypes known, MessageTypes wanted, MessageSink sink) {
    this.known = known;
    this.wanted = wanted;
    this.sink = sink;
  }

  /**
   * Follows the next bytes, which stay unread.
   *
   * @param from the index of the first
   * @param to the index behind the last
   * @return once it is anything but {@link Result#FOLLOWED}, always the same
   */
  public Result scan(ByteBuf in, int from, int to) {
    int at = from;
    while (at < to && result == Result.FOLLOWED) {
      if (rest > 0) {
        at += body(in, at, to);
      } else if (headerBytes == 0 && to - at >= HEADER_LENGTH) {
        type = in.getByte(at);
        length = in.getInt(at + 1);
        at += HEADER_LENGTH;
        begin();
      } else {
        headerByte(in.getByte(at));
        at++;
      }
    }
    return result;
  }

  /** Whether every message that has begun has come to its end. */
  public boolean isBetweenMessages() {
    return headerBytes == 0 && rest == 0 && result == Result.FOLLOWED;
  }

  private int body(ByteBuf in, int at, int to) {
    int here = Math.min(rest, to - at);
    if (wantedRest > 0) {
      int part = Math.min(wantedRest, here);
      wantedRest -= part;
      sink.body(in, at, part);
    }
    rest -= here;
    return here;
  }

  private void headerByte(byte next) {
    if (headerBytes == 0) {
      type = next;
      length = 0;
    } else {
      length = (length << 8) | (next & 0xff);
    }
    headerBytes++;
    if (headerBytes == HEADER_LENGTH) {
      headerBytes = 0;
      begin();
    }
  }

  private void begin() {
    if (!known.contains(type)) {
      result = Result.UNKNOWN_TYPE;
    } else if (length < LENGTH_FIELD || length > MAX_LENGTH) {
      result = Result.BAD_LENGTH;
    } else {
      rest = length - LENGTH_FIELD;
      if (wanted.contains(type)) {
        wantedRest = Math.min(rest, sink.begin(type, rest));
      }
    }
  }
}
