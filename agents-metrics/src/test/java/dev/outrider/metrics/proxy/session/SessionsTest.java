package dev.outrider.metrics.proxy.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.metrics.proxy.ProxyMetrics;
import dev.outrider.metrics.proxy.fence.BootClock;
import dev.outrider.metrics.proxy.fence.Fence;
import dev.outrider.metrics.proxy.tls.Authority;
import dev.outrider.metrics.proxy.tls.ClientTls;
import dev.outrider.metrics.proxy.upstream.Upstream;
import dev.outrider.metrics.proxy.upstream.UpstreamHealth;
import dev.outrider.protocol.backend.Authentication;
import dev.outrider.protocol.backend.BackendKeyData;
import dev.outrider.protocol.backend.ParameterStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions whose time and whose connections the test has in its hands. */
// A write or a close that fails is told to the handlers, not by its future. And Netty's own
// channels
// do with no other handle.
@SuppressWarnings({"FutureReturnValueIgnored", "deprecation"})
class SessionsTest {
  private static final long BOUND = 7;

  /** Postgres, whose connections the test keeps. */
  private static final class Postgres implements Upstream {
    final List<EmbeddedChannel> connections = new ArrayList<>();
    int refuses;
    int attempts;

    @Override
    public ChannelFuture connect(EventLoop loop, ChannelHandler handler) {
      attempts++;
      if (refuses > 0) {
        refuses--;
        EmbeddedChannel refused = new EmbeddedChannel();
        ChannelFuture failed = refused.newFailedFuture(new IOException("refused"));
        refused.close();
        return failed;
      }
      EmbeddedChannel connection = new EmbeddedChannel(handler);
      connections.add(connection);
      return connection.newSucceededFuture();
    }

    @Override
    public boolean isBusy(Throwable cause, long nanos) {
      return false;
    }

    @Override
    public @Nullable String absence() {
      return null;
    }
  }

  private final Postgres postgres = new Postgres();
  private final Fence fence =
      new Fence(null, BootClock.system(), System::nanoTime, Clock.systemUTC());
  private final ProxyMetrics metrics =
      new ProxyMetrics(new PrometheusRegistry(), () -> 0, fence, () -> null);
  private final Sessions sessions;
  private int drained;

  SessionsTest() {
    UpstreamHealth health =
        new UpstreamHealth(() -> postgres, new EmbeddedChannel().eventLoop(), Clock.systemUTC());
    health.end();
    fence.look();
    sessions =
        new Sessions(
            metrics,
            () -> postgres,
            health,
            fence,
            new Sessions.Limits(5, BOUND, 5, 3),
            ProxyConfig.DEFAULTS,
            null);
  }

  private static ByteBuf startup() {
    byte[] parameters = "user\0shop\0database\0shop\0\0".getBytes(UTF_8);
    return Unpooled.buffer()
        .writeInt(8 + parameters.length)
        .writeInt(196608)
        .writeBytes(parameters);
  }

  private static ByteBuf hello() {
    ByteBuf hello = Unpooled.buffer();
    new Authentication.Ok().encode(hello);
    new BackendKeyData(4711, Unpooled.wrappedBuffer(new byte[32])).encode(hello);
    return hello.writeByte('Z').writeInt(5).writeByte('I');
  }

  private static ByteBuf query() {
    return Unpooled.buffer().writeByte('Q').writeInt(6).writeByte('x').writeByte(0);
  }

  /** A session that Postgres has let in; of what it has said, the client has taken nothing. */
  private SlowClient letIn() {
    SlowClient client = new SlowClient();
    sessions.accept(client, Entrance.ANY);
    client.writeInbound(startup());
    EmbeddedChannel server = postgres.connections.getLast();
    server.writeInbound(hello());
    server.releaseOutbound();
    return client;
  }

  /** Ends its side, which is what the proxy sees first; its connection's clock goes on. */
  private static void vanish(SlowClient client) {
    client.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
    client.runPendingTasks();
  }

  private static void pass(EmbeddedChannel channel, long millis) {
    channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
  }

  private static ByteBuf hello(String inHotStandby) {
    ByteBuf hello = Unpooled.buffer();
    new Authentication.Ok().encode(hello);
    new ParameterStatus("in_hot_standby", inHotStandby).encode(hello);
    return hello.writeByte('Z').writeInt(5).writeByte('I');
  }

  /** All that the client has got, which is what was said before or an error behind it. */
  private static byte[] got(EmbeddedChannel client) {
    ByteBuf all = Unpooled.buffer();
    for (ByteBuf part = client.readOutbound(); part != null; part = client.readOutbound()) {
      all.writeBytes(part);
      part.release();
    }
    return ByteBufUtil.getBytes(all);
  }

  /**
   * Wherever what Postgres says is cut, a client for whom it should be a primary gets no
   * ReadyForQuery of a standby, and an error where one can stand.
   */
  @Test
  void aStandbyIsRefusedInTheLogInWhereverThatIsCut() {
    ByteBuf hello = hello("on");
    int okEnd = 9;
    int told = okEnd + 5 + "in_hot_standby.on.".length();
    for (int cut = 0; cut < told; cut++) {
      // Given
      EmbeddedChannel client = new EmbeddedChannel();
      sessions.accept(client, Entrance.PRIMARY);
      client.writeInbound(startup());
      EmbeddedChannel server = postgres.connections.getLast();

      // When
      server.writeInbound(hello.copy(0, cut));
      server.writeInbound(hello.copy(cut, hello.readableBytes() - cut));
      server.releaseOutbound();

      // Then
      byte[] got = got(client);
      byte[] before = ByteBufUtil.getBytes(hello, 0, cut);
      assertArrayEquals(before, Arrays.copyOf(got, cut));
      String error = new String(got, cut, got.length - cut, UTF_8);
      if (cut == 0 || cut == okEnd) {
        assertTrue(error.contains("C57P03\0Mthis instance is a standby, and this port"), error);
      } else {
        assertEquals("", error);
        assertFalse(client.isActive());
      }
      assertFalse(server.isActive());
      client.close();
    }
  }

  @Test
  void whoeverMayHaveAStandbyGetsItAndOneThatIsNoneIsLetInEverywhere() {
    for (Entrance entrance : Entrance.values()) {
      for (String standby : List.of("on", "off")) {
        if (entrance == Entrance.PRIMARY && standby.equals("on")) {
          continue;
        }
        // Given
        EmbeddedChannel client = new EmbeddedChannel();
        sessions.accept(client, entrance);
        client.writeInbound(startup());
        EmbeddedChannel server = postgres.connections.getLast();

        // When
        server.writeInbound(hello(standby));

        // Then
        assertArrayEquals(ByteBufUtil.getBytes(hello(standby)), got(client));

        // When it becomes one or the other later
        ByteBuf changed = Unpooled.buffer();
        new ParameterStatus("in_hot_standby", "on").encode(changed);
        server.writeInbound(changed.copy());

        // Then
        assertArrayEquals(ByteBufUtil.getBytes(changed), got(client));
        server.releaseOutbound();
        client.close();
      }
    }
  }

  @Test
  void aDrainWaitsForClientsThatAreSlowToTakeTheLast() {
    // Given
    SlowClient client = letIn();
    postgres.connections.getLast().close();

    // When
    sessions.drain(() -> drained++);
    client.runPendingTasks();
    // Then
    assertEquals(0, drained);

    // When
    client.take();
    // Then
    assertEquals(1, drained);
    client.close();
    client.runPendingTasks();
    assertEquals(1, drained);
  }

  @Test
  void anIdleSessionThatADrainEndsIsWaitedForToo() {
    // Given
    SlowClient client = letIn();

    // When
    sessions.drain(() -> drained++);
    client.runPendingTasks();
    // Then
    assertFalse(postgres.connections.getLast().isActive());
    assertEquals(0, drained);

    // When
    client.take();
    // Then
    assertEquals(1, drained);
  }

  @Test
  void aDrainThatTakesTooLongWaitsForNobody() {
    // Given
    SlowClient client = letIn();
    postgres.connections.getLast().close();
    sessions.drain(() -> drained++);

    // When
    sessions.cut();
    client.runPendingTasks();

    // Then
    assertEquals(1, drained);
    assertFalse(client.isActive());
  }

  @Test
  void aClientThatTakesNothingAnyMoreIsClosed() {
    // Given
    SlowClient client = letIn();
    postgres.connections.getLast().close();

    // When
    pass(client, BOUND * 1000 - 1);
    // Then
    assertTrue(client.isActive());

    // When
    pass(client, 1);
    // Then
    assertFalse(client.isActive());
    assertEquals(0, sessions.size());
  }

  private ClientTls tls(Path folder) throws Exception {
    new Authority("servers")
        .identity("CN=proxy", null, Duration.ofDays(90))
        .write(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    ProxyConfig config =
        ProxyConfig.from(
            ProxyConfig.DEFAULTS
                .toTree()
                .with("tls.certificate", folder.resolve("tls.crt").toString(), "test")
                .with("tls.key", folder.resolve("tls.key").toString(), "test"));
    ClientTls tls = ClientTls.load(config.tls(), Clock.systemUTC(), metrics);
    sessions.configure(config, tls);
    return tls;
  }

  @Test
  void ofManyThatBeginTlsAndGoNotOnTheFirstIsClosed(@TempDir Path folder) throws Exception {
    try (ClientTls _ = tls(folder)) {
      List<EmbeddedChannel> strangers = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        // When: half a ClientHello, at once or after a SSLRequest
        EmbeddedChannel stranger = new EmbeddedChannel();
        strangers.add(stranger);
        sessions.accept(stranger, Entrance.ANY);
        if (i % 2 == 1) {
          stranger.writeInbound(Unpooled.buffer().writeInt(8).writeInt(80877103));
          ByteBuf yes = stranger.readOutbound();
          assertEquals('S', yes.readByte());
          yes.release();
        }
        stranger.writeInbound(Unpooled.buffer().writeBytes(new byte[] {0x16, 3, 1, 1, 0, 1}));
        strangers.forEach(EmbeddedChannel::runPendingTasks);

        // Then
        for (int other = 0; other <= i; other++) {
          assertEquals(other > i - 3, strangers.get(other).isActive());
        }
      }
      assertEquals(3, sessions.size());
      strangers.forEach(EmbeddedChannel::finishAndReleaseAll);
    }
  }

  @AfterEach
  void memoryIsPlenty() {
    sessions.economise(0, 128);
  }

  private static int read(RecvByteBufAllocator.Handle reads) {
    ByteBuf buffer = reads.allocate(ByteBufAllocator.DEFAULT);
    int size = buffer.writableBytes();
    buffer.release();
    return size;
  }

  @Test
  void whenBuffersTakeMuchAllSessionsDoWithLess() {
    // Given: a side that has much to say
    SlowClient before = letIn();
    EmbeddedChannel upstream = postgres.connections.getLast();
    RecvByteBufAllocator.Handle reads = Buffers.receive().newHandle();
    for (int i = 0; i < 10; i++) {
      reads.reset(upstream.config());
      reads.attemptedBytesRead(read(reads));
      reads.lastBytesRead(reads.attemptedBytesRead());
      reads.readComplete();
    }
    assertEquals(64 << 10, read(reads));
    sessions.economise(64, 128);
    before.runPendingTasks();
    assertEquals(64 << 10, read(reads));

    // When
    sessions.economise(65, 128);
    before.runPendingTasks();
    SlowClient after = letIn();

    // Then
    assertEquals(8 << 10, before.config().getWriteBufferHighWaterMark());
    assertEquals(8 << 10, upstream.config().getWriteBufferHighWaterMark());
    assertEquals(8 << 10, after.config().getWriteBufferHighWaterMark());
    assertEquals(8 << 10, postgres.connections.getLast().config().getWriteBufferHighWaterMark());
    assertEquals(4 << 10, read(reads));

    // When: not yet, and then
    sessions.economise(49, 128);
    assertEquals(4 << 10, read(reads));
    sessions.economise(48, 128);
    before.runPendingTasks();

    // Then
    assertEquals(64 << 10, before.config().getWriteBufferHighWaterMark());
    assertEquals(64 << 10, upstream.config().getWriteBufferHighWaterMark());
    assertEquals(64 << 10, read(reads));
  }

  @Test
  void aQueryWhoseCancelPostgresRefusesIsCancelledALittleLater() {
    // Given
    SlowClient client = letIn();
    client.writeInbound(query());
    postgres.connections.getLast().releaseOutbound();
    postgres.attempts = 0;
    postgres.refuses = 2;

    // When: the client vanishes
    vanish(client);
    // Then
    assertEquals(1, postgres.attempts);
    assertEquals(0, metrics.cancelled.get());

    // When
    pass(client, 100);
    pass(client, 200);
    // Then
    assertEquals(3, postgres.attempts);
    EmbeddedChannel cancel = postgres.connections.getLast();
    cancel.runPendingTasks();
    ByteBuf request = cancel.readOutbound();
    assertEquals(12 + 32, request.readableBytes());
    request.release();

    // When
    cancel.close();
    cancel.runPendingTasks();
    // Then
    assertEquals(1, metrics.cancelled.get());
  }

  @Test
  void aPostgresThatIsAwayIsNotAskedForEver() {
    // Given
    SlowClient client = letIn();
    client.writeInbound(query());
    postgres.connections.getLast().releaseOutbound();
    postgres.attempts = 0;
    postgres.refuses = 100;

    // When
    vanish(client);
    for (int second = 0; second < 60; second++) {
      pass(client, 1000);
    }

    // Then
    assertEquals(Cancellations.ATTEMPTS, postgres.attempts);
    assertEquals(0, metrics.cancelled.get());
  }
}
