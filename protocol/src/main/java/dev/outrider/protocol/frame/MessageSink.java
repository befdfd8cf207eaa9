package dev.outrider.protocol.frame;

import io.netty.buffer.ByteBuf;

/** Is told of the messages whose types it has asked for, in their order. */
public interface MessageSink {
  /**
   * A message has begun: its type and its length are known, its body may still be on its way.
   *
   * @param type the first byte
   * @param length of the body, in bytes, without the length field
   * @return how many bytes of the body are wanted, from its start; 0 for none
   */
  int begin(byte type, int length);

  /**
   * The next bytes that are wanted of the message that began last; called as often as they come in
   * pieces.
   *
   * @param in holds them and is to be left as it is
   * @param index where they start
   * @param length how many they are
   */
  void body(ByteBuf in, int index, int length);
}
