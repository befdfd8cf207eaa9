package dev.outrider.protocol.frame;

import io.netty.buffer.ByteBuf;

/**
 * Is told of all that both sides of a connection say, in the order in which it comes, so that the
 * bytes are gone through once for everybody. Called by whoever feeds the {@link Turns}.
 */
public interface Witness {
  /** The client asks for the end of a query on another connection, and says no more. */
  void cancel();

  /**
   * The client's start-up message.
   *
   * @param packet the whole message from its length field on, only for the time of the call
   */
  void startup(ByteBuf packet);

  /**
   * Nothing more will be told: the connection is encrypted between its ends, or does not speak the
   * protocol.
   */
  void opaque();

  /** Is told of every message of the client after its start-up message. */
  MessageSink frontend();

  /** Is told of every message of Postgres. */
  MessageSink backend();
}
