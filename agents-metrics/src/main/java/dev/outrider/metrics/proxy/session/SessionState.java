package dev.outrider.metrics.proxy.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a {@link Session} is. Each state holds just what it needs; a transition is a method of the
 * state that it leaves.
 */
sealed interface SessionState {
  /**
   * It is not known yet what the client wants, and Postgres is not bothered.
   *
   * @param received what it has said so far; null if nothing, or nothing since the answer to its
   *     request for encryption
   */
  record Awaiting(@Nullable ByteBuf received) implements SessionState {
    /** With what came now. The buffer is not larger than what is in it: most say no more. */
    Awaiting with(ByteBuf bytes) {
      ByteBuf all = received == null ? Unpooled.buffer(bytes.readableBytes()) : received;
      all.writeBytes(bytes);
      bytes.release();
      return new Awaiting(all);
    }

    Connecting toConnecting() {
      return new Connecting(new ArrayList<>(1), false);
    }

    Lingering toLingering() {
      return new Lingering(false);
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

    Lingering toLingering() {
      return new Lingering(true);
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
      return new Lingering(true);
    }
  }

  /**
   * Everything for the client is on its way and so is the end of it. What it still sends is thrown
   * away until it ends, too: closing earlier would make the kernel send a reset, which may overtake
   * last words.
   *
   * @param owing whether it is of a session that was admitted, and not all is written yet
   */
  record Lingering(boolean owing) implements SessionState {
    Lingering toWritten() {
      return new Lingering(false);
    }
  }

  /** Both connections are closed or about to be. */
  record Closed() implements SessionState {}
}
