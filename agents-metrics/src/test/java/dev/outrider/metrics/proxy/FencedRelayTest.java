package dev.outrider.metrics.proxy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.metrics.proxy.fence.InstanceFile;
import dev.outrider.metrics.proxy.session.Entrance;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Sessions and the fence, with real sockets, clocks and processes. */
@Timeout(60)
@EnabledOnOs(OS.LINUX)
class FencedRelayTest {
  @TempDir Path folder = Path.of("unset");

  private InstanceFile file() {
    return new InstanceFile(folder.resolve("instance.json"));
  }

  @ParameterizedTest
  @EnumSource
  void sessionsEndAtOnceAndNewOnesHearWhy(Transport transport) throws Exception {
    file().primary(InstanceFile.now(), InstanceFile.now() + 20);
    try (ProxyFixture fixture = ProxyFixture.fenced(transport, file().path())) {
      // Given: one that is used, one that idles, one that has not begun
      assertTrue(fixture.proxy.unready().isEmpty());
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      Socket silent = fixture.connect();
      assertEquals(1, fixture.gauge("outrider_proxy_fence_open"));
      double lease = fixture.gauge("outrider_proxy_lease_seconds");
      assertTrue(lease > 15 && lease <= 20, () -> "lease " + lease);

      // When
      file().role("none", InstanceFile.now());

      // Then
      assertEquals(-1, client.getInputStream().read());
      assertEquals(0, ProxyFixture.readAll(server).length);
      String message =
          "the proxy lets no session through: Patroni does not let the instance serve: a test";
      for (Socket refused : new Socket[] {silent, fixture.connect()}) {
        refused.getOutputStream().write(RefusalTest.startup());
        RefusalTest.assertError("57P03", message, refused.getInputStream());
      }
      assertEquals(1, fixture.counter("outrider_proxy_fenced_sessions"));
      assertEquals(2, fixture.counter("outrider_proxy_refused", "reason", "fence"));
      assertEquals(0, fixture.gauge("outrider_proxy_fence_open"));
      assertTrue(Double.isNaN(fixture.gauge("outrider_proxy_lease_seconds")));
      assertEquals("fence", fixture.proxy.unready().get(0).what());

      // When
      file().role("standby", InstanceFile.now());

      // Then
      ProxyFixture.until(() -> fixture.proxy.unready().isEmpty());
      assertTrue(fixture.opaque(fixture.connect()).isConnected());
    }
  }

  @ParameterizedTest
  @EnumSource
  void nobodyGetsThroughBeforeTheFirstRecord(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.fenced(transport, file().path())) {
      // When
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.startup());

      // Then
      RefusalTest.assertError(
          "57P03",
          "the proxy lets no session through: Patroni has not told what the instance is: no "
              + file().path(),
          client.getInputStream());
      assertTrue(fixture.nobodyConnected());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPromotionEndsNoSession(Transport transport) throws Exception {
    file().role("standby", InstanceFile.now());
    try (ProxyFixture fixture = ProxyFixture.fenced(transport, file().path())) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);

      // When
      file().primary(InstanceFile.now(), InstanceFile.now() + 20);
      ProxyFixture.until(() -> fixture.gauge("outrider_proxy_lease_seconds") > 0);

      // Then
      ProxyFixture.write(server, new byte[] {'y'});
      assertEquals('y', client.getInputStream().read());
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoWantsAPrimaryIsRefusedUntilTheRecordSaysSo(Transport transport) throws Exception {
    file().role("standby", InstanceFile.now());
    try (ProxyFixture fixture =
        ProxyFixture.with(
            transport,
            Map.of("primary.listen", "127.0.0.1:0", "instance", file().path().toString()))) {
      // When
      Socket refused = fixture.connect(Entrance.PRIMARY);
      refused.getOutputStream().write(RefusalTest.startup());

      // Then
      RefusalTest.assertError(
          "57P03",
          "this instance is a standby, and this port is for the primary; try again",
          refused.getInputStream());
      assertTrue(fixture.nobodyConnected());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "standby"));
      assertTrue(fixture.opaque(fixture.connect()).isConnected());

      // When
      byte[] cancel = ByteBuffer.allocate(16).putInt(16).putInt(80877102).array();
      fixture.connect(Entrance.PRIMARY).getOutputStream().write(cancel);

      // Then
      assertArrayEquals(cancel, ProxyFixture.read(fixture.acceptUpstream(), cancel.length));

      // When
      file().primary(InstanceFile.now(), InstanceFile.now() + 20);
      ProxyFixture.until(() -> fixture.gauge("outrider_proxy_lease_seconds") > 0);

      // Then
      assertTrue(fixture.opaque(fixture.connect(Entrance.PRIMARY)).isConnected());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLeaseThatRunsOutEndsSessionsOnTime(Transport transport) throws Exception {
    double end = InstanceFile.now() + 2.5;
    file().primary(InstanceFile.now(), end);
    try (ProxyFixture fixture = ProxyFixture.fenced(transport, file().path())) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);

      // Then
      assertEquals(-1, client.getInputStream().read());
      double ended = InstanceFile.now();
      assertTrue(ended > end - 1.02 && ended < end, ended + " for a lease that ended " + end);
      assertEquals(0, ProxyFixture.readAll(server).length);
    }
  }

  /** A proxy in a process of its own, which can be stopped as a frozen container is. */
  private final class Stoppable implements AutoCloseable {
    final int port;
    final Process process;
    private final ServerSocketChannel upstream;
    private final Path sockets;

    Stoppable() throws IOException {
      // Not JUnit's folder: the path of a Unix socket must be short.
      sockets = Files.createTempDirectory("px");
      try (ServerSocket free = new ServerSocket(0)) {
        port = free.getLocalPort();
      }
      upstream = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      upstream.bind(UnixDomainSocketAddress.of(sockets.resolve("s")));
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  "dev.outrider.agents.Main",
                  "proxy",
                  "--listen=127.0.0.1:" + port,
                  "--http-listen=127.0.0.1:0",
                  "--upstream=unix:" + sockets.resolve("s"),
                  "--instance=" + file().path(),
                  "--drain-folder=" + folder.resolve("drain"))
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("log").toFile())
              .start();
      ProxyFixture.until(() -> log().contains("listening"));
      upstream.accept().close();
    }

    String log() {
      try {
        File log = folder.resolve("log").toFile();
        return log.exists() ? Files.readString(log.toPath(), UTF_8) : "";
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }

    Socket connect() throws IOException {
      Socket client = new Socket();
      client.setReceiveBufferSize(4096);
      client.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      client.setSoTimeout(10_000);
      return client;
    }

    /** A session whose messages are none of the protocol. */
    SocketChannel opaque(Socket client) throws IOException {
      byte[] startup = RefusalTest.startup();
      client.getOutputStream().write(startup);
      client.getOutputStream().write(new byte[ProxyFixture.NO_MESSAGE]);
      SocketChannel server = upstream.accept();
      byte[] _ = ProxyFixture.read(server, startup.length + ProxyFixture.NO_MESSAGE);
      return server;
    }

    /** Whether bytes to a client are on their way that the proxy has given to the kernel. */
    boolean kernelHoldsBytes() throws IOException {
      for (String table : new String[] {"/proc/net/tcp", "/proc/net/tcp6"}) {
        for (String line : Files.readAllLines(Path.of(table))) {
          String[] fields = line.strip().split("\\s+", 6);
          if (fields[1].endsWith(String.format(":%04X", port))
              && !fields[4].startsWith("00000000:")) {
            return true;
          }
        }
      }
      return false;
    }

    void signal(String signal) throws Exception {
      assertEquals(
          0, new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor());
    }

    @Override
    public void close() throws IOException {
      process.destroyForcibly();
      upstream.close();
      Files.deleteIfExists(sockets.resolve("s"));
      Files.delete(sockets);
    }
  }

  private static void until(double time) {
    ProxyFixture.until(
        () -> {
          try {
            return InstanceFile.now() > time;
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void aProxyThatWasStoppedHandsOnNothingOnTheLeaseOfBefore() throws Exception {
    file().role("standby", InstanceFile.now());
    try (Stoppable proxy = new Stoppable();
        Socket used = proxy.connect();
        Socket slow = proxy.connect()) {
      // Given: a session at work
      SocketChannel usedServer = proxy.opaque(used);
      ProxyFixture.write(usedServer, new byte[] {'y'});
      assertEquals('y', used.getInputStream().read());
      // and one whose client takes nothing, so that everything on the way is full
      SocketChannel slowServer = proxy.opaque(slow);
      slowServer.configureBlocking(false);
      ByteBuffer piece = ByteBuffer.allocate(1 << 14);
      long[] last = {System.nanoTime()};
      ProxyFixture.until(
          () -> {
            try {
              if (slowServer.write(piece.clear()) > 0) {
                last[0] = System.nanoTime();
              }
            } catch (IOException e) {
              throw new AssertionError(e);
            }
            return System.nanoTime() - last[0] > TimeUnit.MILLISECONDS.toNanos(200);
          });
      // and a lease that the proxy has seen
      double end = InstanceFile.now() + 3;
      file().primary(InstanceFile.now(), end);
      until(InstanceFile.now() + 0.5);

      // When it is stopped, and everybody goes on
      proxy.signal("STOP");
      used.getOutputStream().write("late question".getBytes(ISO_8859_1));
      ProxyFixture.write(usedServer, "late answer".getBytes(ISO_8859_1));
      // What the kernel has was handed on before.
      slow.setSoTimeout(200);
      while (proxy.kernelHoldsBytes() || readUntilTimeout(slow) > 0) {
        long _ = readUntilTimeout(slow);
      }
      until(end);
      proxy.signal("CONT");

      // Then
      slow.setSoTimeout(10_000);
      assertEquals(-1, end(used));
      assertEquals(-1, end(slow));
      assertEquals(-1, end(usedServer));
      ProxyFixture.until(() -> proxy.log().contains("the fence is shut"));
      assertTrue(proxy.log().contains("\"sessions\":2"), proxy::log);
    }
  }

  private static long readUntilTimeout(Socket client) throws IOException {
    byte[] into = new byte[1 << 16];
    long read = 0;
    try {
      while (true) {
        read += client.getInputStream().read(into);
      }
    } catch (SocketTimeoutException e) {
      return read;
    }
  }

  private static int end(Socket client) throws IOException {
    try {
      return client.getInputStream().read();
    } catch (SocketException e) {
      // A reset: the proxy closed while there were bytes of the client that it had not read.
      return -1;
    }
  }

  private static int end(SocketChannel server) throws IOException {
    try {
      return server.read(ByteBuffer.allocate(1));
    } catch (SocketException e) {
      return -1;
    }
  }
}
