package dev.outrider.metrics.proxy;

import dev.outrider.agents.config.KeepAlive;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.UnixChannel;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;

/** How the proxy talks to the kernel. */
public enum Transport {
  /**
   * Linux's epoll by native code: fewer system calls, less garbage, and the options of TCP
   * keep-alive.
   */
  EPOLL,
  /** Java's own sockets, where there is no native code for the platform. */
  NIO;

  /**
   * Threads that relay, unless the configuration says otherwise: more are worth their memory only
   * to who asks.
   */
  static final int DEFAULT_EVENT_LOOPS = Math.min(Runtime.getRuntime().availableProcessors(), 8);

  static {
    NettyProperties.set(DEFAULT_EVENT_LOOPS);
  }

  /** The best one that works here. */
  public static Transport best() {
    return Epoll.isAvailable() ? EPOLL : NIO;
  }

  /**
   * Makes event loops; their threads start with their first connection.
   *
   * @param beforeWrite run before bytes are written that waited for room; Java's own sockets, which
   *     are for platforms without the kernel's record of leases' time, do without
   */
  EventLoopGroup eventLoops(int number, Runnable beforeWrite) {
    IoHandlerFactory factory =
        switch (this) {
          case EPOLL -> SteadyEpoll.newFactory(beforeWrite);
          case NIO -> NioIoHandler.newFactory();
        };
    return new EventLoops(number, factory);
  }

  /** Makes it a listener on TCP. */
  void configure(ServerBootstrap listener) {
    switch (this) {
      case EPOLL -> listener.channel(EpollServerSocketChannel.class);
      case NIO -> listener.channel(NioServerSocketChannel.class);
    }
  }

  /**
   * Has the kernel ask a client whether it is still there. Java's own sockets ask as the system has
   * it by default.
   */
  void keepAlive(Channel client, KeepAlive keepAlive) {
    switch (this) {
      case EPOLL -> {
        ChannelConfig config = client.config();
        config.setOption(EpollChannelOption.TCP_KEEPIDLE, (int) keepAlive.idle().toSeconds());
        config.setOption(EpollChannelOption.TCP_KEEPINTVL, (int) keepAlive.interval().toSeconds());
        config.setOption(EpollChannelOption.TCP_KEEPCNT, keepAlive.count());
      }
      case NIO -> {}
    }
  }

  /**
   * Has what comes on a connection read by somebody else than Netty, where the transport can; to be
   * called on its event loop.
   */
  public static void readFirst(Channel connection, FirstReader reader) {
    if (connection instanceof UnixChannel) {
      SteadyEpoll.readFirst(connection, reader);
    }
  }

  /** Makes it a connection over TCP. */
  public void configureTcp(Bootstrap connection) {
    switch (this) {
      case EPOLL -> connection.channel(EpollSocketChannel.class);
      case NIO -> connection.channel(NioSocketChannel.class);
    }
  }

  /** Makes it a connection to a Unix socket. */
  public void configureUnix(Bootstrap connection, Path socket) {
    SocketAddress address =
        switch (this) {
          case EPOLL -> new DomainSocketAddress(socket.toString());
          case NIO -> UnixDomainSocketAddress.of(socket);
        };
    switch (this) {
      case EPOLL -> connection.channel(EpollDomainSocketChannel.class);
      case NIO -> connection.channel(NioDomainSocketChannel.class);
    }
    connection.remoteAddress(address);
  }
}
