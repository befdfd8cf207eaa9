package dev.outrider.protocol.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.frame.Turns.State;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TurnsTest {
  private final List<Desync> lost = new ArrayList<>();
  private final Turns turns = new Turns(lost::add);

  private static ByteBuf opening(int code, int length) {
    return Unpooled.buffer().writeInt(length).writeInt(code).writeZero(length - 8);
  }

  private static ByteBuf startup() {
    return opening(196608, 30);
  }

  /** Messages without a body to speak of; a ReadyForQuery tells its status by the digit behind. */
  private static ByteBuf messages(String types) {
    ByteBuf out = Unpooled.buffer();
    for (int i = 0; i < types.length(); i++) {
      char type = types.charAt(i);
      if (type == 'Z') {
        out.writeByte('Z').writeInt(5).writeByte(types.charAt(++i));
      } else {
        out.writeByte(type).writeInt(7).writeZero(3);
      }
    }
    return out;
  }

  private void start() {
    turns.frontend(startup());
    turns.backend(messages("RSKZI"));
  }

  @Test
  void aSessionBeginsAndIsIdle() {
    assertEquals(State.OPENING, turns.state());
    assertFalse(turns.canBeTold());
    turns.frontend(startup());
    assertEquals(State.STARTING, turns.state());
    assertTrue(turns.canBeTold());
    turns.backend(messages("RS"));
    assertEquals(State.STARTING, turns.state());
    turns.backend(messages("ZI"));
    assertEquals(State.IDLE, turns.state());
  }

  @ParameterizedTest
  @CsvSource({
    "Q, '', true",
    "Q, CZI, false",
    "PBES, '', true",
    "PBEH, 12DC, true",
    "PBES, 12CZI, false",
    "QX, '', false",
    "Q, CZT, false"
  })
  void aClientAwaitsAnAnswerUntilItHasItOrSaysGoodbye(
      String asked, String answered, boolean awaits) {
    // Given
    start();
    assertFalse(turns.awaitsAnswer());

    // When
    turns.frontend(messages(asked));
    turns.backend(messages(answered));

    // Then
    assertEquals(awaits, turns.awaitsAnswer());
  }

  @Test
  void encryptionIsAskedForAndDeclined() {
    // When
    turns.frontend(opening(80877104, 8));
    turns.backend(Unpooled.wrappedBuffer(new byte[] {'N'}));
    turns.frontend(opening(80877103, 8));
    // Then
    assertEquals(State.OPENING, turns.state());

    // When a client does not wait for the answer
    turns.frontend(startup());
    // Then
    assertFalse(turns.canBeTold());

    // When
    turns.backend(
        Unpooled.wrappedBuffer(Unpooled.wrappedBuffer(new byte[] {'N'}), messages("RZI")));
    // Then
    assertEquals(State.IDLE, turns.state());
  }

  @ParameterizedTest
  @CsvSource({"83, OPAQUE, 0", "71, OPAQUE, 0", "120, OPAQUE, 1", "69, OPENING, 0"})
  void otherAnswersToARequestForEncryption(byte answer, State state, int losses) {
    turns.frontend(opening(80877103, 8));
    turns.backend(Unpooled.wrappedBuffer(new byte[] {answer}));
    assertEquals(state, turns.state());
    assertEquals(losses, lost.size());
  }

  @Test
  void aCancelRequestIsNeverIdle() {
    turns.frontend(opening(80877102, 16));
    assertEquals(State.CANCEL, turns.state());
    assertFalse(turns.canBeTold());
  }

  @Test
  void tlsWithoutAskingIsNotFollowed() {
    turns.frontend(Unpooled.wrappedBuffer(new byte[] {0x16, 3, 1, 0, 100, 1, 0, 0, 96}));
    assertEquals(State.OPAQUE, turns.state());
    assertEquals(List.of(Desync.OPENING), lost);
  }

  /** What the client sends, then what Postgres answers, and so on; and the state then. */
  @ParameterizedTest
  @CsvSource({
    "Q, '', BUSY",
    "Q, TDC, BUSY",
    "Q, TDCZI, IDLE",
    "Q, CZT, BUSY",
    "Q, EZE, BUSY",
    "Q, EZI, IDLE",
    "QQ, CZI, BUSY",
    "QQ, CZICZI, IDLE",
    "F, VZI, IDLE",
    "P, '', BUSY", // a Sync must follow
    "PBDE, 12TDC, BUSY",
    "PBDEH, 12TDC, BUSY",
    "PBDES, 12TDC, BUSY",
    "PBDES, 12TDCZI, IDLE",
    "PBESPBES, 12CZI, BUSY",
    "PBESPBES, 12CZI12CZI, IDLE",
    "S, ZI, IDLE",
    "'', A, IDLE", // LISTEN
    "'', NS, IDLE",
    "X, '', IDLE",
    "Q, Hd, BUSY", // COPY TO STDOUT
    "Q, HddcCZI, IDLE",
    "Q, W, STREAMING",
    "Q, WddEZI, IDLE",
    "'', ZIZIZI, IDLE" // more than is owed
  })
  void whoseTurnItIs(String frontend, String backend, State state) {
    // Given
    start();

    // When
    turns.frontend(messages(frontend));
    turns.backend(messages(backend));

    // Then
    assertEquals(state, turns.state());

    // When the client goes on
    if (state == State.IDLE) {
      turns.frontend(messages("Q"));
      assertEquals(State.BUSY, turns.state());
      turns.backend(messages("CZI"));
      assertEquals(State.IDLE, turns.state());
    }
  }

  /**
   * The same, step by step: after each {@code >} the client speaks, after each {@code <} Postgres.
   */
  @ParameterizedTest
  @CsvSource({
    ">Q<G>dd, BUSY",
    ">Q<G>ddc, BUSY",
    ">Q<G>ddc<CZI, IDLE",
    ">Q<G>dSHSddc<CZI, IDLE", // libraries that always Sync
    ">Q<G>ddf<EZI, IDLE",
    ">Q<G>dd<EZI>ddc, IDLE", // failed while the client still sends
    ">PBDES<12nG>ddcS<C, BUSY",
    ">PBDES<12nG>ddcS<CZI, IDLE",
    ">PBDES<12nG>ddfS<EZI, PERHAPS_IDLE",
    ">PBDES<12nG>d<E>dcS<ZI, PERHAPS_IDLE",
    ">PBDES<12nG>d<E>dcS<ZI>Q, BUSY",
    ">PBDES<12nG>d<E>dcS<ZI>Q<CZI, IDLE",
    ">Qddc<GCZI, IDLE", // without waiting
    ">PBEdcS<12GCZI, IDLE",
    ">c<ZI, IDLE",
    ">Q<G>c<CZI>Q<G>dc<CZI, IDLE"
  })
  void copyFromStdin(String steps, State state) {
    play(steps);

    // Then
    assertEquals(state, turns.state());
  }

  /** Postgres skips all up to the next Sync when something fails that a Sync must follow. */
  @ParameterizedTest
  @CsvSource({
    ">PBEQS<EZI, PERHAPS_IDLE",
    ">PQQS<EZI, PERHAPS_IDLE",
    ">PQS<1EZI, PERHAPS_IDLE", // or the Query has failed
    ">PQS<1EZIZI, IDLE",
    ">PQS<1CZIZI, IDLE",
    ">PQSPQS<EZI, BUSY",
    ">PQSPQS<EZI1CZIZI, IDLE",
    ">PQS<EZI>Q, BUSY",
    ">PQS<EZI>Q<CZI, IDLE",
    ">PQS<EZI>PBES<12CZI, IDLE",
    ">PESQ<EZI, BUSY", // behind the Sync nothing is skipped
    ">PESQ<EZICZI, IDLE"
  })
  void aQueryBehindWhatFailsMayBeSkipped(String steps, State state) {
    play(steps);

    // Then
    assertEquals(state, turns.state());
  }

  private void play(String steps) {
    start();
    for (String step : steps.split("(?=[<>])", -1)) {
      ByteBuf bytes = messages(step.substring(1));
      if (step.charAt(0) == '>') {
        turns.frontend(bytes);
      } else {
        turns.backend(bytes);
      }
    }
  }

  @Test
  void aMessageThatHasBegunIsNotIdle() {
    start();
    turns.frontend(messages("Q").writerIndex(1));
    assertEquals(State.BUSY, turns.state());
    assertTrue(turns.canBeTold());
  }

  @Test
  void anErrorCannotStandInsideAMessage() {
    start();
    turns.frontend(messages("Q"));
    ByteBuf row = messages("D");
    turns.backend(row.copy(0, 7));
    assertFalse(turns.canBeTold());
    turns.backend(row.copy(7, 1));
    assertTrue(turns.canBeTold());
  }

  /** A Postgres that never fails: what it answers to messages, all of which it has read. */
  @Test
  void isIdleExactlyWhenNothingIsOwed() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    start();
    for (int round = 0; round < 20_000; round++) {
      // Given a few turns in a row
      StringBuilder frontend = new StringBuilder();
      StringBuilder backend = new StringBuilder();
      char status = 'I';
      for (int i = random.nextInt(4); i >= 0; i--) {
        status = random.nextInt(3) == 0 ? 'T' : 'I';
        switch (random.nextInt(4)) {
          case 0 -> {
            frontend.append('Q');
            backend.append("TDDCZ").append(status);
          }
          case 1 -> {
            frontend.append("PBDES");
            backend.append("12TDCZ").append(status);
          }
          case 2 -> {
            frontend.append("BEBES");
            backend.append("2E").append('Z').append(status);
          }
          default -> {
            frontend.append('F');
            backend.append("VZ").append(status);
          }
        }
      }

      // When they are cut anywhere
      feed(messages(frontend.toString()), true, random);
      assertEquals(State.BUSY, turns.state(), "seed " + seed);
      ByteBuf answer = messages(backend.toString());
      feed(answer.copy(0, answer.writerIndex() - 1), false, random);
      assertEquals(State.BUSY, turns.state(), "seed " + seed);
      feed(answer.copy(answer.writerIndex() - 1, 1), false, random);

      // Then
      assertEquals(status == 'I' ? State.IDLE : State.BUSY, turns.state(), "seed " + seed);
    }
    assertTrue(lost.isEmpty());
  }

  private void feed(ByteBuf bytes, boolean fromClient, Random random) {
    while (bytes.isReadable()) {
      ByteBuf piece = bytes.readSlice(1 + random.nextInt(bytes.readableBytes()));
      if (fromClient) {
        turns.frontend(piece);
      } else {
        turns.backend(piece);
      }
    }
  }

  /** Whatever both sides say, a session that then behaves is idle again. */
  @Test
  void nonsenseDoesNotWedgeIt() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    String frontend = "QFSPBEDCcfdHpX";
    String backend = "GWECTDZIZTHcd12";
    for (int round = 0; round < 5_000; round++) {
      Turns some = new Turns(lost::add);
      some.frontend(startup());
      int queries = 0;
      for (int i = 0; i < 40; i++) {
        if (random.nextBoolean()) {
          char type = frontend.charAt(random.nextInt(frontend.length()));
          queries += type == 'Q' || type == 'F' || type == 'S' ? 1 : 0;
          some.frontend(messages(String.valueOf(type)));
        } else {
          String type = String.valueOf(backend.charAt(random.nextInt(backend.length())));
          some.backend(messages(type.equals("Z") ? "ZT" : type.equals("I") ? "ZI" : type));
        }
      }
      // When everything is answered that may be
      some.frontend(messages("S"));
      for (int i = 0; i < queries + 2; i++) {
        some.backend(messages("ZI"));
      }
      // Then
      assertEquals(State.IDLE, some.state(), "seed " + seed);
    }
    assertTrue(lost.isEmpty());
  }

  @Test
  void anyBytesAreFollowedOrLostOnce() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 20_000; round++) {
      lost.clear();
      Turns some = new Turns(lost::add);
      if (random.nextBoolean()) {
        some.frontend(startup());
      }
      for (int i = 0; i < 5; i++) {
        byte[] bytes = new byte[random.nextInt(40)];
        random.nextBytes(bytes);
        if (random.nextBoolean()) {
          some.frontend(Unpooled.wrappedBuffer(bytes));
        } else {
          some.backend(Unpooled.wrappedBuffer(bytes));
        }
      }
      assertTrue(lost.size() <= 1, "seed " + seed);
      if (!lost.isEmpty()) {
        assertEquals(State.OPAQUE, some.state(), "seed " + seed);
        assertFalse(some.canBeTold());
      }
    }
  }

  /**
   * However the bytes come, a witness is told the same, and turns are what they are without one.
   */
  @Test
  void aWitnessIsToldOfEverythingOnce() {
    // Given
    Random random = new Random(7);
    ByteBuf frontend =
        Unpooled.wrappedBuffer(opening(80877103, 8), startup(), messages("pQPBDESdcX"));
    ByteBuf backend =
        Unpooled.wrappedBuffer(Unpooled.wrappedBuffer(new byte[] {'N'}), messages("RSKZITDCZTE"));
    String told = "startup 30 F:pQPBDESdcX B:RSKZTDCZE 50";
    for (int round = 0; round < 500; round++) {
      // When
      Told witness = new Told();
      Turns some = new Turns(lost::add, witness);
      feedTo(some, frontend.duplicate(), true, random);
      feedTo(some, backend.duplicate(), false, random);
      // Then
      assertEquals(told, witness.toString());
      assertEquals(State.BUSY, some.state());
    }
    assertTrue(lost.isEmpty());
  }

  @Test
  void aWitnessIsToldOfCancelAndOfTheEnd() {
    Told cancel = new Told();
    new Turns(lost::add, cancel).frontend(opening(80877102, 16));
    assertEquals("cancel F: B: 0", cancel.toString());

    Told encrypted = new Told();
    Turns some = new Turns(lost::add, encrypted);
    some.frontend(opening(80877103, 8));
    some.backend(Unpooled.wrappedBuffer(new byte[] {'S'}));
    some.backend(messages("ZI"));
    assertEquals("opaque F: B: 0", encrypted.toString());
    assertTrue(lost.isEmpty());
  }

  private static void feedTo(Turns to, ByteBuf bytes, boolean fromClient, Random random) {
    while (bytes.isReadable()) {
      ByteBuf piece = bytes.readSlice(1 + random.nextInt(bytes.readableBytes()));
      if (fromClient) {
        to.frontend(piece);
      } else {
        to.backend(piece);
      }
    }
  }

  /** Asks for the bodies of all messages but one, and counts their bytes. */
  private static final class Told implements Witness {
    private final StringBuilder opening = new StringBuilder();
    private final StringBuilder frontend = new StringBuilder();
    private final StringBuilder backend = new StringBuilder();
    private int bodyBytes;

    @Override
    public void cancel() {
      opening.append("cancel");
    }

    @Override
    public void startup(ByteBuf packet) {
      opening.append("startup ").append(packet.readableBytes());
    }

    @Override
    public void opaque() {
      opening.append("opaque");
    }

    @Override
    public MessageSink frontend() {
      return sink(frontend);
    }

    @Override
    public MessageSink backend() {
      return sink(backend);
    }

    private MessageSink sink(StringBuilder types) {
      return new MessageSink() {
        @Override
        public int begin(byte type, int length) {
          types.append((char) type);
          return type == 'Q' || type == 'C' || type == 'Z' ? length : type == 'R' ? 0 : 100;
        }

        @Override
        public void body(ByteBuf in, int index, int length) {
          bodyBytes += length;
        }
      };
    }

    @Override
    public String toString() {
      return opening + " F:" + frontend + " B:" + backend + " " + bodyBytes;
    }
  }
}
