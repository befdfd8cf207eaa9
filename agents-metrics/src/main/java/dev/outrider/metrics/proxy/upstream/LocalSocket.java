package dev.outrider.metrics.proxy.upstream;

import dev.outrider.metrics.proxy.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoop;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The Postgres beside the proxy, on its Unix socket. */
final class LocalSocket implements Upstream {
  // What strerror(3) says, the only trace that the causes of both transports have of it.
  private static final String EAGAIN = "Resource temporarily unavailable";

  private final Path socket;
  private final Transport transport;
  private final Duration connectTimeout;

  LocalSocket(Path socket, Transport transport, Duration connectTimeout) {
    this.socket = socket;
    this.transport = transport;
    this.connectTimeout = connectTimeout;
  }

  @Override
  public ChannelFuture connect(EventLoop loop, ChannelHandler handler) {
    Bootstrap bootstrap = Connections.bootstrap(loop, handler, connectTimeout);
    transport.configureUnix(bootstrap, socket);
    return bootstrap.connect();
  }

  /**
   * A Unix socket has no place where a connection could wait for one in the listener's backlog, as
   * TCP has: connect(2) fails with EAGAIN at once. Postgres's backlog is twice its max_connections,
   * which a storm of clients may exceed.
   */
  @Override
  public boolean isBusy(Throwable cause, long nanos) {
    return nanos < connectTimeout.toNanos() && String.valueOf(cause.getMessage()).contains(EAGAIN);
  }

  @Override
  public @Nullable String absence() {
    return Files.exists(socket) ? null : "no socket at " + socket;
  }

  @Override
  public String toString() {
    return "unix:" + socket;
  }
}
