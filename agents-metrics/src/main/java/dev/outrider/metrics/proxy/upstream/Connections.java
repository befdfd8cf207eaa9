package dev.outrider.metrics.proxy.upstream;

import dev.outrider.metrics.proxy.session.Buffers;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import java.time.Duration;

/** What all connections to an upstream have in common. */
final class Connections {
  private Connections() {}

  static Bootstrap bootstrap(EventLoop loop, ChannelHandler handler, Duration connectTimeout) {
    return new Bootstrap()
        .group(loop)
        .handler(handler)
        .option(ChannelOption.ALLOCATOR, Buffers.ALLOCATOR)
        .option(ChannelOption.RECVBUF_ALLOCATOR, Buffers.receive())
        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, Buffers.WATER_MARKS)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(connectTimeout.toMillis()))
        // A Postgres that has ended says why before it closes: a write that fails must not throw
        // that away.
        .option(ChannelOption.AUTO_CLOSE, false);
  }
}
