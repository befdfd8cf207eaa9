package dev.outrider.metrics.proxy.session;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Queue;

/** A client that takes what is written to it only when it is told to. */
// A write or a close that fails is told to the handlers, not by its future.
@SuppressWarnings("FutureReturnValueIgnored")
final class SlowClient extends EmbeddedChannel implements DuplexChannel {
  private record Held(Object message, ChannelPromise promise) {}

  private final Queue<Held> held = new ArrayDeque<>();

  SlowClient() {
    pipeline()
        .addFirst(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void write(
                  ChannelHandlerContext context, Object message, ChannelPromise promise) {
                held.add(new Held(message, promise));
              }

              @Override
              public void close(ChannelHandlerContext context, ChannelPromise promise) {
                drop();
                context.close(promise);
              }
            });
  }

  /** Takes all that waits for it. */
  void take() {
    for (Held next = held.poll(); next != null; next = held.poll()) {
      ReferenceCountUtil.release(next.message());
      next.promise().setSuccess();
    }
    runPendingTasks();
  }

  private void drop() {
    for (Held next = held.poll(); next != null; next = held.poll()) {
      ReferenceCountUtil.release(next.message());
    }
  }

  @Override
  public boolean isInputShutdown() {
    return false;
  }

  @Override
  public ChannelFuture shutdownInput() {
    return newSucceededFuture();
  }

  @Override
  public ChannelFuture shutdownInput(ChannelPromise promise) {
    return promise.setSuccess();
  }

  @Override
  public boolean isOutputShutdown() {
    return false;
  }

  @Override
  public ChannelFuture shutdownOutput() {
    return newSucceededFuture();
  }

  @Override
  public ChannelFuture shutdownOutput(ChannelPromise promise) {
    return promise.setSuccess();
  }

  @Override
  public boolean isShutdown() {
    return false;
  }

  @Override
  public ChannelFuture shutdown() {
    return newSucceededFuture();
  }

  @Override
  public ChannelFuture shutdown(ChannelPromise promise) {
    return promise.setSuccess();
  }
}
