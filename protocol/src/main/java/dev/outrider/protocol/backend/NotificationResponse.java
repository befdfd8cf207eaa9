package dev.outrider.protocol.backend;

import dev.outrider.protocol.BodyReader;
import dev.outrider.protocol.BodyWriter;
import io.netty.buffer.ByteBuf;

/**
 * NotificationResponse (B): what NOTIFY told a channel that this session listens to. Its text form
 * leaves the payload out.
 *
 * <p>See <a href="https://www.postgresql.org/docs/18/protocol-message-formats.html">Message
 * Formats</a>.
 *
 * @param process the process id of the backend that notified
 * @param channel the channel's name
 * @param payload the payload, or empty
 */
public record NotificationResponse(int process, String channel, String payload)
    implements BackendMessage {
  /** Its type. */
  public static final byte TYPE = 'A';

  @Override
  public String toString() {
    return "NotificationResponse[process=" + process + ", channel=" + channel + "]";
  }

  /** Reads the body. */
  public static NotificationResponse decode(ByteBuf body) {
    BodyReader in = new BodyReader("NotificationResponse", body);
    int process = in.int32("process");
    String channel = in.string("channel");
    String payload = in.string("payload");
    in.end();
    return new NotificationResponse(process, channel, payload);
  }

  @Override
  public void encode(ByteBuf out) {
    BodyWriter.begin(out, TYPE).int32(process).string(channel).string(payload).end();
  }
}
