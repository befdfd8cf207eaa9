package dev.outrider.metrics.proxy;

import dev.outrider.agents.config.HostPort;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.metrics.proxy.session.Buffers;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import java.net.InetSocketAddress;
import java.util.function.Consumer;

/** Where clients connect. */
// A close that fails has nothing to tell.
@SuppressWarnings("FutureReturnValueIgnored")
final class Listener implements AutoCloseable {
  // What the kernel may hold of clients that are not accepted yet; net.core.somaxconn bounds it
  // further.
  private static final int BACKLOG = 4096;

  private final Channel channel;

  private Listener(Channel channel) {
    this.channel = channel;
  }

  /**
   * Has the address from now on; nobody is taken in before {@link #open}.
   *
   * @param key which key of the configuration says so
   * @param accept takes each client on its event loop
   * @throws AgentException if the address cannot be listened on
   */
  static Listener bind(
      String key,
      HostPort listen,
      Transport transport,
      EventLoopGroup loops,
      ProxyMetrics metrics,
      Consumer<Channel> accept) {
    InetSocketAddress address = new InetSocketAddress(listen.host(), listen.port());
    if (address.isUnresolved()) {
      throw new AgentException(key + ": the host of " + listen + " is not known", null);
    }
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loops)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.AUTO_READ, false)
            .handler(new AcceptFailures(metrics))
            .childOption(ChannelOption.ALLOCATOR, Buffers.ALLOCATOR)
            .childOption(ChannelOption.RECVBUF_ALLOCATOR, Buffers.receive())
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, Buffers.WATER_MARKS)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel client) {
                    accept.accept(client);
                  }
                });
    transport.configure(bootstrap);
    ChannelFuture bound = bootstrap.bind(address).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new AgentException(
          key + ": cannot listen on " + listen + ": " + bound.cause().getMessage(), bound.cause());
    }
    return new Listener(bound.channel());
  }

  /** Takes in who has connected, and who connects from now on. */
  void open() {
    channel.config().setAutoRead(true);
  }

  /** Where it listens: tells the port if the configuration left it open. */
  InetSocketAddress address() {
    return (InetSocketAddress) channel.localAddress();
  }

  boolean isOpen() {
    return channel.isActive();
  }

  /** Does what {@link #close} does, without waiting until it is done. */
  void closeSoon() {
    channel.close();
  }

  /**
   * Frees the address: whoever comes from now on, or waits to be accepted, is refused by the kernel
   * at once.
   */
  @Override
  public void close() {
    channel.close().awaitUninterruptibly();
  }

  /** Counts; Netty then waits for a second before it accepts again. */
  private static final class AcceptFailures extends ChannelInboundHandlerAdapter {
    private final ProxyMetrics metrics;

    AcceptFailures(ProxyMetrics metrics) {
      this.metrics = metrics;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      metrics.acceptFailures.inc();
      context.fireExceptionCaught(cause);
    }
  }
}
