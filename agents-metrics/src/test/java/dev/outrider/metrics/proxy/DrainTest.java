package dev.outrider.metrics.proxy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How sessions end in a drain: the test is Postgres and its clients. */
@Timeout(60)
class DrainTest {
  private static final String GONE =
      "terminating connection: the instance is going away; connect again";
  private static final String DOWN = "the proxy is shutting down; try again";

  /** Messages with a short body; a ReadyForQuery tells its status by the character behind. */
  private static byte[] messages(String types) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    for (int i = 0; i < types.length(); i++) {
      char type = types.charAt(i);
      out.writeByte(type);
      out.writeInt(type == 'Z' ? 5 : 7);
      out.writeBytes(type == 'Z' ? String.valueOf(types.charAt(++i)) : "abc");
    }
    return bytes.toByteArray();
  }

  /** A session that has said hello. */
  private static final class Talk {
    final Socket client;
    final SocketChannel server;

    Talk(ProxyFixture fixture) throws IOException {
      client = fixture.connect();
      client.getOutputStream().write(RefusalTest.startup());
      server = fixture.acceptUpstream();
      assertEquals(
          RefusalTest.startup().length,
          ProxyFixture.read(server, RefusalTest.startup().length).length);
      answer("RSKZI");
    }

    Talk ask(String types) throws IOException {
      byte[] bytes = messages(types);
      client.getOutputStream().write(bytes);
      assertArrayEquals(bytes, ProxyFixture.read(server, bytes.length));
      return this;
    }

    Talk answer(String types) throws IOException {
      byte[] bytes = messages(types);
      ProxyFixture.write(server, bytes);
      assertArrayEquals(bytes, client.getInputStream().readNBytes(bytes.length));
      return this;
    }

    void assertEnded() throws IOException {
      RefusalTest.assertError("57P01", GONE, client.getInputStream());
      assertEquals(0, ProxyFixture.readAll(server).length);
    }
  }

  private static void assertDrained(ProxyFixture fixture, String how, int sessions) {
    ProxyFixture.until(
        () -> fixture.counter("outrider_proxy_drained_sessions", "end", how) == sessions);
  }

  @ParameterizedTest
  @EnumSource
  void idleSessionsEndAtOnce(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Talk fresh = new Talk(fixture);
      Talk used = new Talk(fixture).ask("PBDES").answer("12TDCZI");
      Talk listening = new Talk(fixture).ask("Q").answer("CZI").answer("A");
      Talk replicating = new Talk(fixture).ask("Q").answer("Wdd");
      Talk halfClosed = new Talk(fixture);
      halfClosed.client.shutdownOutput();
      assertEquals(-1, halfClosed.server.read(ByteBuffer.allocate(1)));
      CountDownLatch ended = new CountDownLatch(1);

      // When
      fixture.proxy.drain(ended::countDown);

      // Then
      for (Talk talk : new Talk[] {fresh, used, listening, replicating, halfClosed}) {
        talk.assertEnded();
      }
      assertTrue(ended.await(10, TimeUnit.SECONDS));
      assertDrained(fixture, "idle", 5);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theOthersEndWhenTheyAreIdle(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Talk transaction = new Talk(fixture).ask("Q").answer("CZT");
      Talk failed = new Talk(fixture).ask("Q").answer("EZE");
      Talk pipelined = new Talk(fixture).ask("QQ").answer("CZI");
      Talk unsynced = new Talk(fixture).ask("PBEH").answer("12C");
      Talk copying = new Talk(fixture).ask("Q").answer("G").ask("ddS");
      CountDownLatch ended = new CountDownLatch(1);

      // When
      fixture.proxy.drain(ended::countDown);

      // Then
      transaction.ask("Q").answer("TDCZT").ask("Q").answer("CZI");
      transaction.assertEnded();
      failed.ask("Q").answer("CZI");
      failed.assertEnded();
      pipelined.answer("DDD").answer("CZI");
      pipelined.assertEnded();
      unsynced.ask("S").answer("ZI");
      unsynced.assertEnded();
      assertEquals(1, ended.getCount());
      copying.ask("ddc").answer("CZI");
      copying.assertEnded();
      assertTrue(ended.await(10, TimeUnit.SECONDS));
      assertDrained(fixture, "finished", 5);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anErrorStandsBetweenTwoMessages(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Talk replicating = new Talk(fixture).ask("Q").answer("W");
      byte[] data = messages("d");
      ProxyFixture.write(replicating.server, new byte[] {data[0], data[1], data[2]});
      InputStream in = replicating.client.getInputStream();
      assertEquals(3, in.readNBytes(3).length);

      // When
      fixture.proxy.drain(() -> {});
      ProxyFixture.write(replicating.server, Arrays.copyOfRange(data, 3, data.length));

      // Then
      assertEquals(data.length - 3, in.readNBytes(data.length - 3).length);
      RefusalTest.assertError("57P01", GONE, in);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aClientThatIsNotLetInYetIsRefused(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Socket client = fixture.connect();
      client.getOutputStream().write(RefusalTest.startup());
      SocketChannel server = fixture.acceptUpstream();
      assertEquals(1, ProxyFixture.read(server, 1).length);

      // When
      fixture.proxy.drain(() -> {});

      // Then
      RefusalTest.assertError("57P03", DOWN, client.getInputStream());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aQueryCanBeCancelledInADrain(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Talk busy = new Talk(fixture).ask("Q");
      CountDownLatch ended = new CountDownLatch(1);
      fixture.proxy.drain(ended::countDown);

      // When: after SSLRequest, and in two pieces
      Socket canceller = fixture.connect();
      canceller.getOutputStream().write(ByteBuffer.allocate(8).putInt(8).putInt(80877103).array());
      assertEquals('N', canceller.getInputStream().read());
      byte[] request =
          ByteBuffer.allocate(16).putInt(16).putInt(80877102).putInt(1).putInt(2).array();
      canceller.getOutputStream().write(request, 0, 11);
      canceller.getOutputStream().write(request, 11, 5);

      // Then
      SocketChannel cancel = fixture.acceptUpstream();
      assertArrayEquals(request, ProxyFixture.read(cancel, 16));
      cancel.close();
      assertEquals(-1, canceller.getInputStream().read());
      assertEquals(0, fixture.counter("outrider_proxy_refused", "reason", "draining"));

      // When
      Socket late = fixture.connect();
      late.getOutputStream().write(RefusalTest.startup());
      // Then
      RefusalTest.assertError("57P03", DOWN, late.getInputStream());
      assertEquals(1, fixture.counter("outrider_proxy_refused", "reason", "draining"));

      // When
      busy.answer("EZI");
      // Then
      busy.assertEnded();
      assertTrue(ended.await(10, TimeUnit.SECONDS));
    }
  }

  @ParameterizedTest
  @EnumSource
  void atTheBoundWhoeverIsLeftIsCutAndHearsSoIfPossible(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given
      Talk transaction = new Talk(fixture).ask("Q").answer("CZT");
      Talk strange = new Talk(fixture);
      strange.client.getOutputStream().write(new byte[5]);
      assertEquals(5, ProxyFixture.read(strange.server, 5).length);
      CountDownLatch ended = new CountDownLatch(1);
      fixture.proxy.drain(ended::countDown);
      assertEquals(1, fixture.counter("outrider_proxy_decoder_desync", "reason", "frontend_type"));

      // When
      fixture.proxy.cut();

      // Then
      transaction.assertEnded();
      assertEquals(-1, strange.client.getInputStream().read());
      assertTrue(ended.await(10, TimeUnit.SECONDS));
      assertDrained(fixture, "cut", 2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSessionThatOnlySeemsIdleEndsAfterSomeSilence(Transport transport) throws Exception {
    try (ProxyFixture fixture = ProxyFixture.with(transport)) {
      // Given: a COPY that failed, after a Sync that Postgres may have read or not
      Talk copied =
          new Talk(fixture).ask("PBDES").answer("12nG").ask("d").answer("E").ask("fS").answer("ZI");

      // When
      fixture.proxy.drain(() -> {});

      // Then
      copied.assertEnded();
    }
  }
}
