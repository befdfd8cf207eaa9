package dev.outrider.metrics.proxy.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.util.UncheckedBooleanSupplier;

/**
 * The memory of relayed bytes. A connection has a buffer only while there are bytes in it, and each
 * direction of a session holds at most the high water mark plus one read.
 *
 * <p>Thousands of clients that are slow to read could take all the memory that there is for
 * buffers, and the next read for any other client would fail. So when half of it is taken, all
 * sessions have low marks and small reads, until a good part is free again.
 */
public final class Buffers {
  /** Where all buffers come from. */
  public static final ByteBufAllocator ALLOCATOR = ByteBufAllocator.DEFAULT;

  /** When a side counts as slow, in bytes that wait to be written to it. */
  public static final WriteBufferWaterMark WATER_MARKS =
      new WriteBufferWaterMark(32 * 1024, 64 * 1024);

  private static final WriteBufferWaterMark LOW_MARKS =
      new WriteBufferWaterMark(4 * 1024, 8 * 1024);
  private static final int SMALLEST_READ = 512;
  private static final int FIRST_READ = 2 * 1024;
  static final int LARGEST_READ = 64 * 1024;
  private static final int CAREFUL_READ = 4 * 1024;

  // There is one memory, and everybody's buffers are in it.
  private static volatile boolean scarce;

  private Buffers() {}

  /** How much one read asks for: grows with what comes, and stays small while memory is scarce. */
  public static RecvByteBufAllocator receive() {
    return new Careful();
  }

  /** The water marks for now. */
  static WriteBufferWaterMark marks() {
    return scarce ? LOW_MARKS : WATER_MARKS;
  }

  /** Whether sessions have to do with little. */
  static boolean isScarce() {
    return scarce;
  }

  /** How much one read may ask for, for now. */
  static int mostRead() {
    return scarce ? CAREFUL_READ : LARGEST_READ;
  }

  /** How many bytes buffers take, those included that are kept for the next; 0 if not known. */
  public static long used() {
    return ALLOCATOR instanceof PooledByteBufAllocator pooled
        ? pooled.metric().usedDirectMemory()
        : 0;
  }

  /** How many they may take. */
  static long most() {
    long most = Long.getLong("io.netty.maxDirectMemory", 0);
    return most > 0 ? most : Runtime.getRuntime().maxMemory();
  }

  /** Looks how scarce memory is; returns whether it has changed. */
  static boolean look(long used, long most) {
    boolean now = scarce ? used > most / 8 * 3 : used > most / 2;
    boolean changed = now != scarce;
    scarce = now;
    return changed;
  }

  private static final class Careful extends AdaptiveRecvByteBufAllocator {
    Careful() {
      super(SMALLEST_READ, FIRST_READ, LARGEST_READ);
    }

    // Netty's own channels do with no other.
    @SuppressWarnings("deprecation")
    @Override
    public Handle newHandle() {
      return new CarefulHandle((ExtendedHandle) super.newHandle());
    }
  }

  private static final class CarefulHandle implements RecvByteBufAllocator.ExtendedHandle {
    private final RecvByteBufAllocator.ExtendedHandle adaptive;

    CarefulHandle(RecvByteBufAllocator.ExtendedHandle adaptive) {
      this.adaptive = adaptive;
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
      return scarce ? allocator.ioBuffer(guess()) : adaptive.allocate(allocator);
    }

    @Override
    public int guess() {
      return scarce ? Math.min(adaptive.guess(), CAREFUL_READ) : adaptive.guess();
    }

    @Override
    public void reset(ChannelConfig config) {
      adaptive.reset(config);
    }

    @Override
    public void incMessagesRead(int number) {
      adaptive.incMessagesRead(number);
    }

    @Override
    public void lastBytesRead(int bytes) {
      adaptive.lastBytesRead(bytes);
    }

    @Override
    public int lastBytesRead() {
      return adaptive.lastBytesRead();
    }

    @Override
    public void attemptedBytesRead(int bytes) {
      adaptive.attemptedBytesRead(bytes);
    }

    @Override
    public int attemptedBytesRead() {
      return adaptive.attemptedBytesRead();
    }

    @Override
    public boolean continueReading() {
      return adaptive.continueReading();
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier mayBeMore) {
      return adaptive.continueReading(mayBeMore);
    }

    @Override
    public void readComplete() {
      adaptive.readComplete();
    }
  }
}
