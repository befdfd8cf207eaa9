package dev.outrider.metrics.proxy.session;

import dev.outrider.metrics.proxy.ProxyMetrics;
import dev.outrider.protocol.backend.ErrorResponse;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a {@link Session} is. Each state holds just what it needs; a transition is a method of the
 * state that it leaves.
 */
sealed interface SessionState {
  /**
   * The client has not sent a byte; nothing is known of what it wants, and Postgres is not
   * bothered.
   */
  record Awaiting() implements SessionState {
    Connecting toConnecting() {
      return new Connecting(new ArrayList<>(1), false);
    }

    Refusing toRefusing(ProxyMetrics.Refusal reason, ErrorResponse answer, ByteBuf received) {
      return new Refusing(reason, answer, received);
    }
  }

  /**
   * The upstream is being connected.
   *
   * @param early what the client has sent meanwhile: its first read, seldom more
   * @param clientDone whether the client has sent its last byte
   */
  record Connecting(List<ByteBuf> early, boolean clientDone) implements SessionState {
    Connecting withClientDone() {
      return new Connecting(early, true);
    }

    Relaying toRelaying(Channel upstream) {
      return new Relaying(upstream, false);
    }

    Refusing toRefusing(ProxyMetrics.Refusal reason, ErrorResponse answer, ByteBuf received) {
      return new Refusing(reason, answer, received);
    }
  }

  /**
   * Bytes go both ways.
   *
   * @param upstream the other side
   * @param clientDone whether the client has sent its last byte, and the upstream knows or is about
   *     to
   */
  record Relaying(Channel upstream, boolean clientDone) implements SessionState {
    Relaying withClientDone() {
      return new Relaying(upstream, true);
    }

    Lingering toLingering() {
      return new Lingering();
    }
  }

  /**
   * The client will get an error as soon as it can understand one.
   *
   * @param reason why, for the metrics
   * @param answer what it will be told
   * @param received what it has sent and is not yet understood
   */
  record Refusing(ProxyMetrics.Refusal reason, ErrorResponse answer, ByteBuf received)
      implements SessionState {
    /** A CancelRequest may pass where a session may not. */
    Connecting toConnecting() {
      return new Connecting(new ArrayList<>(1), false);
    }

    Lingering toLingering() {
      return new Lingering();
    }
  }

  /**
   * Everything for the client is on its way and so is the end of it. What it still sends is thrown
   * away until it ends, too: closing earlier would make the kernel send a reset, which may overtake
   * the last words.
   */
  record Lingering() implements SessionState {}

  /** Both connections are closed or about to be. */
  record Closed() implements SessionState {}
}
