package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.frame.MessageScanner;

/** How long messages are on the wire. */
final class MessageLength {
  private MessageLength() {}

  /** The bytes of a message whose body has so many. */
  static int of(int body) {
    return body + MessageScanner.HEADER_LENGTH;
  }
}
