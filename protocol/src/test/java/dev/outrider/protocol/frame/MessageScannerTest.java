package dev.outrider.protocol.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.frame.MessageScanner.Result;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MessageScannerTest {
  /** Writes down what it is told; wants of each body as many bytes as its length's last digit. */
  private static final class Notes implements MessageSink {
    final List<String> heard = new ArrayList<>();
    private final StringBuilder body = new StringBuilder();
    private int missing;

    @Override
    public int begin(byte type, int length) {
      assertEquals(0, missing, "the body before was not told to its end");
      int wanted = length % 10;
      missing = Math.min(wanted, length);
      heard.add((char) type + " " + length + " ");
      body.setLength(0);
      return wanted;
    }

    @Override
    public void body(ByteBuf in, int index, int length) {
      assertTrue(length > 0 && length <= missing);
      missing -= length;
      for (int i = 0; i < length; i++) {
        body.append((int) in.getByte(index + i)).append('.');
      }
      if (missing == 0) {
        heard.set(heard.size() - 1, heard.getLast() + body);
      }
    }
  }

  private static final MessageTypes WANTED = MessageTypes.of("ZCd");

  private static MessageScanner scanner(MessageSink sink) {
    return new MessageScanner(MessageTypes.BACKEND, WANTED, sink);
  }

  /** Some messages; what a sink must hear of them is told to the list. */
  private static ByteBuf messages(Random random, int number, List<String> told) {
    ByteBuf out = Unpooled.buffer();
    String types = "123ACDEGHIKNRSTVWZcdnstv";
    for (int i = 0; i < number; i++) {
      char type = types.charAt(random.nextInt(types.length()));
      byte[] body = new byte[random.nextInt(4) == 0 ? random.nextInt(300) : random.nextInt(12)];
      random.nextBytes(body);
      out.writeByte(type).writeInt(4 + body.length).writeBytes(body);
      if (WANTED.contains((byte) type)) {
        StringBuilder line = new StringBuilder(type + " " + body.length + " ");
        for (int j = 0; j < body.length % 10; j++) {
          line.append((int) body[j]).append('.');
        }
        told.add(line.toString());
      }
    }
    return out;
  }

  @Test
  void tellsTheSameWhereverTheStreamIsCut() {
    // Given
    List<String> told = new ArrayList<>();
    ByteBuf all = messages(new Random(42), 60, told);
    for (int cut = 0; cut <= all.writerIndex(); cut++) {
      Notes notes = new Notes();
      MessageScanner scanner = scanner(notes);

      // When
      assertEquals(Result.FOLLOWED, scanner.scan(all, 0, cut));
      assertEquals(Result.FOLLOWED, scanner.scan(all, cut, all.writerIndex()));

      // Then
      assertEquals(told, notes.heard, "cut at " + cut);
      assertTrue(scanner.isBetweenMessages());
    }
  }

  @Test
  void tellsTheSameHoweverOftenTheStreamIsCut() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      // Given
      List<String> told = new ArrayList<>();
      ByteBuf all = messages(random, random.nextInt(40), told);
      Notes notes = new Notes();
      MessageScanner scanner = scanner(notes);
      int longest = 1 + random.nextInt(30);

      // When
      for (int at = 0; at < all.writerIndex(); ) {
        int to = Math.min(all.writerIndex(), at + random.nextInt(longest + 1));
        scanner.scan(all, at, to);
        at = to;
      }

      // Then
      assertEquals(told, notes.heard, "seed " + seed);
      assertTrue(scanner.isBetweenMessages());
    }
  }

  @Test
  void knowsWhenItIsInTheMiddle() {
    ByteBuf all = Unpooled.buffer().writeByte('C').writeInt(6).writeShort(1);
    for (int cut = 1; cut < all.writerIndex(); cut++) {
      MessageScanner scanner = scanner(new Notes());
      Result _ = scanner.scan(all, 0, cut);
      assertFalse(scanner.isBetweenMessages(), "cut at " + cut);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "90, 3, BAD_LENGTH",
    "90, -1, BAD_LENGTH",
    "90, 0x40000000, BAD_LENGTH",
    "90, 0x3fffffff, FOLLOWED",
    "90, 4, FOLLOWED",
    "0, 4, UNKNOWN_TYPE",
    "26, 4, UNKNOWN_TYPE",
    "154, 4, UNKNOWN_TYPE",
    "-1, 4, UNKNOWN_TYPE"
  })
  void aHeaderThatCannotBeIsTheEnd(int type, String length, Result result) {
    // Given
    ByteBuf in = Unpooled.buffer().writeByte(type).writeInt(Integer.decode(length));

    // Then
    for (int cut = 0; cut <= in.writerIndex(); cut++) {
      MessageScanner scanner = scanner(new Notes());
      Result _ = scanner.scan(in, 0, cut);
      assertEquals(result, scanner.scan(in, cut, in.writerIndex()));
      if (result != Result.FOLLOWED) {
        ByteBuf good = Unpooled.buffer().writeByte('Z').writeInt(5).writeByte('I');
        assertEquals(result, scanner.scan(good, 0, 6));
        assertFalse(scanner.isBetweenMessages());
      }
    }
  }
}
