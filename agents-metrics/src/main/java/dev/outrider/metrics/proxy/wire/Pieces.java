package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.frame.MessageSink;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;

/**
 * Hears of messages and hands over what is wanted of each in one piece: where it lies if it came
 * so, else put together. For one thread.
 */
abstract class Pieces implements MessageSink {
  /** What a session may always put together without borrowing. */
  static final int SMALL = 1024;

  private static final byte[] NOTHING = {};

  private final LoopFigures loop;
  private byte type;
  private int wanted;
  private byte[] pieces = NOTHING;
  private int size;
  private int borrowed;
  private boolean noRoom;

  Pieces(LoopFigures loop) {
    this.loop = loop;
  }

  /** A message has begun; returns how much of its body is wanted, from its start. */
  abstract int begun(byte type, int length);

  /**
   * What was wanted of the body, or less if the body is shorter or there was no room.
   *
   * @param complete whether it is all that was wanted
   */
  abstract void came(byte type, ByteBuf in, int index, int length, boolean complete);

  @Override
  public final int begin(byte type, int length) {
    this.type = type;
    int most = begun(type, length);
    wanted = Math.min(most, length);
    size = 0;
    noRoom = false;
    if (most > 0 && length == 0) {
      came(type, Unpooled.EMPTY_BUFFER, 0, 0, true);
    }
    return wanted;
  }

  @Override
  public final void body(ByteBuf in, int index, int length) {
    if (size == 0 && length == wanted) {
      came(type, in, index, length, true);
      return;
    }
    keep(in, index, length);
    wanted -= length;
    if (wanted == 0) {
      byte[] whole = pieces;
      int end = size;
      release();
      came(type, Unpooled.wrappedBuffer(whole), 0, end, !noRoom);
    }
  }

  private void keep(ByteBuf in, int index, int length) {
    int room = size + length;
    if (room > pieces.length && !noRoom) {
      grow(room);
    }
    int here = Math.min(room, pieces.length) - size;
    in.getBytes(index, pieces, size, here);
    size += here;
  }

  private void grow(int room) {
    int better = Math.max(SMALL, Math.min(Math.max(room, pieces.length * 2), size + wanted));
    int more = better - SMALL - borrowed;
    if (loop.borrow(more)) {
      borrowed += more;
      pieces = Arrays.copyOf(pieces, better);
    } else {
      noRoom = true;
      pieces = Arrays.copyOf(pieces, Math.max(SMALL, pieces.length));
    }
  }

  /** Gives back what was borrowed. */
  final void release() {
    loop.giveBack(borrowed);
    borrowed = 0;
    pieces = NOTHING;
    size = 0;
  }
}
