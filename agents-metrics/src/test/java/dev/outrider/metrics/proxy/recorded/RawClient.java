package dev.outrider.metrics.proxy.recorded;

import dev.outrider.protocol.Values;
import dev.outrider.protocol.frontend.Bind;
import dev.outrider.protocol.frontend.CopyData;
import dev.outrider.protocol.frontend.CopyDone;
import dev.outrider.protocol.frontend.Execute;
import dev.outrider.protocol.frontend.FrontendMessage;
import dev.outrider.protocol.frontend.Parse;
import dev.outrider.protocol.frontend.Query;
import dev.outrider.protocol.frontend.StartupMessage;
import dev.outrider.protocol.frontend.Sync;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A client that sends what it is told, as a user whom Postgres believes without a password. */
public final class RawClient implements AutoCloseable {
  /** The user. */
  static final String USER = "replayer";

  private final DataInputStream in;
  private final OutputStream out;
  private final Closeable socket;
  private final ByteArrayOutputStream received = new ByteArrayOutputStream();
  private byte[] body = new byte[0];
  private int messages;
  private char last;

  /** Over any streams. */
  public RawClient(InputStream in, OutputStream out, Closeable socket) {
    this.in = new DataInputStream(in);
    this.out = out;
    this.socket = socket;
  }

  /** Directly to Postgres. */
  public static RawClient unix(Path path) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(path));
    return new RawClient(
        Channels.newInputStream(channel), Channels.newOutputStream(channel), channel);
  }

  static RawClient tcp(int port) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    return new RawClient(socket.getInputStream(), socket.getOutputStream(), socket);
  }

  /** Logs in. */
  RawClient start(int version, String... more) throws IOException {
    Map<String, String> parameters = new TreeMap<>();
    parameters.put("user", USER);
    parameters.put("database", "postgres");
    parameters.put("application_name", "raw");
    for (int i = 0; i < more.length; i += 2) {
      parameters.put(more[i], more[i + 1]);
    }
    ByteBuf startup = Unpooled.buffer();
    new StartupMessage(version, parameters).encode(startup);
    send(startup);
    until('Z');
    return this;
  }

  /** Logs in. */
  public RawClient start() throws IOException {
    return start(StartupMessage.PROTOCOL_3_0);
  }

  private void send(ByteBuf buffer) throws IOException {
    byte[] bytes = new byte[buffer.readableBytes()];
    buffer.readBytes(bytes);
    send(bytes);
  }

  /** Sends these bytes. */
  public void send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  RawClient send(FrontendMessage... several) throws IOException {
    ByteBuf all = Unpooled.buffer();
    for (FrontendMessage message : several) {
      message.encode(all);
    }
    send(all);
    return this;
  }

  /** Sends a Query and waits until it is answered. */
  public RawClient query(String text) throws IOException {
    send(new Query(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8)));
    return until('Z');
  }

  /**
   * Sends a text and waits until it is answered; of a COPY, with this as its data.
   *
   * @param together by Query, and not by Parse, Bind and Execute
   * @return whether Postgres has taken it
   */
  public boolean says(String text, boolean together, String data) throws IOException {
    ByteBuf sql = Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    if (together) {
      send(new Query(sql));
    } else {
      send(
          new Parse("", sql, List.of()),
          new Bind("", "", List.of(), Values.of(List.of()), List.of()),
          new Execute("", 0),
          Sync.INSTANCE);
    }
    boolean taken = true;
    while (read() && last != 'Z') {
      taken &= last != 'E';
      if (last == 'G') {
        send(new CopyData(Unpooled.copiedBuffer(data, StandardCharsets.UTF_8)), CopyDone.INSTANCE);
        if (!together) {
          // The one before is ignored.
          send(Sync.INSTANCE);
        }
      }
    }
    return taken;
  }

  /** Reads one message; false if there is none any more. */
  boolean read() throws IOException {
    try {
      int type = in.readUnsignedByte();
      int length = in.readInt();
      body = in.readNBytes(length - 4);
      received.write(type);
      for (int shift = 24; shift >= 0; shift -= 8) {
        received.write(length >>> shift);
      }
      received.writeBytes(body);
      messages++;
      last = (char) type;
      return true;
    } catch (EOFException e) {
      return false;
    }
  }

  /** Reads up to a message of this type. */
  RawClient until(char type) throws IOException {
    do {
      if (!read()) {
        throw new AssertionError(
            "no " + type + " in: " + new String(received(), StandardCharsets.ISO_8859_1));
      }
    } while (last != type);
    return this;
  }

  /** Reads on until there were so many messages. */
  void untilMessages(int number) throws IOException {
    while (messages < number) {
      if (!read()) {
        throw new AssertionError(
            "only "
                + messages
                + " messages: "
                + new String(received(), StandardCharsets.ISO_8859_1));
      }
    }
  }

  /** Reads all that is left. */
  void toEnd() throws IOException {
    while (read()) {}
  }

  /** How many messages came. */
  int messages() {
    return messages;
  }

  /** The body of the last message. */
  byte[] body() {
    return body;
  }

  /** All messages. */
  byte[] received() {
    return received.toByteArray();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
