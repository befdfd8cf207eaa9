package dev.outrider.metrics.proxy;

import dev.outrider.agents.AgentCommand.Surroundings;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.HostPort;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.config.UpstreamAddress;
import dev.outrider.metrics.proxy.session.Buffers;
import dev.outrider.metrics.proxy.session.Entrance;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A proxy before a Unix socket on which the test plays Postgres. */
final class ProxyFixture implements AutoCloseable {
  /** So many zeros begin no message. */
  static final int NO_MESSAGE = 5;

  final Path folder;
  final Path socket;
  final ProxyAgent proxy;
  final PrometheusRegistry metrics = new PrometheusRegistry();
  final AtomicReference<@Nullable Throwable> crash = new AtomicReference<>();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private @Nullable ServerSocketChannel upstream;

  private ProxyFixture(
      Path folder, Transport transport, int maxConnections, @Nullable Path instance) {
    this(folder, transport, config(folder.resolve("s"), maxConnections, instance));
  }

  private ProxyFixture(Path folder, Transport transport, ProxyConfig config) {
    this.folder = folder;
    this.socket = folder.resolve("s");
    this.proxy =
        new ProxyAgent(config, new Surroundings(metrics, Clock.systemUTC(), crash::set), transport);
  }

  /** With these keys on top of the configuration of all tests. */
  static ProxyFixture with(Transport transport, Map<String, String> keys) throws IOException {
    Path folder = Files.createTempDirectory("px");
    ConfigTree tree = config(folder.resolve("s"), 100).toTree();
    for (Map.Entry<String, String> key : keys.entrySet()) {
      tree = tree.with(key.getKey(), key.getValue(), "test");
    }
    ProxyFixture fixture = new ProxyFixture(folder, transport, ProxyConfig.from(tree));
    fixture.begin();
    return fixture;
  }

  static ProxyFixture withoutUpstream(Transport transport) throws IOException {
    // Not JUnit's folder: the path of a Unix socket must be short.
    ProxyFixture fixture = new ProxyFixture(Files.createTempDirectory("px"), transport, 100, null);
    fixture.proxy.start();
    return fixture;
  }

  static ProxyFixture with(Transport transport, int maxConnections) throws IOException {
    ProxyFixture fixture =
        new ProxyFixture(Files.createTempDirectory("px"), transport, maxConnections, null);
    fixture.begin();
    return fixture;
  }

  /** With a fence; its record may be anything. */
  static ProxyFixture fenced(Transport transport, Path instance) throws IOException {
    ProxyFixture fixture =
        new ProxyFixture(Files.createTempDirectory("px"), transport, 100, instance);
    fixture.begin();
    return fixture;
  }

  private void begin() throws IOException {
    listen();
    proxy.start();
    until(() -> proxy.unready().stream().noneMatch(problem -> problem.what().equals("upstream")));
    // The probe that found the upstream.
    acceptUpstream().close();
  }

  static ProxyFixture with(Transport transport) throws IOException {
    return with(transport, 100);
  }

  static ProxyConfig config(Path socket, int maxConnections) {
    return config(socket, maxConnections, null);
  }

  private static ProxyConfig config(Path socket, int maxConnections, @Nullable Path instance) {
    ProxyConfig defaults = ProxyConfig.DEFAULTS;
    return new ProxyConfig(
        new HostPort("127.0.0.1", 0),
        null,
        new UpstreamAddress.UnixSocket(socket),
        instance,
        defaults.tls(),
        defaults.refusedUsers(),
        defaults.access(),
        defaults.proxyProtocol(),
        defaults.http(),
        null,
        Duration.ofSeconds(2),
        defaults.startupTimeout(),
        defaults.keepAlive(),
        defaults.cancelOnDisconnect(),
        defaults.logConnections(),
        defaults.drainTimeout(),
        defaults.drainFolder(),
        maxConnections,
        2,
        defaults.metrics(),
        defaults.traces(),
        defaults.log());
  }

  void listen() throws IOException {
    listen(0);
  }

  void listen(int backlog) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket), backlog);
    upstream = server;
  }

  SocketChannel acceptUpstream() throws IOException {
    ServerSocketChannel server = upstream;
    if (server == null) {
      throw new IllegalStateException("nobody listens");
    }
    SocketChannel session = server.accept();
    opened.add(session);
    return session;
  }

  boolean nobodyConnected() throws IOException {
    ServerSocketChannel server = upstream;
    if (server == null) {
      return true;
    }
    server.configureBlocking(false);
    try (SocketChannel session = server.accept()) {
      return session == null;
    } finally {
      server.configureBlocking(true);
    }
  }

  Socket connect() throws IOException {
    return connect(proxy.address());
  }

  Socket connect(Entrance entrance) throws IOException {
    return connect(proxy.address(entrance));
  }

  Socket connect(InetSocketAddress address) throws IOException {
    Socket client = new Socket(address.getAddress(), address.getPort());
    client.setSoTimeout(20_000);
    client.setTcpNoDelay(true);
    opened.add(client);
    return client;
  }

  /**
   * Begins a session whose messages are none of the protocol, so that anything may be sent.
   *
   * @return the side of Postgres, which has read all that was sent for that
   */
  SocketChannel opaque(Socket client) throws IOException {
    return opaque(client.getOutputStream());
  }

  SocketChannel opaque(OutputStream client) throws IOException {
    byte[] startup = RefusalTest.startup();
    client.write(startup);
    SocketChannel server = acceptUpstream(startup);
    client.write(new byte[NO_MESSAGE]);
    if (read(server, NO_MESSAGE).length != NO_MESSAGE) {
      throw new AssertionError("the session did not begin");
    }
    return server;
  }

  /**
   * The session that begins with these bytes, which are read. The proxy connects by itself as well,
   * a second after a session was ended from here, and says nothing.
   */
  SocketChannel acceptUpstream(byte[] startup) throws IOException {
    while (true) {
      SocketChannel server = acceptUpstream();
      byte[] said = read(server, startup.length);
      if (Arrays.equals(startup, said)) {
        return server;
      }
      if (said.length > 0) {
        throw new AssertionError("the session began otherwise");
      }
    }
  }

  /** The value of a counter, 0 if it has none of these labels. */
  double counter(String name, String... labels) {
    for (MetricSnapshot snapshot : metrics.scrape()) {
      if (snapshot instanceof CounterSnapshot counter
          && counter.getMetadata().getName().equals(name)) {
        return counter.getDataPoints().stream()
            .filter(point -> point.getLabels().equals(Labels.of(labels)))
            .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
            .sum();
      }
    }
    throw new IllegalArgumentException("no counter " + name);
  }

  /** The value of a gauge without labels; NaN if it has none now. */
  double gauge(String name) {
    for (MetricSnapshot snapshot : metrics.scrape()) {
      if (snapshot instanceof GaugeSnapshot gauge && gauge.getMetadata().getName().equals(name)) {
        return gauge.getDataPoints().isEmpty()
            ? Double.NaN
            : gauge.getDataPoints().get(0).getValue();
      }
    }
    throw new IllegalArgumentException("no gauge " + name);
  }

  /** Waits for something that comes about on another thread. */
  static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("did not come about in 20 s");
      }
      try {
        boolean _ = new CountDownLatch(1).await(5, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  static void write(SocketChannel out, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
  }

  static byte[] read(SocketChannel in, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining() && in.read(buffer) >= 0) {}
    byte[] bytes = new byte[buffer.position()];
    buffer.flip().get(bytes);
    return bytes;
  }

  /** What is used after a collection, bytes: heap, and what buffers have taken of the system. */
  static long memory() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() + Buffers.used();
  }

  /** Everything to the end. */
  static byte[] readAll(SocketChannel in) throws IOException {
    return read(in, 1 << 16);
  }

  @Override
  public void close() throws IOException {
    for (AutoCloseable resource : opened) {
      try {
        resource.close();
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
    proxy.stop();
    ServerSocketChannel server = upstream;
    if (server != null) {
      server.close();
    }
    Files.deleteIfExists(socket);
    Files.delete(folder);
  }
}
