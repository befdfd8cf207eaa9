package dev.outrider.metrics.proxy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bytes through the proxy, with real sockets on both sides. */
@Timeout(60)
class RelayTest {
  private static final long GIBIBYTE = 1L << 30;
  // Kernel buffers of both sockets at their largest, the water marks, and what is read at once.
  private static final long IN_FLIGHT = 16L << 20;

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void endThreads() {
    threads.shutdownNow();
  }

  @ParameterizedTest
  @EnumSource
  void bytesGoBothWays(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      client.getOutputStream().write(bytes("question"));

      // When
      byte[] question = ProxyFixture.read(server, 8);
      ProxyFixture.write(server, bytes("answer"));

      // Then
      assertArrayEquals(bytes("question"), question);
      assertArrayEquals(bytes("answer"), client.getInputStream().readNBytes(6));
      assertEquals(
          RefusalTest.startup().length + ProxyFixture.NO_MESSAGE + 8,
          fixture.counter("outrider_proxy_received_bytes", "from", "client"));
      assertEquals(6, fixture.counter("outrider_proxy_received_bytes", "from", "upstream"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoeverSaysNothingDoesNotBotherPostgres(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_connections") == 1);

      // When
      client.shutdownOutput();

      // Then
      assertEquals(-1, client.getInputStream().read());
      assertTrue(fixture.nobodyConnected());
    }
  }

  @ParameterizedTest
  @EnumSource
  void theClientsHalfCloseGoesThroughAndTheAnswerStillComes(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      client.getOutputStream().write(bytes("last"));
      client.shutdownOutput();

      // When
      byte[] received = ProxyFixture.readAll(server);
      ProxyFixture.write(server, bytes("answer"));
      server.close();

      // Then
      assertArrayEquals(bytes("last"), received);
      assertArrayEquals(bytes("answer"), client.getInputStream().readAllBytes());
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_connections") == 1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSessionCutAtAnyByteArrivesUpToThatByte(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      byte[] conversation = new byte[40];
      new Random(42).nextBytes(conversation);
      for (int cut = 1; cut <= conversation.length; cut++) {
        // Given
        Socket client = fixture.connect();
        OutputStream out = client.getOutputStream();
        SocketChannel server = fixture.opaque(client);

        // When
        for (int i = 0; i < cut; i++) {
          out.write(conversation[i]);
          // One by one, so that the proxy cannot but read them one by one.
          assertArrayEquals(new byte[] {conversation[i]}, ProxyFixture.read(server, 1));
          ProxyFixture.write(server, new byte[] {conversation[i]});
          assertEquals(conversation[i] & 0xff, client.getInputStream().read());
        }
        client.close();

        // Then
        assertEquals(0, ProxyFixture.readAll(server).length);
        server.close();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGibibyteGoesToASlowClientInBoundedMemory(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      AtomicLong sent = new AtomicLong();
      Future<Long> sender =
          threads.submit(
              () -> {
                long checksum = pour(piece -> ProxyFixture.write(server, piece), sent);
                server.close();
                return checksum;
              });

      // When
      long stalledAt = stall(sent);
      InputStream in = client.getInputStream();
      long received = drain(in::read);

      // Then
      assertTrue(stalledAt < IN_FLIGHT, "taken without a reader: " + stalledAt);
      assertEquals(sender.get(), received);
      assertEquals(GIBIBYTE, sent.get());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGibibyteGoesToASlowPostgresInBoundedMemory(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      AtomicLong sent = new AtomicLong();
      Future<Long> sender =
          threads.submit(
              () -> {
                OutputStream out = client.getOutputStream();
                long checksum = pour(out::write, sent);
                client.shutdownOutput();
                return checksum;
              });

      // When
      long stalledAt = stall(sent);
      long received = drain(array -> server.read(ByteBuffer.wrap(array)));

      // Then
      assertTrue(stalledAt < IN_FLIGHT, "taken without a reader: " + stalledAt);
      assertEquals(sender.get(), received);
      assertEquals(GIBIBYTE, sent.get());
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatAFinishedPostgresLeftReachesAClientThatPauses(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      server.configureBlocking(false);

      // When: every buffer on the way is full
      ByteBuffer piece = ByteBuffer.allocate(1 << 14);
      AtomicLong sent = new AtomicLong();
      AtomicLong lastTaken = new AtomicLong(System.nanoTime());
      ProxyFixture.until(
          () -> {
            long taken = write(server, piece.clear());
            if (taken > 0) {
              sent.addAndGet(taken);
              lastTaken.set(System.nanoTime());
            }
            return System.nanoTime() - lastTaken.get() > TimeUnit.MILLISECONDS.toNanos(300);
          });
      server.close();
      ProxyFixture.until(new Elapsed(TimeUnit.MILLISECONDS.toNanos(300)));

      // Then
      assertEquals(sent.get(), client.getInputStream().transferTo(OutputStream.nullOutputStream()));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatAFinishedClientLeftReachesAPostgresThatPauses(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      SocketChannel client = SocketChannel.open(fixture.proxy.address());
      SocketChannel server = fixture.opaque(Channels.newOutputStream(client));
      client.configureBlocking(false);

      // When: every buffer on the way is full
      ByteBuffer piece = ByteBuffer.allocate(1 << 14);
      AtomicLong sent = new AtomicLong();
      AtomicLong lastTaken = new AtomicLong(System.nanoTime());
      ProxyFixture.until(
          () -> {
            long taken = write(client, piece.clear());
            if (taken > 0) {
              sent.addAndGet(taken);
              lastTaken.set(System.nanoTime());
            }
            return System.nanoTime() - lastTaken.get() > TimeUnit.MILLISECONDS.toNanos(300);
          });
      client.shutdownOutput();
      ProxyFixture.until(new Elapsed(TimeUnit.MILLISECONDS.toNanos(300)));

      // Then
      long received = 0;
      ByteBuffer into = ByteBuffer.allocate(1 << 16);
      for (int length = server.read(into); length >= 0; length = server.read(into.clear())) {
        received += length;
      }
      assertEquals(sent.get(), received);
      client.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLastWordsOfPostgresArriveThoughItTakesNothingMore(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      for (int round = 0; round < 20; round++) {
        // Given
        Socket client = fixture.connect();
        SocketChannel server = fixture.opaque(client);
        CountDownLatch flooding = new CountDownLatch(1);
        Future<?> flood =
            threads.submit(
                () -> {
                  byte[] piece = new byte[1 << 16];
                  try {
                    for (int i = 0; i < 1000; i++) {
                      client.getOutputStream().write(piece);
                      flooding.countDown();
                    }
                  } catch (IOException e) {
                    // The other side is gone, as it should be.
                  }
                });

        // When
        flooding.await();
        byte[] lastWords = new byte[100_000];
        Arrays.fill(lastWords, (byte) 'w');
        ProxyFixture.write(server, lastWords);
        server.close();

        // Then
        assertArrayEquals(lastWords, client.getInputStream().readAllBytes());
        client.close();
        flood.get();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aClientThatBreaksOffEndsTheUpstreamsSide(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);

      // When: a reset
      client.setSoLinger(true, 0);
      client.close();

      // Then
      assertEquals(0, ProxyFixture.readAll(server).length);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aStormOfClientsWaitsUntilPostgresHasAccepted(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.withoutUpstream(transport)) {
      // Given: an upstream with room for one or two
      fixture.listen(1);
      ProxyFixture.until(() -> fixture.proxy.unready().isEmpty());

      // When
      for (int i = 0; i < 10; i++) {
        fixture.connect().getOutputStream().write(RefusalTest.startup());
      }
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_connections") == 10);
      ProxyFixture.until(new Elapsed(TimeUnit.MILLISECONDS.toNanos(100)));

      // Then: the probe and all clients
      int arrived = 0;
      for (int i = 0; i < 11; i++) {
        arrived += ProxyFixture.read(fixture.acceptUpstream(), 1).length;
      }
      assertEquals(10, arrived);
      assertEquals(0, fixture.counter("outrider_proxy_refused", "reason", "upstream"));
      assertTrue(fixture.proxy.unready().isEmpty());
    }
  }

  @ParameterizedTest
  @EnumSource
  void manySessionsAtOnceDoNotMixUp(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given: an upstream that echoes
      Future<?> echo =
          threads.submit(
              () -> {
                while (true) {
                  SocketChannel server = fixture.acceptUpstream();
                  Future<?> _ = threads.submit(() -> echo(server));
                }
              });

      // When
      Callable<Boolean> session =
          () -> {
            Random random = new Random();
            try (Socket client = fixture.connect()) {
              byte[] startup = RefusalTest.startup();
              client.getOutputStream().write(startup);
              client.getOutputStream().write(new byte[ProxyFixture.NO_MESSAGE]);
              byte[] _ =
                  client.getInputStream().readNBytes(startup.length + ProxyFixture.NO_MESSAGE);
              for (int i = 0; i < 50; i++) {
                byte[] message = new byte[1 + random.nextInt(20_000)];
                random.nextBytes(message);
                client.getOutputStream().write(message);
                if (!Arrays.equals(message, client.getInputStream().readNBytes(message.length))) {
                  return false;
                }
              }
              return true;
            }
          };
      var sessions =
          threads.invokeAll(java.util.Collections.nCopies(50, session), 50, TimeUnit.SECONDS);

      // Then
      for (Future<Boolean> one : sessions) {
        assertTrue(one.get());
      }
      echo.cancel(true);
      ProxyFixture.until(() -> fixture.proxy.stuck().isEmpty());
      assertNull(fixture.crash.get());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDrainLetsSessionsGoOnAndRefusesNewOnes(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      Socket silent = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      CountDownLatch ended = new CountDownLatch(1);
      ProxyFixture.until(() -> fixture.counter("outrider_proxy_connections") == 2);

      // When
      fixture.proxy.drain(ended::countDown);

      // Then
      ProxyFixture.write(server, bytes("still here"));
      assertArrayEquals(bytes("still here"), client.getInputStream().readNBytes(10));
      assertEquals(1, ended.getCount());

      // When
      silent.getOutputStream().write(RefusalTest.startup());

      // Then
      RefusalTest.assertError(
          "57P03", "the proxy is shutting down; try again", silent.getInputStream());

      // When
      client.close();
      server.close();

      // Then
      assertTrue(ended.await(10, TimeUnit.SECONDS));
      assertEquals(1, fixture.counter("outrider_proxy_drained_sessions", "end", "own"));
      ProxyFixture.until(() -> isRefused(fixture));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theEndOfADrainCutsWhatIsLeft(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      SocketChannel server = fixture.opaque(client);
      CountDownLatch ended = new CountDownLatch(1);
      fixture.proxy.drain(ended::countDown);

      // When
      fixture.proxy.cut();

      // Then
      assertTrue(ended.await(10, TimeUnit.SECONDS));
      assertEquals(-1, client.getInputStream().read());
      assertEquals(0, ProxyFixture.readAll(server).length);
      assertEquals(1, fixture.counter("outrider_proxy_drained_sessions", "end", "cut"));
    }
  }

  private static long write(SocketChannel out, ByteBuffer bytes) {
    try {
      return out.write(bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private record Elapsed(long deadline) implements BooleanSupplier {
    Elapsed {
      deadline += System.nanoTime();
    }

    @Override
    public boolean getAsBoolean() {
      return System.nanoTime() - deadline > 0;
    }
  }

  private static boolean isRefused(ProxyFixture fixture) {
    try {
      fixture.connect();
      return false;
    } catch (SocketException e) {
      return true;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void echo(SocketChannel server) {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 14);
    try (server) {
      while (server.read(buffer.clear()) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          server.write(buffer);
        }
      }
    } catch (IOException e) {
      // The session is over.
    }
  }

  private interface Out {
    void write(byte[] piece) throws IOException;
  }

  private interface In {
    int read(byte[] into) throws IOException;
  }

  private static long pour(Out out, AtomicLong sent) throws IOException {
    byte[] piece = new byte[1 << 15];
    new Random(42).nextBytes(piece);
    CRC32 checksum = new CRC32();
    while (sent.get() < GIBIBYTE) {
      out.write(piece);
      sent.addAndGet(piece.length);
      checksum.update(piece);
    }
    return checksum.getValue();
  }

  private static long drain(In in) throws IOException {
    byte[] piece = new byte[1 << 18];
    CRC32 checksum = new CRC32();
    for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
      checksum.update(piece, 0, length);
    }
    return checksum.getValue();
  }

  /** Waits until nothing more is taken; returns how much was. */
  private static long stall(AtomicLong sent) {
    AtomicLong before = new AtomicLong(-1);
    AtomicLong since = new AtomicLong(System.nanoTime());
    ProxyFixture.until(
        () -> {
          long now = sent.get();
          if (now != before.getAndSet(now)) {
            since.set(System.nanoTime());
          }
          return now > 0 && System.nanoTime() - since.get() > TimeUnit.MILLISECONDS.toNanos(300);
        });
    return sent.get();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(ISO_8859_1);
  }
}
