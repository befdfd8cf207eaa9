package dev.outrider.metrics.proxy.recorded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Relays TCP connections to a Unix socket and takes down what goes through. It knows nothing of the
 * protocol, and hands nothing on before it is taken down: no answer is before its question.
 */
public final class RecordingRelay implements AutoCloseable {
  private static final class Connection {
    final RecordedSession.Recorder recorder = new RecordedSession.Recorder();
    final CountDownLatch ended = new CountDownLatch(2);
  }

  private final Path upstream;
  private final ServerSocketChannel server;
  private final List<Connection> connections = new ArrayList<>();

  /** Listens on a port of all addresses, which containers can reach. */
  public RecordingRelay(Path upstream) throws IOException {
    this.upstream = upstream;
    this.server = ServerSocketChannel.open().bind(new InetSocketAddress(0));
    Thread.ofVirtual().start(this::accept);
  }

  /** Where it listens. */
  public int port() {
    return server.socket().getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = server.accept();
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        SocketChannel postgres = SocketChannel.open(StandardProtocolFamily.UNIX);
        postgres.connect(UnixDomainSocketAddress.of(upstream));
        Connection connection = new Connection();
        synchronized (connections) {
          connections.add(connection);
        }
        Thread.ofPlatform().start(() -> pump(connection, client, postgres, true));
        Thread.ofPlatform().start(() -> pump(connection, postgres, client, false));
      }
    } catch (AsynchronousCloseException e) {
      // The end.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void pump(
      Connection connection, SocketChannel from, SocketChannel to, boolean fromClient) {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    try {
      while (from.read(buffer.clear()) >= 0) {
        buffer.flip();
        connection.recorder.add(fromClient, buffer.array(), buffer.limit());
        while (buffer.hasRemaining()) {
          to.write(buffer);
        }
      }
      to.shutdownOutput();
    } catch (IOException e) {
      // One side is gone; so is the session.
    }
    connection.ended.countDown();
    if (connection.ended.getCount() == 0) {
      try (from;
          to) {
        // Both have said all.
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** What went through since the last call, by connection, once all of it has ended. */
  public List<RecordedSession> take(String name, boolean repeatable) throws InterruptedException {
    List<Connection> taken;
    synchronized (connections) {
      taken = new ArrayList<>(connections);
      connections.clear();
    }
    List<RecordedSession> sessions = new ArrayList<>();
    for (Connection connection : taken) {
      if (!connection.ended.await(20, TimeUnit.SECONDS)) {
        throw new AssertionError(name + " has not ended in 20 s");
      }
      sessions.add(
          connection.recorder.session(
              taken.size() == 1 ? name : name + " " + (sessions.size() + 1), repeatable));
    }
    return sessions;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
