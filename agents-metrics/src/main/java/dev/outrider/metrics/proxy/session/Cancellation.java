package dev.outrider.metrics.proxy.session;

import dev.outrider.metrics.proxy.fence.Fence;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A connection to Postgres that says one CancelRequest. */
// A write or a close that fails is told to the handlers, not by its future.
@SuppressWarnings("FutureReturnValueIgnored")
final class Cancellation extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(Cancellation.class);
  private static final long LIMIT_SECONDS = 10;

  private final byte[] request;
  private final Fence.Pass pass;
  private boolean sent;

  Cancellation(byte[] request, Fence.Pass pass) {
    this.request = request;
    this.pass = pass;
  }

  /** Whether Postgres has it; on the event loop. */
  boolean isSent() {
    return sent;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    if (!pass.isGood()) {
      context.close();
      return;
    }
    context
        .writeAndFlush(Unpooled.wrappedBuffer(request))
        .addListener(written -> sent = written.isSuccess());
    // Postgres answers nothing, and closes when it has sent the signal.
    context.executor().schedule(() -> context.close(), LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.atDebug().addKeyValue("problem", cause.getMessage()).log("a query was not cancelled");
    context.close();
  }
}
