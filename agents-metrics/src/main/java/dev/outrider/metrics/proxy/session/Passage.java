package dev.outrider.metrics.proxy.session;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The way of bytes from one native socket straight to another, by a buffer that all passages of an
 * event loop share: it stays in the processor's cache, which thousands of buffers would not.
 */
final class Passage {
  private static final FastThreadLocal<ByteBuf> BUFFER =
      new FastThreadLocal<>() {
        @Override
        protected ByteBuf initialValue() {
          return Buffers.ALLOCATOR.directBuffer(Buffers.LARGEST_READ, Buffers.LARGEST_READ);
        }

        @Override
        protected void onRemoval(ByteBuf buffer) {
          buffer.release();
        }
      };

  private final Socket from;
  private final Socket to;
  private final ByteBuf bytes;

  private Passage(Socket from, Socket to, ByteBuf bytes) {
    this.from = from;
    this.to = to;
    this.bytes = bytes;
  }

  /**
   * Makes a passage between two connections of the calling event loop.
   *
   * @return null if there can be none: one of them has no native socket, or Java lets nobody know
   *     an address in memory
   */
  static @Nullable Passage between(Channel from, Channel to) {
    if (!(from instanceof UnixChannel first)
        || !(to instanceof UnixChannel second)
        || !(first.fd() instanceof Socket source)
        || !(second.fd() instanceof Socket sink)) {
      return null;
    }
    ByteBuf bytes = BUFFER.get();
    return bytes.hasMemoryAddress() ? new Passage(source, sink, bytes) : null;
  }

  /**
   * Reads once.
   *
   * @return the bytes, until the next read of any passage; none at the end, or if there are none
   * @throws IOException if the connection broke off
   */
  ByteBuf receive() throws IOException {
    int received = from.recvAddress(bytes.memoryAddress(), 0, Buffers.mostRead());
    return bytes.setIndex(0, Math.max(received, 0));
  }

  /**
   * Writes what was received last, as much as is taken at once; the rest stays readable. So does
   * all if the connection broke off: who writes next hears of it.
   */
  void send() {
    try {
      int sent = to.sendAddress(bytes.memoryAddress(), bytes.readerIndex(), bytes.writerIndex());
      bytes.skipBytes(Math.max(sent, 0));
    } catch (IOException e) {
      // Told to who writes next.
    }
  }
}
