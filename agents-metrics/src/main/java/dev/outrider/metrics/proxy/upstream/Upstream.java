package dev.outrider.metrics.proxy.upstream;

import dev.outrider.agents.config.UpstreamAddress;
import dev.outrider.metrics.proxy.Transport;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoop;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A Postgres to which sessions are led. Safe for all threads. */
public interface Upstream {
  /**
   * Opens a connection.
   *
   * @param loop the event loop it belongs to: the client's, so that the two sides of a session
   *     never need a lock
   * @param handler what is told of the connection from the start
   * @return fails with an {@link java.io.IOException} when there is nobody, or not in time
   */
  ChannelFuture connect(EventLoop loop, ChannelHandler handler);

  /**
   * Whether an attempt failed only because too many came at once, so that another one soon is worth
   * it.
   *
   * @param cause why it failed
   * @param nanos how long this client has tried already
   */
  boolean isBusy(Throwable cause, long nanos);

  /** Why nobody can be there, as far as it shows without a connection; null if somebody may be. */
  @Nullable String absence();

  /** The upstream of an address. */
  static Upstream of(UpstreamAddress address, Transport transport, Duration connectTimeout) {
    return switch (address) {
      case UpstreamAddress.UnixSocket unix ->
          new LocalSocket(unix.path(), transport, connectTimeout);
      case UpstreamAddress.Tcp tcp -> new TcpUpstream(tcp.address(), transport, connectTimeout);
    };
  }
}
