package dev.outrider.metrics.proxy.wire;

import dev.outrider.metrics.proxy.recorded.RecordedSession;
import dev.outrider.metrics.proxy.recorded.Series;
import dev.outrider.protocol.frame.Desync;
import dev.outrider.protocol.frame.Turns;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntBinaryOperator;

/** A recorded session, followed as the proxy follows it, cut anywhere. */
public final class Replay {
  private static final long ODD = 0x9E3779B97F4A7C15L;

  private final List<Desync> desyncs = new ArrayList<>();
  private final Totals totals = new Totals();
  private final long prepared;

  /**
   * Follows a session to its end.
   *
   * @param pieces how many bytes come next, of those at this place of the whole and of so many that
   *     the same side says
   */
  public Replay(RecordedSession recorded, IntBinaryOperator pieces) {
    Spans spans = new Spans(false, () -> 1, () -> Instant.EPOCH, () -> 1);
    LoopFigures loop = new LoopFigures(new LabelSets(20), new Fingerprints(500), spans, 1);
    WireSession session = new WireSession(loop, () -> 1);
    Turns turns = new Turns(desyncs::add, session);
    int at = 0;
    for (RecordedSession.Turn turn : recorded.turns()) {
      ByteBuf said = Unpooled.wrappedBuffer(turn.bytes());
      while (said.isReadable()) {
        int length =
            Math.clamp(pieces.applyAsInt(at, said.readableBytes()), 1, said.readableBytes());
        ByteBuf piece = said.readSlice(length);
        at += length;
        if (turn.fromClient()) {
          session.clientRead();
          turns.frontend(piece);
        } else {
          session.upstreamRead();
          turns.backend(piece);
        }
        if (piece.readerIndex() != 0 || piece.readableBytes() != length) {
          throw new AssertionError("what is relayed was moved");
        }
      }
    }
    Totals before = new Totals();
    loop.addTo(before, 1);
    prepared = before.now().stream().mapToLong(now -> now.prepared).sum();
    session.end();
    loop.addTo(totals, 1);
    totals.settle();
  }

  /** All that was counted, as {@link Series} has it. */
  public Map<String, Long> figures() {
    Map<String, Long> figures = new TreeMap<>(Series.of(Exposition.of(totals)));
    figures.merge("prepared_statements", prepared, Long::sum);
    figures.merge("decoder_desync", (long) desyncs.size(), Long::sum);
    figures.values().removeIf(count -> count == 0);
    return figures;
  }

  /** The same number for the same {@link #figures}, and much sooner. */
  public long digest() {
    Digest digest = new Digest();
    digest.add("prepared", prepared);
    digest.add("desyncs", desyncs.size());
    digest.add("cancels", totals.cancels());
    for (Overflow overflow : Overflow.values()) {
      digest.add(overflow.label(), totals.overflows(overflow));
    }
    for (SessionFigures of : totals.sessions()) {
      of.forEachFromClient((type, count) -> digest.add("client" + type, count));
      of.forEachFromUpstream((type, count) -> digest.add("upstream" + type, count));
      digest.add("bytes from client", of.bytesFromClient);
      digest.add("bytes from upstream", of.bytesFromUpstream);
      digest.add("sessions", of.sessionsPlain);
      of.statements.forEach((kind, count) -> digest.add("statements" + kind, count));
      of.rows.forEach((kind, count) -> digest.add("rows" + kind, count));
      of.transactions.forEach((outcome, count) -> digest.add("transactions" + outcome, count));
      of.notices.forEach((severity, count) -> digest.add("notices" + severity, count));
      of.errors.forEach((key, count) -> digest.add("errors", key, count));
      digest.add(of.rest, 0);
    }
    for (Figures of : totals.fingerprints()) {
      if (of.fingerprint != null) {
        digest.add(of, of.fingerprint.hash);
      }
    }
    return digest.sum;
  }

  private static final class Digest {
    long sum;

    void add(String what, long count) {
      add(what, 0, count);
    }

    void add(String what, long which, long count) {
      sum += ((what.hashCode() * ODD ^ which) * ODD | 1) * count;
    }

    void add(Figures of, long hash) {
      add("calls", hash, of.calls());
      add("fingerprint rows", hash, of.rows());
      of.errors().forEach((code, count) -> add("fingerprint errors" + code, hash, count));
    }
  }
}
