package dev.outrider.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** Bytes that are no messages, or not quite. The seed is printed, and set by {@code fuzz.seed}. */
public final class Fuzz {
  private Fuzz() {}

  /** Takes a body. */
  public interface Target {
    /** Takes a body of this type. */
    void accept(byte type, ByteBuf body, Random random);
  }

  /** A source of chance for this test, whose seed is printed. */
  public static Random random(String test) {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.out.println(test + ": -Dfuzz.seed=" + seed);
    return new Random(seed);
  }

  /** Bodies of random types: garbage, and messages with a few bytes changed, cut or added. */
  public static void bodies(int rounds, List<ByteBuf> corpus, Target target) {
    Random random = random("Fuzz.bodies");
    for (int round = 0; round < rounds; round++) {
      ByteBuf frame;
      if (random.nextInt(4) == 0) {
        byte[] bytes = new byte[5 + random.nextInt(40)];
        random.nextBytes(bytes);
        frame = Unpooled.wrappedBuffer(bytes);
      } else {
        ByteBuf whole = corpus.get(random.nextInt(corpus.size()));
        frame = Unpooled.buffer().writeBytes(whole, 0, whole.writerIndex());
        for (int change = random.nextInt(4); change > 0; change--) {
          frame.setByte(
              random.nextInt(frame.writerIndex()),
              random.nextBoolean() ? random.nextInt(256) : random.nextInt(3) - 1);
        }
        switch (random.nextInt(4)) {
          case 0 -> frame.writerIndex(5 + random.nextInt(frame.writerIndex() - 4));
          case 1 -> frame.writeZero(random.nextInt(4));
          default -> {}
        }
      }
      byte type = random.nextInt(8) == 0 ? (byte) random.nextInt(256) : frame.getByte(0);
      target.accept(type, frame.slice(5, frame.writerIndex() - 5), random);
    }
  }

  /**
   * Checks that a body is refused, or is a message that comes back as it was sent; and that nobody
   * moves the body's indices either way.
   */
  public static <M> void check(
      ByteBuf body, Function<ByteBuf, M> decode, BiConsumer<M, ByteBuf> encode) {
    int readable = body.readableBytes();
    M message;
    try {
      message = decode.apply(body);
    } catch (MalformedMessageException e) {
      assertEquals(
          e.place() + ": " + e.value() + " (expected: " + e.allowed() + ")", e.getMessage());
      return;
    } finally {
      assertEquals(readable, body.readableBytes());
    }
    ByteBuf again = Unpooled.buffer();
    encode.accept(message, again);
    again.skipBytes(5);
    assertEquals(message, decode.apply(again));
  }
}
