package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.sql.Fingerprinter;
import dev.outrider.protocol.sql.SessionCommand;
import dev.outrider.protocol.sql.Traceparent;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All that one event loop counts. Only that loop touches it, so that counting needs no lock, no
 * atomic operation and no memory; who wants to read it asks the loop to {@link #addTo} a sum.
 *
 * <p>A text that came before is known by its hash. One that comes for the first time is read by the
 * {@link Fingerprinter}, and kept only when it comes again: texts with literals in them mostly do
 * not. A comment at the end, which tells a trace and is never the same, is no part of the hash.
 */
final class LoopFigures {
  /** How much of a text is read, in bytes. */
  static final int MAX_TEXT = 64 << 10;

  private static final int MAX_NORMALISED = 4 << 10;

  /** What the sessions of all loops may borrow together, in bytes. */
  private static final int LENDABLE = 2 << 20;

  /** The most prepared statements that all loops follow together. */
  private static final int MAX_PREPARED = 32_768;

  /** The most statements of a text that is kept. */
  private static final int MAX_KEPT_STATEMENTS = 16;

  private static final int WAYS = 4;
  private static final int MAX_TEXTS = 1024;
  private static final long SALT = 0x9E3779B97F4A7C15L;

  private final LabelSets labelSets;
  private final Fingerprints fingerprints;
  private final int lendable;
  private final int maxPrepared;
  private final Fingerprinter fingerprinter = new Fingerprinter(MAX_TEXT, MAX_NORMALISED);
  private final byte[] name = new byte[64];
  final Spans spans;
  final CompletionTag tag = new CompletionTag();
  final ErrorHead error = new ErrorHead();

  private @Nullable SessionFigures[] byLabels = new @Nullable SessionFigures[8];
  private final NameTable<Figures> table = new NameTable<>();

  private final long[] textKeys = new long[MAX_TEXTS];
  private final @Nullable KnownText[] texts = new @Nullable KnownText[MAX_TEXTS];
  private final long[] seenOnce = new long[MAX_TEXTS];
  private int replaceNext;
  private @Nullable Traces traces;

  private final Map<Overflow, Long> overflows = new EnumMap<>(Overflow.class);
  private long cancels;
  private int lent;
  private int prepared;
  private @Nullable WireSession sessions;

  /** Of one of so many event loops. */
  LoopFigures(LabelSets labelSets, Fingerprints fingerprints, Spans spans, int loops) {
    this.labelSets = labelSets;
    this.fingerprints = fingerprints;
    this.spans = spans;
    this.lendable = LENDABLE / loops;
    this.maxPrepared = MAX_PREPARED / loops;
  }

  /** The figures for a session that is not let in. */
  SessionFigures unknown() {
    return of(labelSets.unknown);
  }

  /** The figures for sessions with these labels. */
  SessionFigures of(String database, String user, String application) {
    return of(labelSets.of(database, user, application));
  }

  private SessionFigures of(LabelSet labels) {
    if (labels.index() >= byLabels.length) {
      byLabels = Arrays.copyOf(byLabels, Math.max(byLabels.length * 2, labels.index() + 1));
    }
    SessionFigures figures = byLabels[labels.index()];
    if (figures == null) {
      figures = new SessionFigures(labels);
      byLabels[labels.index()] = figures;
    }
    return figures;
  }

  /**
   * What is known of a text.
   *
   * @param willComeAgain whether it is worth keeping at once
   * @param doubts what is not known for sure of how Postgres will read it, see {@link
   *     KnownText#doubt}
   */
  KnownText text(
      SessionFigures session,
      ByteBuf in,
      int index,
      int length,
      boolean standardStrings,
      boolean willComeAgain,
      int doubts) {
    fingerprinter.load(in, index, length);
    long key =
        (fingerprinter.textHash() ^ (standardStrings ? 0 : SALT)) + session.labels.index() * SALT;
    int set = (int) (key >>> 40) & MAX_TEXTS / WAYS - 1;
    int from = set * WAYS;
    for (int i = from; i < from + WAYS; i++) {
      KnownText known = texts[i];
      if (known != null && textKeys[i] == key) {
        Traceparent last = fingerprinter.lastTraceparent();
        traces = last == null ? null : Traces.of(last);
        known.doubt(doubts);
        return known;
      }
    }
    fingerprinter.standardConformingStrings(standardStrings);
    int statements = fingerprinter.read();
    int seen = (int) key & MAX_TEXTS - 1;
    traces = fingerprinter.isTraced() ? Traces.of(fingerprinter) : null;
    boolean fits = statements <= MAX_KEPT_STATEMENTS && fingerprinter.holdsForHash();
    boolean kept = fits && (willComeAgain || seenOnce[seen] == key);
    int hangsOn = fingerprinter.hangsOnStandardStrings() ? KnownText.ON_STRINGS : 0;
    if ((kept || (doubts & KnownText.ON_ENCODING) != 0) && fingerprinter.hangsOnEncoding()) {
      hangsOn |= KnownText.ON_ENCODING;
    }
    KnownText read = read(session, statements, hangsOn);
    read.doubt(doubts);
    if (kept) {
      int at = from + (replaceNext++ & WAYS - 1);
      textKeys[at] = key;
      texts[at] = read;
    } else if (fits) {
      seenOnce[seen] = key;
    }
    return read;
  }

  /** The traces in the text that was asked for last; null if it has none. */
  @Nullable Traces traces() {
    return traces;
  }

  private KnownText read(SessionFigures session, int statements, int hangsOn) {
    if (statements == 1) {
      SessionCommand command = fingerprinter.sessionCommand(0);
      Figures figures = figures(session, 0);
      return command.kind() == SessionCommand.Kind.OTHER && hangsOn == 0
          ? figures.alone
          : new KnownText(new Figures[] {figures}, new SessionCommand[] {command}, hangsOn);
    }
    Figures[] figures = new Figures[statements];
    SessionCommand[] commands = new SessionCommand[statements];
    for (int i = 0; i < statements; i++) {
      figures[i] = figures(session, i);
      commands[i] = fingerprinter.sessionCommand(i);
    }
    return new KnownText(figures, commands, hangsOn);
  }

  private Figures figures(SessionFigures session, int statement) {
    return figures(session, fingerprinter.hash(statement), () -> fingerprinter.text(statement));
  }

  private Figures figures(SessionFigures session, long hash, Supplier<@Nullable String> text) {
    long key = hash + session.labels.index() * SALT;
    Figures known = table.get(key);
    if (known != null) {
      Fingerprint of = known.fingerprint;
      if (of != null && !of.isRetired()) {
        return known;
      }
      session.rest.add(known);
      known.clear();
      table.remove(key);
    }
    if (table.size() >= fingerprints.most() + fingerprints.most() / 4) {
      sweep();
    }
    Figures admitted = fingerprints.admit(session.labels, hash, text);
    table.put(key, admitted);
    return admitted;
  }

  /** The figures to count with, for sessions with these labels, where others were known before. */
  Figures current(SessionFigures session, @Nullable Figures before) {
    Fingerprint of = before == null ? null : before.fingerprint;
    if (before == null || of == null) {
      return session.rest;
    }
    if (of.labels.index() == session.labels.index() && !of.isRetired()) {
      return before;
    }
    Figures now = figures(session, of.hash, of::text);
    if (of.isWithheld() && now.fingerprint != null) {
      now.fingerprint.withhold();
    }
    return now;
  }

  /** Moves the figures of retired fingerprints to the rest, and forgets texts with them. */
  private void sweep() {
    List<Figures> retired = new ArrayList<>();
    table.forEach(
        figures -> {
          if (figures.fingerprint != null && figures.fingerprint.isRetired()) {
            retired.add(figures);
          }
        });
    for (Figures figures : retired) {
      Fingerprint of = figures.fingerprint;
      if (of != null) {
        of(of.labels).rest.add(figures);
        figures.clear();
        table.remove(of.hash + of.labels.index() * SALT);
      }
    }
    if (!retired.isEmpty()) {
      forgetRetiredTexts();
    }
  }

  private void forgetRetiredTexts() {
    for (int i = 0; i < texts.length; i++) {
      KnownText text = texts[i];
      if (text != null && text.isOfRetired()) {
        texts[i] = null;
      }
    }
  }

  /** The hash of a name, as {@link SessionCommand#nameHash} makes it. */
  long nameHash(ByteBuf in, int from, int to) {
    int size = Math.min(to - from, name.length);
    in.getBytes(from, name, 0, size);
    return SessionCommand.nameHash(name, 0, size);
  }

  /** Asks for memory to hold something for a session; whether there is enough. */
  boolean borrow(int bytes) {
    if (lent + bytes > lendable) {
      return false;
    }
    lent += bytes;
    return true;
  }

  void giveBack(int bytes) {
    lent -= bytes;
  }

  /** Whether one more prepared statement may be followed. */
  boolean mayPrepare() {
    return prepared < maxPrepared;
  }

  /** So many more prepared statements are followed. */
  void prepared(int more) {
    prepared += more;
  }

  void overflow(Overflow what) {
    overflows.merge(what, 1L, Long::sum);
  }

  void cancel() {
    cancels++;
  }

  void begins(WireSession session) {
    WireSession next = sessions;
    session.next = next;
    if (next != null) {
      next.previous = session;
    }
    sessions = session;
  }

  void ends(WireSession session) {
    WireSession next = session.next;
    WireSession previous = session.previous;
    if (next != null) {
      next.previous = previous;
    }
    if (previous != null) {
      previous.next = next;
    } else {
      sessions = next;
    }
    session.next = null;
    session.previous = null;
  }

  /** Adds everything to a sum; on this event loop. */
  void addTo(Totals totals, long now) {
    sweep();
    for (SessionFigures figures : byLabels) {
      if (figures != null) {
        totals.add(figures);
      }
    }
    table.forEach(totals::add);
    overflows.forEach(totals::add);
    totals.addCancels(cancels);
    for (WireSession session = sessions; session != null; session = session.next) {
      session.addTo(totals, now);
    }
  }
}
