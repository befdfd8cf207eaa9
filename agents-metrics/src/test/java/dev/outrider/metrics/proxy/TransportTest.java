package dev.outrider.metrics.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TransportTest {
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private final BlockingQueue<Channel> connected = new LinkedBlockingQueue<>();
  private volatile boolean mine = true;

  @Test
  void whatTheFirstReaderReadsNettyDoesNotAndTheEndIsNettys() throws Exception {
    assumeTrue(Transport.best() == Transport.EPOLL);
    try (Listening listening = new Listening(Transport.EPOLL);
        Socket client = listening.connect()) {
      // When
      client.getOutputStream().write("one".getBytes(US_ASCII));

      // Then
      assertEquals("first: one", next());

      // When
      mine = false;
      client.getOutputStream().write("two".getBytes(US_ASCII));

      // Then
      assertEquals("left", next());
      assertEquals("Netty: two", next());

      // When
      mine = true;
      client.shutdownOutput();

      // Then
      assertEquals("end", next());
      assertNull(heard.poll());
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void nothingIsLostWhereNobodyElseCanRead(Transport transport) throws Exception {
    assumeTrue(transport == Transport.NIO || Transport.best() == Transport.EPOLL);
    mine = false;
    try (Listening listening = new Listening(transport);
        Socket client = listening.connect()) {
      // When
      client.getOutputStream().write("one".getBytes(US_ASCII));

      // Then
      if (transport == Transport.EPOLL) {
        assertEquals("left", next());
      }
      assertEquals("Netty: one", next());
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void fewClientsShareAnEventLoopAndManyHaveAll(Transport transport) throws Exception {
    assumeTrue(transport == Transport.NIO || Transport.best() == Transport.EPOLL);
    List<Socket> clients = new ArrayList<>();
    List<EventLoop> of = new ArrayList<>();
    try (Listening listening = new Listening(transport, 2)) {
      // When
      for (int i = 0; i < 3 * EventLoops.FULL; i++) {
        clients.add(listening.connect());
        of.add(Objects.requireNonNull(connected.poll(60, TimeUnit.SECONDS)).eventLoop());
      }
    } finally {
      for (Socket client : clients) {
        client.close();
      }
    }

    // Then
    // The listener has one place.
    assertEquals(Set.of(of.getFirst()), Set.copyOf(of.subList(0, EventLoops.FULL - 1)));
    assertEquals(2, Set.copyOf(of).size());
    int onFirst = Collections.frequency(of, of.getFirst());
    assertTrue(Math.abs(2 * onFirst - of.size()) <= 2, onFirst + " of " + of.size());
  }

  private @Nullable String next() throws InterruptedException {
    return heard.poll(60, TimeUnit.SECONDS);
  }

  private boolean read(Channel client) {
    if (!mine) {
      heard.add("left");
      return false;
    }
    FileDescriptor socket = ((UnixChannel) client).fd();
    ByteBuffer bytes = ByteBuffer.allocateDirect(100);
    try {
      int length = socket.read(bytes, 0, bytes.capacity());
      if (length <= 0) {
        return false;
      }
      byte[] read = new byte[length];
      bytes.get(0, read);
      heard.add("first: " + new String(read, US_ASCII));
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A listener that tells what its clients send, and who has read it. */
  private final class Listening implements AutoCloseable {
    private final EventLoopGroup loops;
    private final Channel listener;

    Listening(Transport transport) {
      this(transport, 1);
    }

    Listening(Transport transport, int eventLoops) {
      loops = transport.eventLoops(eventLoops, () -> {});
      ServerBootstrap bootstrap =
          new ServerBootstrap()
              .group(loops)
              .childHandler(
                  new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel client) {
                      client.pipeline().addLast(new Telling());
                    }
                  });
      transport.configure(bootstrap);
      listener =
          bootstrap
              .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .syncUninterruptibly()
              .channel();
    }

    Socket connect() throws IOException {
      InetSocketAddress address = (InetSocketAddress) listener.localAddress();
      return new Socket(address.getAddress(), address.getPort());
    }

    @Override
    public void close() {
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }
  }

  private final class Telling extends ChannelInboundHandlerAdapter {
    @Override
    public void channelActive(ChannelHandlerContext context) {
      Transport.readFirst(context.channel(), () -> read(context.channel()));
      connected.add(context.channel());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      heard.add("Netty: " + bytes.toString(US_ASCII));
      bytes.release();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      heard.add("end");
    }
  }
}
