package dev.outrider.metrics.proxy.session;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.haproxy.HAProxyCommand;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyMessageDecoder;
import io.netty.handler.codec.haproxy.HAProxyProtocolException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.function.Consumer;

/**
 * Takes the header of the PROXY protocol off a connection and tells whose it is. See <a
 * href="https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt">The PROXY protocol</a>.
 */
final class ProxyHeader extends ChannelInboundHandlerAdapter {
  // Of what may stand behind the addresses.
  private static final int MAX_EXTENSIONS = 2048;

  private final Consumer<InetSocketAddress> client;
  private final Runnable bad;
  private boolean isBad;

  private ProxyHeader(Consumer<InetSocketAddress> client, Runnable bad) {
    this.client = client;
    this.bad = bad;
  }

  /**
   * Expects a header.
   *
   * @param client told of the client's address, if the header tells it
   * @param bad run if there is no header
   */
  static void expect(ChannelPipeline pipeline, Consumer<InetSocketAddress> client, Runnable bad) {
    pipeline.addFirst(new HAProxyMessageDecoder(MAX_EXTENSIONS), new ProxyHeader(client, bad));
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object read) {
    if (!(read instanceof HAProxyMessage message)) {
      context.fireChannelRead(read);
      return;
    }
    try {
      // Of LOCAL, the balancer itself is the client: it looks whether somebody is there.
      if (message.command() == HAProxyCommand.PROXY && message.sourceAddress() != null) {
        tell(message);
      }
    } finally {
      message.release();
    }
    context.pipeline().remove(this);
  }

  private void tell(HAProxyMessage message) {
    switch (message.proxiedProtocol().addressFamily()) {
      case AF_IPv4, AF_IPv6 ->
          client.accept(
              new InetSocketAddress(
                  InetAddress.ofLiteral(message.sourceAddress()), message.sourcePort()));
      case AF_UNIX, AF_UNSPEC -> {}
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof HAProxyProtocolException) {
      // The decoder closes the connection first, and may say so again when it is closed.
      if (!isBad) {
        isBad = true;
        bad.run();
      }
    } else {
      context.fireExceptionCaught(cause);
    }
  }
}
