package dev.outrider.metrics.proxy.session;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;

/**
 * The memory of relayed bytes. A connection has a buffer only while there are bytes in it, and each
 * direction of a session holds at most the high water mark plus one read.
 */
public final class Buffers {
  /** Where all buffers come from. */
  public static final ByteBufAllocator ALLOCATOR = ByteBufAllocator.DEFAULT;

  /** When a side counts as slow, in bytes that wait to be written to it. */
  public static final WriteBufferWaterMark WATER_MARKS =
      new WriteBufferWaterMark(32 * 1024, 64 * 1024);

  private static final int SMALLEST_READ = 512;
  private static final int FIRST_READ = 2 * 1024;
  private static final int LARGEST_READ = 64 * 1024;

  private Buffers() {}

  /** How much one read asks for: grows with what comes. */
  public static RecvByteBufAllocator receive() {
    return new AdaptiveRecvByteBufAllocator(SMALLEST_READ, FIRST_READ, LARGEST_READ);
  }
}
