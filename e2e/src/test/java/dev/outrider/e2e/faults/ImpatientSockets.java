package dev.outrider.e2e.faults;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import javax.net.SocketFactory;

/** Sockets whose time limits are milliseconds: the driver knows whole seconds only. */
public final class ImpatientSockets extends SocketFactory {
  private static final ThreadLocal<Integer> LAST_PORT = ThreadLocal.withInitial(() -> 0);

  private final int millis;

  /**
   * Called by the driver.
   *
   * @param millis for the connection, and for each read
   */
  public ImpatientSockets(String millis) {
    this.millis = Integer.parseInt(millis);
  }

  /** The local port of the last connection that this thread has made; 0 if there is none. */
  static int lastPort() {
    return LAST_PORT.get();
  }

  @Override
  public Socket createSocket() {
    return new Socket() {
      @Override
      public void connect(SocketAddress endpoint, int timeout) throws IOException {
        super.connect(endpoint, millis);
        super.setSoTimeout(millis);
        LAST_PORT.set(getLocalPort());
      }

      @Override
      public void setSoTimeout(int timeout) throws SocketException {
        super.setSoTimeout(millis);
      }
    };
  }

  @Override
  public Socket createSocket(String host, int port) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
    throw new UnsupportedOperationException();
  }
}
