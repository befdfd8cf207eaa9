package dev.outrider.metrics.proxy.upstream;

import dev.outrider.agents.config.HostPort;
import dev.outrider.metrics.proxy.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A Postgres elsewhere. Its name is resolved anew for each connection. */
final class TcpUpstream implements Upstream {
  private final HostPort address;
  private final Transport transport;
  private final Duration connectTimeout;

  TcpUpstream(HostPort address, Transport transport, Duration connectTimeout) {
    this.address = address;
    this.transport = transport;
    this.connectTimeout = connectTimeout;
  }

  @Override
  public ChannelFuture connect(EventLoop loop, ChannelHandler handler) {
    Bootstrap bootstrap =
        Connections.bootstrap(loop, handler, connectTimeout)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true);
    transport.configureTcp(bootstrap);
    return bootstrap.connect(address.host(), address.port());
  }

  @Override
  public boolean isBusy(Throwable cause, long nanos) {
    return false;
  }

  @Override
  public @Nullable String absence() {
    return null;
  }

  @Override
  public String toString() {
    return address.toString();
  }
}
