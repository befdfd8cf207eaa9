package dev.outrider.metrics.proxy.recorded;

import dev.outrider.protocol.MalformedMessageException;
import dev.outrider.protocol.frontend.OpeningMessage;
import dev.outrider.protocol.frontend.StartupMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Says again what a client said, as a user who needs no password, and each time waits until as many
 * messages have come as had come before.
 */
public final class Player {
  /** Some of what the client said after it was let in. */
  private static final class Part {
    final byte[] bytes;
    final int after;

    Part(byte[] bytes, int after) {
      this.bytes = bytes;
      this.after = after;
    }
  }

  private final byte[] startup;
  private final List<Part> parts = new ArrayList<>();
  private final int all;
  private final boolean saysGoodbye;

  /** Of a session that was let in. */
  public Player(RecordedSession recorded) throws MalformedMessageException {
    ByteBuffer client = ByteBuffer.wrap(recorded.said(true));
    int declined = 0;
    while (client.getInt(client.position() + 4) != StartupMessage.PROTOCOL_3_0
        && client.getInt(client.position() + 4) != StartupMessage.PROTOCOL_3_2) {
      client.position(client.position() + client.getInt(client.position()));
      declined++;
    }
    startup = startup(client);
    while (client.hasRemaining() && client.get(client.position()) == 'p') {
      client.position(client.position() + 1 + client.getInt(client.position() + 1));
    }
    int begin = client.position();
    List<Integer> ends = ends(recorded.said(false), declined);
    int letIn = 0;
    byte[] postgres = recorded.said(false);
    int first = declined;
    while (postgres[first] != 'Z') {
      first = ends.get(letIn++);
    }
    letIn++;
    all = ends.size() - letIn;
    int clientAt = 0;
    int postgresAt = 0;
    for (RecordedSession.Turn turn : recorded.turns()) {
      if (turn.fromClient()) {
        int from = Math.max(begin - clientAt, 0);
        clientAt += turn.bytes().length;
        if (from < turn.bytes().length) {
          int came = postgresAt;
          int before = (int) ends.stream().filter(end -> end <= came).count();
          parts.add(
              new Part(
                  Arrays.copyOfRange(turn.bytes(), from, turn.bytes().length),
                  Math.max(before - letIn, 0)));
        }
      } else {
        postgresAt += turn.bytes().length;
      }
    }
    byte[] last = recorded.said(true);
    saysGoodbye = last.length > 4 && last[last.length - 5] == 'X';
  }

  private static byte[] startup(ByteBuffer client) throws MalformedMessageException {
    int length = client.getInt(client.position());
    ByteBuf packet = Unpooled.wrappedBuffer(client.slice(client.position(), length));
    client.position(client.position() + length);
    if (!(OpeningMessage.decode(packet) instanceof StartupMessage message)) {
      throw new IllegalArgumentException("no session");
    }
    Map<String, String> parameters = new LinkedHashMap<>(message.parameters());
    parameters.put("user", RawClient.USER);
    ByteBuf again = Unpooled.buffer();
    new StartupMessage(message.protocol(), parameters).encode(again);
    byte[] bytes = new byte[again.readableBytes()];
    again.readBytes(bytes);
    return bytes;
  }

  /** Where each message ends. */
  private static List<Integer> ends(byte[] postgres, int from) {
    ByteBuffer in = ByteBuffer.wrap(postgres).position(from);
    List<Integer> ends = new ArrayList<>();
    while (in.hasRemaining()) {
      in.position(in.position() + 1 + in.getInt(in.position() + 1));
      ends.add(in.position());
    }
    return ends;
  }

  /**
   * Says it all.
   *
   * @return what Postgres said, but for what differs from one session to the next
   */
  public byte[] play(RawClient client) throws IOException {
    client.send(startup);
    client.until('Z');
    int letIn = client.messages();
    for (Part part : parts) {
      client.untilMessages(letIn + part.after);
      client.send(part.bytes);
    }
    client.untilMessages(letIn + all);
    if (saysGoodbye) {
      client.toEnd();
    }
    return PlainCount.withoutKeys(client.received());
  }

  /** All that the client says. */
  public byte[] said() {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    said.writeBytes(startup);
    parts.forEach(part -> said.writeBytes(part.bytes));
    return said.toByteArray();
  }
}
