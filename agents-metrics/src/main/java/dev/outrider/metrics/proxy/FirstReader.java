package dev.outrider.metrics.proxy;

/** Is asked whether it reads what has come on a connection, before Netty does. */
public interface FirstReader {
  /**
   * There are bytes to read, on the connection's event loop; it may be called again for those that
   * it leaves.
   *
   * @return whether it has seen to it; if not, Netty reads
   */
  boolean read();
}
