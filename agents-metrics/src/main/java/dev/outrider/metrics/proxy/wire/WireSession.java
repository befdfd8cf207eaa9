package dev.outrider.metrics.proxy.wire;

import dev.outrider.metrics.proxy.wire.SessionFigures.Outcome;
import dev.outrider.protocol.MalformedMessageException;
import dev.outrider.protocol.frame.MessageSink;
import dev.outrider.protocol.frame.Witness;
import dev.outrider.protocol.frontend.OpeningMessage;
import dev.outrider.protocol.frontend.StartupMessage;
import dev.outrider.protocol.frontend.StartupMessage.Replication;
import dev.outrider.protocol.sql.SessionCommand;
import dev.outrider.protocol.sql.Traceparent;
import io.netty.buffer.ByteBuf;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Counts and times what one session says, as a {@link Witness}. On the session's event loop only.
 *
 * <p>How answers find the statements they belong to:
 *
 * <ol>
 *   <li>What Postgres will answer waits in a queue ({@link Pending}). Each answer belongs to the
 *       oldest: Postgres does one thing after another. See <a
 *       href="https://www.postgresql.org/docs/18/protocol-flow.html">Message Flow</a>.
 *   <li>Parse ties a name to a text, Bind a portal to a name, Execute runs a portal. These names
 *       are looked up when the client sends them, as if all before will succeed: what comes after
 *       something that fails is skipped by Postgres up to the next Sync, so it is taken back.
 *   <li>The i-th CommandComplete of a Query belongs to the i-th statement of its text.
 *   <li>A time begins when the proxy has read the first byte of a statement (of its Parse or Bind,
 *       if these came with it), or when the answer before it was complete, whichever is later; it
 *       ends when the proxy has read the head of the answer's last message. The clock is read once
 *       for each read from the kernel, so what comes in one read has the same time.
 *   <li>A comment's trace is that of its statement: of a Query when it is answered, of a Parse as
 *       {@link ParsedTraces} has it. A statement without one has the trace of the session.
 *   <li>Where an answer belongs to nothing, or too much waits to be followed, the session's
 *       statements count with the rest until nothing waits any more, and that it was so is counted
 *       as well.
 * </ol>
 */
public final class WireSession implements Witness {
  /** What a session is doing, much as {@code pg_stat_activity.state} says. */
  enum State {
    STARTING("starting"),
    ACTIVE("active"),
    IDLE("idle"),
    IDLE_IN_TRANSACTION("idle_in_transaction"),
    IDLE_IN_FAILED_TRANSACTION("idle_in_transaction_aborted"),
    STREAMING("streaming"),
    OPAQUE("opaque");

    private final String label;

    State(String label) {
      this.label = label;
    }

    /** The name for metrics. */
    String label() {
      return label;
    }
  }

  /** A prepared statement. */
  private static final class Named {
    final KnownText text;
    // What the name was tied to before, as long as Postgres may still refuse the new one.
    @Nullable Named before;
    // How many there are before it, each tied to the one before.
    int depth;
    // Postgres has skipped its Parse.
    boolean skipped;
    // Of its Parse.
    final @Nullable ParsedTraces traces;

    Named(KnownText text, @Nullable ParsedTraces traces) {
      this.text = text;
      this.traces = traces;
    }

    /** Says what the name was tied to; of many that Postgres has not come to, not all are kept. */
    void tie(@Nullable Named to) {
      before = to == null || to.depth == MAX_BEFORE ? null : to;
      depth = before == null ? 0 : before.depth + 1;
    }
  }

  /** A portal with a name. */
  private static final class Portal {
    // A KnownText, a Named, or nothing that is known.
    final @Nullable Object about;
    final @Nullable ParsedTraces traces;
    boolean executed;

    Portal(@Nullable Object about, @Nullable ParsedTraces traces) {
      this.about = about;
      this.traces = traces;
    }
  }

  private static final int MAX_NAMES = 1024;
  private static final int MAX_PREPARED = 4096;
  private static final int MAX_PORTALS = 256;
  // What is prepared under one name without waiting for an answer.
  private static final int MAX_BEFORE = 64;
  private static final int MAX_SETTING = 256;
  private static final String STANDARD_STRINGS = "standard_conforming_strings";
  private static final String CLIENT_ENCODING = "client_encoding";
  // Those in which a byte of a character can look like ASCII.
  private static final Set<String> CLIENT_ENCODINGS =
      Set.of("SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC", "GB18030", "JOHAB");
  private static final String APPLICATION_NAME = "application_name";

  private final LoopFigures loop;
  private final LongSupplier nanoTime;
  @Nullable WireSession next;
  @Nullable WireSession previous;

  private SessionFigures figures;
  private long now;

  private String database = "";
  private String user = "";
  private String application = "";
  private boolean encrypted;
  private boolean letIn;
  private boolean opaque;
  private boolean streaming;
  private boolean heard;
  private boolean ended;
  private boolean standardStrings = true;
  private boolean clientEncoding;

  // What the session is doing, and since when.
  private byte status = 'I';
  private long since;

  private final Pending pending;
  // Owed ReadyForQuery.
  private int owed;
  // The Syncs among these with nothing but Syncs behind: a COPY that begins now ignores them.
  private int syncs;
  // Something was sent that a Sync must still follow.
  private boolean unsynced;
  // Postgres skips what comes up to the next Sync.
  private boolean skipping;
  // Answers cannot be told apart until nothing is owed, nor will be without a Sync.
  private boolean lost;
  private boolean copying;
  // What was sent since the last Sync, if anything that one must follow: should that fail, Postgres
  // skips Query and FunctionCall as well. How many of those owed are such, and whether anything has
  // failed, as far as is known while lost.
  private boolean series;
  private int skippable;
  private boolean erred;
  // The end of a COPY's data was sent before Postgres asked for them, as far as is known while
  // lost.
  private boolean copyEnded;

  // When the statement that is being sent began; 0 if none is.
  private long begun;
  private int sent;
  private long answered;

  private @Nullable KnownText unnamed;
  private @Nullable ParsedTraces unnamedTraces;
  private int unnamedCount;
  private @Nullable Object unnamedPortal;
  private @Nullable ParsedTraces unnamedPortalTraces;
  private boolean unnamedPortalExecuted;
  private NameTable<Named> prepared = new NameTable<>();
  private final NameTable<Portal> portals = new NameTable<>();

  // Of the statement that is being answered.
  private int statement;
  private long rows;
  private long firstRow;
  private long answer;
  private long copied;

  // Of the transaction: when it began, 0 if none has; what was done and what failed in it.
  private long transactionBegun;
  private boolean worked;
  private boolean failed;

  private long drainBegun;

  // Of the session, if it has one and it is sampled.
  private @Nullable Traceparent trace;
  // Counts what a ReadyForQuery answers, from 1.
  private long turn = 1;
  // The last query of the transaction with a trace.
  private @Nullable Sighting seen;
  private @Nullable InetSocketAddress client;
  private @Nullable InetSocketAddress server;

  private final Pieces frontend;
  private final Pieces backend;

  WireSession(LoopFigures loop, LongSupplier nanoTime) {
    this.loop = loop;
    this.nanoTime = nanoTime;
    this.figures = loop.unknown();
    this.pending = new Pending(loop);
    this.now = nanoTime.getAsLong();
    this.since = now;
    this.frontend =
        new Pieces(loop) {
          @Override
          int begun(byte type, int length) {
            return request(type, length);
          }

          @Override
          void came(byte type, ByteBuf in, int index, int length, boolean complete) {
            requestBody(type, in, index, length, complete);
          }
        };
    this.backend =
        new Pieces(loop) {
          @Override
          int begun(byte type, int length) {
            return answer(type, length);
          }

          @Override
          void came(byte type, ByteBuf in, int index, int length, boolean complete) {
            answerBody(type, in, index, length);
          }
        };
  }

  /** Bytes came from the client; to be told before they are followed. */
  public void clientRead() {
    if (!heard) {
      heard = true;
      loop.begins(this);
    }
    now = nanoTime.getAsLong();
  }

  /** Bytes came from Postgres; to be told before they are followed. */
  public void upstreamRead() {
    now = nanoTime.getAsLong();
  }

  /** The client is connected by TLS; to be told before it is let in. */
  public void encrypted() {
    encrypted = true;
  }

  /**
   * Who is connected with whom, for spans.
   *
   * @param client the client's address, null if it is not known
   * @param server where it has connected to, null if that is not known
   */
  public void connected(@Nullable InetSocketAddress client, @Nullable InetSocketAddress server) {
    this.client = client;
    this.server = server;
  }

  /** The client takes less than Postgres sends: Postgres has to wait. */
  public void clientSlow() {
    if (drainBegun == 0) {
      drainBegun = nanoTime.getAsLong();
    }
  }

  /** The client has taken what waited for it. */
  public void clientReady() {
    if (drainBegun != 0) {
      figures.drain.observe(nanoTime.getAsLong() - drainBegun);
      drainBegun = 0;
    }
  }

  /** The session is over. May be told more than once. */
  public void end() {
    if (ended || !heard) {
      return;
    }
    ended = true;
    boolean answering = isAnswering();
    if (failed || (!answering && (status != 'I' || worked))) {
      figures.transactions.add(Outcome.ROLLED_BACK, 1);
    } else if (answering && letIn && transactionBegun != 0) {
      figures.transactions.add(Outcome.UNKNOWN, 1);
    }
    loop.prepared(-prepared.size());
    pending.clear();
    frontend.release();
    backend.release();
    loop.ends(this);
  }

  @Override
  public void cancel() {
    loop.cancel();
  }

  @Override
  public void startup(ByteBuf packet) {
    figures.bytesFromClient += packet.readableBytes();
    try {
      if (OpeningMessage.decode(packet) instanceof StartupMessage startup) {
        String name = startup.user();
        user = name == null ? "" : name;
        String wanted = startup.database();
        database = wanted == null || startup.replication() == Replication.PHYSICAL ? "" : wanted;
        application = startup.parameters().getOrDefault(APPLICATION_NAME, "");
        Traceparent of = Traces.ofSession(startup);
        trace = of != null && of.isSampled() ? of : null;
      }
    } catch (MalformedMessageException e) {
      // Postgres will say so.
    }
  }

  @Override
  public void opaque() {
    opaque = true;
    since = now;
    forget();
  }

  @Override
  public MessageSink frontend() {
    return frontend;
  }

  @Override
  public MessageSink backend() {
    return backend;
  }

  private int request(byte type, int length) {
    figures.fromClient(type, MessageLength.of(length));
    switch (type) {
      case 'd' -> {
        copied += MessageLength.of(length);
        return 0;
      }
      case 'c', 'f' -> {
        copied += MessageLength.of(length);
        if (copying) {
          copying = false;
        } else if (lost) {
          copyEnded = true;
        } else if (!skipping && pending.size() > 0) {
          // Perhaps the end of a COPY whose data were sent without waiting for the word.
          add(Pending.COPY_END, null, 0, 0);
        }
        return 0;
      }
      case 'S' -> {
        sync();
        return 0;
      }
      case 'P', 'B', 'D', 'E', 'C' -> {
        unsynced = true;
        series = true;
      }
      default -> {} // below
    }
    if (skipping) {
      return 0;
    }
    return switch (type) {
      case 'Q' -> {
        begin(length);
        // The last byte is the terminator.
        yield LoopFigures.MAX_TEXT + 2;
      }
      case 'P' -> {
        begin(length);
        yield LoopFigures.MAX_TEXT + MAX_NAMES;
      }
      case 'B', 'E', 'D', 'C' -> {
        begin(length);
        yield MAX_NAMES;
      }
      case 'F' -> {
        begin(length);
        turn();
        add(Pending.FUNCTION, null, begun, sent);
        begun = 0;
        yield 0;
      }
      default -> 0;
    };
  }

  private void begin(int length) {
    if (!isAnswering()) {
      since = now;
      // What came since the last answer was complete belongs to nothing: the rest of the data of a
      // COPY that has failed, notifications.
      copied = 0;
      answer = 0;
    }
    if (begun == 0 || pending.size() == 0) {
      begun = now;
      sent = 0;
    }
    if (transactionBegun == 0) {
      transactionBegun = now;
    }
    sent = (int) Math.min((long) sent + MessageLength.of(length), Integer.MAX_VALUE);
  }

  private void sync() {
    begun = 0;
    if (copying) {
      // Postgres ignores it, see Turns.
      return;
    }
    skipping = false;
    series = false;
    if (!isAnswering()) {
      since = now;
    }
    owed++;
    turn++;
    syncs += copyEnded ? 0 : 1;
    unsynced = false;
    add(Pending.SYNC, null, 0, 0);
  }

  /** A message was sent that Postgres answers with a ReadyForQuery, as it does a Sync. */
  private void turn() {
    owed++;
    skippable += lost && series ? 1 : 0;
    turn++;
    syncs = 0;
    unsynced = false;
  }

  /** Whether answers are still to come, as far as is known. */
  private boolean isAnswering() {
    return owed > 0 || pending.size() > 0 || lost;
  }

  private void add(byte kind, @Nullable Object about, long time, int bytes) {
    if (lost) {
      return;
    }
    if (!pending.add(kind, about, time, bytes)) {
      lose(Overflow.PIPELINE);
    }
  }

  private void lose(Overflow why) {
    loop.overflow(why);
    copyEnded = pending.hasCopyEnd();
    boolean behindSeries = false;
    skippable = 0;
    erred = false;
    for (int i = 0; i < pending.size(); i++) {
      if (pending.about(i) instanceof Named named) {
        named.before = null;
      }
      switch (pending.kind(i)) {
        case Pending.SYNC -> behindSeries = false;
        case Pending.QUERY, Pending.FUNCTION -> skippable += behindSeries ? 1 : 0;
        case Pending.COPY_END -> {}
        default -> behindSeries = true;
      }
    }
    pending.clear();
    skipping = false;
    statement = 0;
    lost = owed > 0 || unsynced;
  }

  private void requestBody(byte type, ByteBuf in, int index, int length, boolean complete) {
    if (skipping) {
      // It began before it was known that Postgres will skip it.
      return;
    }
    switch (type) {
      case 'Q' -> query(in, index, length, complete);
      case 'P' -> parse(in, index, length, complete);
      case 'B' -> bind(in, index, length);
      case 'E' -> execute(in, index, length);
      case 'D' -> add(Pending.DESCRIBE, null, 0, 0);
      case 'C' -> close(in, index, length);
      default -> throw new IllegalStateException("no body of " + (char) type + " was asked for");
    }
  }

  private void query(ByteBuf in, int index, int length, boolean complete) {
    KnownText text = null;
    Traces traces = null;
    if (complete) {
      int size = length > 0 && in.getByte(index + length - 1) == 0 ? length - 1 : length;
      text = loop.text(figures, in, index, size, standardStrings, false, doubts());
      traces = loop.traces();
    } else {
      loop.overflow(Overflow.TEXT);
    }
    unnamed = null;
    unnamedPortal = null;
    turn();
    add(Pending.QUERY, Traced.of(text, traces), begun, sent);
    begun = 0;
  }

  /** What is not known for sure of how Postgres will read a text that comes now. */
  private int doubts() {
    // What is still to be answered may change how strings are read.
    return (!letIn || isAnswering() ? KnownText.ON_STRINGS : 0)
        + (clientEncoding ? KnownText.ON_ENCODING : 0);
  }

  private void parse(ByteBuf in, int index, int length, boolean complete) {
    int end = index + length;
    int nameEnd = terminator(in, index, end);
    int from = Math.min(nameEnd + 1, end);
    KnownText text = null;
    ParsedTraces traces = null;
    if (complete) {
      int size = terminator(in, from, end) - from;
      text = loop.text(figures, in, from, size, standardStrings, true, doubts());
      Traces found = loop.traces();
      traces = found == null ? null : new ParsedTraces(found);
    } else {
      loop.overflow(Overflow.TEXT);
    }
    if (nameEnd == index) {
      unnamed = text;
      unnamedTraces = traces;
      unnamedCount++;
      add(Pending.PARSE, text, unnamedCount, 0);
      return;
    }
    long name = loop.nameHash(in, index, nameEnd);
    if (text == null) {
      add(Pending.PARSE, null, name, 0);
      return;
    }
    Named named = new Named(text, traces);
    Named before = define(name, named);
    add(Pending.PARSE, named, name, 0);
    if (!lost) {
      named.tie(before);
    }
  }

  private @Nullable Named define(long name, Named named) {
    if (prepared.get(name) == null && (prepared.size() >= MAX_PREPARED || !loop.mayPrepare())) {
      loop.overflow(Overflow.STATEMENT);
      return null;
    }
    Named before = prepared.put(name, named);
    if (before == null) {
      loop.prepared(1);
    }
    return before;
  }

  /** How many statements of before a name keeps, for tests. */
  int keptBefore(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    Named named = prepared.get(SessionCommand.nameHash(bytes, 0, bytes.length));
    int kept = 0;
    while (named != null && named.before != null) {
      named = named.before;
      kept++;
    }
    return kept;
  }

  private @Nullable Named undefine(long name) {
    Named removed = prepared.remove(name);
    if (removed != null) {
      loop.prepared(-1);
    }
    return removed;
  }

  private void bind(ByteBuf in, int index, int length) {
    int end = index + length;
    int portalEnd = terminator(in, index, end);
    int from = Math.min(portalEnd + 1, end);
    int nameEnd = terminator(in, from, end);
    Object about = unnamed;
    ParsedTraces traces = unnamedTraces;
    long name = 0;
    if (nameEnd > from) {
      name = loop.nameHash(in, from, nameEnd);
      Named named = prepared.get(name);
      about = named;
      traces = named == null ? null : named.traces;
    }
    if (portalEnd == index) {
      unnamedPortal = about;
      unnamedPortalTraces = traces;
      unnamedPortalExecuted = false;
    } else {
      long portal = loop.nameHash(in, index, portalEnd);
      if (portals.size() < MAX_PORTALS || portals.get(portal) != null) {
        portals.put(portal, new Portal(about, traces));
      }
    }
    add(Pending.BIND, about, name, 0);
  }

  private void execute(ByteBuf in, int index, int length) {
    int nameEnd = terminator(in, index, index + length);
    Object about;
    ParsedTraces traces;
    boolean first;
    if (nameEnd == index) {
      about = unnamedPortal;
      traces = unnamedPortalTraces;
      first = !unnamedPortalExecuted;
      unnamedPortalExecuted = true;
    } else {
      Portal portal = portals.get(loop.nameHash(in, index, nameEnd));
      about = portal == null ? null : portal.about;
      traces = portal == null ? null : portal.traces;
      first = portal == null || !portal.executed;
      if (portal != null) {
        portal.executed = true;
      }
    }
    if (traces != null) {
      about = Traced.of(about, traces.execute(turn));
    }
    add(first ? Pending.FIRST_EXECUTE : Pending.EXECUTE, about, begun, sent);
    begun = 0;
  }

  private void close(ByteBuf in, int index, int length) {
    int end = index + length;
    int from = Math.min(index + 1, end);
    int nameEnd = terminator(in, from, end);
    boolean ofStatement = length > 0 && in.getByte(index) == 'S';
    Named closed = null;
    long name = 0;
    if (nameEnd > from) {
      long hash = loop.nameHash(in, from, nameEnd);
      if (ofStatement) {
        name = hash;
        closed = undefine(name);
      } else {
        portals.remove(hash);
      }
    } else if (ofStatement) {
      unnamed = null;
    } else {
      unnamedPortal = null;
    }
    add(Pending.CLOSE, closed, name, 0);
  }

  private static int terminator(ByteBuf in, int from, int to) {
    if (from >= to || in.getByte(from) == 0) {
      return from;
    }
    int at = in.indexOf(from, to, (byte) 0);
    return at < 0 ? to : at;
  }

  private int answer(byte type, int length) {
    figures.fromUpstream(type, MessageLength.of(length));
    answer += MessageLength.of(length);
    switch (type) {
      case 'D' -> {
        if (rows++ == 0) {
          firstRow = now;
        }
        return 0;
      }
      case 'd' -> {
        if (firstRow == 0) {
          firstRow = now;
        }
        return 0;
      }
      case '1' -> parsed();
      case '2' -> bound();
      case '3' -> closed();
      case 'n', 'T' -> removeIf(Pending.DESCRIBE);
      case 'I' -> empty();
      case 's' -> suspended();
      case 'G' -> {
        copying = !copyEnded && !pending.hasCopyEnd();
        int ignored = lost ? Math.min(syncs, owed) : pending.removeSyncs();
        owed -= ignored;
        unsynced |= ignored > 0;
        syncs = 0;
        copyEnded = false;
      }
      case 'W' -> streaming = true;
      case 'V' -> {
        worked = true;
        if (pending.kind(0) == Pending.FUNCTION) {
          figures.query.observe(now - Math.max(pending.time(0), answered));
        }
      }
      case 'C' -> {
        return CompletionTag.MAX_LENGTH;
      }
      case 'Z' -> {
        return 1;
      }
      case 'E', 'N' -> {
        return ErrorHead.MAX_LENGTH;
      }
      case 'S' -> {
        return MAX_SETTING;
      }
      default -> {} // belongs to no statement, or tells nothing of it
    }
    return 0;
  }

  private void answerBody(byte type, ByteBuf in, int index, int length) {
    switch (type) {
      case 'C' -> {
        loop.tag.read(in, index, length);
        completed(loop.tag.kind(), loop.tag.rows());
      }
      case 'Z' -> ready(length == 0 ? status : in.getByte(index));
      case 'E' -> {
        loop.error.read(in, index, length);
        error(loop.error.severity(), loop.error.code());
      }
      case 'N' -> {
        loop.error.read(in, index, length);
        figures.notices.add(loop.error.severity(), 1);
      }
      case 'S' -> setting(in, index, length);
      default -> throw new IllegalStateException("no body of " + (char) type + " was asked for");
    }
  }

  private void removeIf(byte kind) {
    if (pending.kind(0) == kind) {
      pending.remove();
      answer = 0;
    }
  }

  private void parsed() {
    if (pending.kind(0) == Pending.PARSE && pending.about(0) instanceof Named named) {
      named.before = null;
    }
    removeIf(Pending.PARSE);
  }

  private void bound() {
    meant();
    removeIf(Pending.BIND);
  }

  /** What a Bind is about that is being answered, and its Execute. */
  private void meant() {
    if (pending.kind(0) != Pending.BIND || pending.time(0) == 0) {
      return;
    }
    Object about = pending.about(0);
    if (about == null || (about instanceof Named named && named.skipped)) {
      // Before it was known what Postgres skips, the name seemed to be free, or another's.
      Named now = prepared.get(pending.time(0));
      pending.about(0, now);
      for (int i = 1; i < pending.size() && pending.kind(i) != Pending.BIND; i++) {
        if (isExecute(pending.kind(i)) && Objects.equals(aboutAt(i), about)) {
          pending.about(i, now);
        }
      }
    }
  }

  private void closed() {
    if (pending.kind(0) == Pending.CLOSE && pending.time(0) != 0 && pending.about(0) == null) {
      // When it was sent, a PREPARE of the name had not been answered.
      Named named = prepared.get(pending.time(0));
      if (named != null && !isPending(named)) {
        undefine(pending.time(0));
      }
    }
    removeIf(Pending.CLOSE);
  }

  private void empty() {
    if (isExecute(pending.kind(0))) {
      pending.remove();
      next();
    }
  }

  private static boolean isExecute(byte kind) {
    return kind == Pending.EXECUTE || kind == Pending.FIRST_EXECUTE;
  }

  private void suspended() {
    byte kind = pending.kind(0);
    if (!isExecute(kind)) {
      if (!lost) {
        lose(Overflow.ANSWER);
      }
      return;
    }
    worked = true;
    figures.rows.add(StatementKind.SELECT, rows);
    done(StatementKind.SELECT, kind == Pending.FIRST_EXECUTE, textAt(0), 0, rows);
    pending.remove();
    next();
  }

  private @Nullable Object aboutAt(int index) {
    Object about = pending.about(index);
    return about instanceof Traced traced ? traced.about() : about;
  }

  private @Nullable KnownText textAt(int index) {
    return switch (aboutAt(index)) {
      case KnownText text -> text;
      case Named named -> named.text;
      case null, default -> null;
    };
  }

  private void completed(StatementKind kind, long tagRows) {
    byte head = pending.kind(0);
    boolean again = head == Pending.EXECUTE;
    // Of a portal that is executed in parts, the tag of some commands tells the rows of all parts.
    long affected = again ? rows : tagRows;
    figures.statements.add(kind, 1);
    figures.rows.add(kind, affected);
    if (head != Pending.QUERY && !isExecute(head)) {
      if (!lost) {
        lose(Overflow.ANSWER);
      }
      long took = now - Math.max(since, answered);
      figures.query.observe(took);
      figures.rest.done(true, took, affected, copied, answer);
      ended(kind, SessionCommand.OTHER);
      next();
      return;
    }
    KnownText text = textAt(0);
    int which = head == Pending.QUERY ? statement : 0;
    SessionCommand command = text == null ? SessionCommand.OTHER : text.command(which);
    ended(kind, command);
    named(kind, command, text, which);
    // As pg_stat_statements has it: PREPARE is no call, and MOVE has no rows.
    if (kind != StatementKind.PREPARE) {
      done(kind, !again, text, which, kind == StatementKind.MOVE ? 0 : affected);
    }
    if (head == Pending.QUERY) {
      statement++;
    } else {
      pending.remove();
    }
    next();
  }

  /** What a completed statement has done to the prepared statements. */
  private void named(
      StatementKind kind, SessionCommand command, @Nullable KnownText text, int which) {
    switch (command.kind()) {
      case PREPARE -> {
        Figures of = text == null ? null : text.figures(which);
        if (kind == StatementKind.PREPARE && of != null) {
          define(command.name(), new Named(of.alone, null));
        }
      }
      case DEALLOCATE -> {
        if (kind == StatementKind.DEALLOCATE && !isPending(prepared.get(command.name()))) {
          undefine(command.name());
        }
      }
      case OTHER, EXECUTE, ROLLBACK_TO -> {
        if (kind == StatementKind.DEALLOCATE_ALL || kind == StatementKind.DISCARD_ALL) {
          undefineAll();
        }
      }
    }
  }

  /** Whether a statement's Parse was sent, but Postgres has not come to it yet. */
  private boolean isPending(@Nullable Named named) {
    for (int i = 0; i < pending.size() && named != null; i++) {
      if (pending.kind(i) == Pending.PARSE && named.equals(pending.about(i))) {
        return true;
      }
    }
    return false;
  }

  /** Drops all prepared statements but those that Postgres has not come to yet. */
  private void undefineAll() {
    NameTable<Named> left = new NameTable<>();
    for (int i = 0; i < pending.size(); i++) {
      if (pending.kind(i) == Pending.PARSE
          && pending.about(i) instanceof Named named
          && named.equals(prepared.get(pending.time(i)))) {
        left.put(pending.time(i), named);
      }
    }
    loop.prepared(left.size() - prepared.size());
    prepared = left;
  }

  /** What a completed statement has done to the transaction. */
  private void ended(StatementKind kind, SessionCommand command) {
    switch (kind) {
      case COMMIT -> transactionEnds(Outcome.COMMITTED);
      case ROLLBACK -> {
        if (command.kind() == SessionCommand.Kind.ROLLBACK_TO) {
          worked = true;
        } else {
          transactionEnds(Outcome.ROLLED_BACK);
        }
      }
      case ROLLBACK_PREPARED -> transactionEnds(Outcome.ROLLED_BACK);
      case PREPARE_TRANSACTION -> transactionEnds(null);
      default -> worked = true;
    }
  }

  private void transactionEnds(@Nullable Outcome outcome) {
    if (outcome != null) {
      figures.transactions.add(outcome, 1);
    }
    if (transactionBegun != 0) {
      figures.transaction.observe(now - transactionBegun);
      if (seen != null) {
        figures.transaction.saw(now - transactionBegun, seen);
      }
    }
    seen = null;
    transactionBegun = now;
    worked = false;
    failed = false;
  }

  private void done(
      StatementKind kind, boolean isCall, @Nullable KnownText text, int which, long affected) {
    long began = Math.max(pending.time(0), answered);
    figures.query.observe(now - began);
    if (firstRow != 0) {
      figures.firstRow.observe(Math.max(0, firstRow - began));
    }
    Figures of = figuresOf(text, which);
    of.done(isCall, now - began, affected, requestBytes(), answer);
    Traceparent parent = traceAt(0, which);
    if (parent != null) {
      saw(parent, began, of, kind.operation(), null);
    }
  }

  /** The trace of a statement, if it has one that is sampled. */
  private @Nullable Traceparent traceAt(int index, int which) {
    return pending.about(index) instanceof Traced traced
        ? sampled(traced.traces().of(which))
        : trace;
  }

  /** A statement's own trace decides, also that there is none, or else the session's. */
  private @Nullable Traceparent sampled(@Nullable Traceparent own) {
    if (own == null) {
      return trace;
    }
    return own.isSampled() ? own : null;
  }

  /** The trace of what has failed at the head, which need not have come to its Execute. */
  private @Nullable Traceparent traceOfFailed(int which) {
    for (int i = 0; i < pending.size() && pending.kind(i) != Pending.SYNC; i++) {
      if (isExecute(pending.kind(i)) || pending.kind(i) == Pending.QUERY) {
        return traceAt(i, i == 0 ? which : 0);
      }
    }
    ParsedTraces parsed = null;
    if (pending.kind(0) == Pending.PARSE) {
      parsed = pending.about(0) instanceof Named named ? named.traces : unnamedTraces;
    }
    Traces traces = parsed == null ? null : parsed.execute(turn);
    return sampled(traces == null ? null : traces.of(0));
  }

  /** A query with a trace is over: its times get exemplars, and it is a span if spans are taken. */
  private void saw(
      Traceparent parent,
      long began,
      Figures of,
      @Nullable String operation,
      @Nullable String sqlState) {
    SpanSink taker = loop.spans.sink();
    long offset = loop.spans.offset();
    long id = parent.span();
    if (taker != null) {
      id = loop.spans.id();
      Fingerprint fingerprint = of.fingerprint;
      taker.take(
          new QuerySpan(
              parent,
              id,
              began + offset,
              now + offset,
              database,
              operation,
              fingerprint == null ? null : Exposition.hex(fingerprint.hash),
              loop.spans.text(of),
              sqlState,
              rows,
              client,
              server));
    }
    Sighting sighting = new Sighting(parent, id, now - began, (now + offset) / 1_000_000);
    figures.query.saw(now - began, sighting);
    if (firstRow != 0 && sqlState == null) {
      figures.firstRow.saw(Math.max(0, firstRow - began), sighting);
    }
    of.saw(now - began, sighting);
    if (worked || failed) {
      seen = sighting;
    }
  }

  private Figures figuresOf(@Nullable KnownText text, int which) {
    if (text == null && !lost) {
      loop.overflow(Overflow.STATEMENT);
    }
    return loop.current(figures, executed(text, which));
  }

  /** Of EXECUTE, the figures of what was prepared. */
  private @Nullable Figures executed(@Nullable KnownText text, int which) {
    if (text == null) {
      return null;
    }
    SessionCommand command = text.command(which);
    if (command.kind() == SessionCommand.Kind.EXECUTE) {
      Named named = prepared.get(command.name());
      if (named != null) {
        return named.text.figures(0);
      }
    }
    return text.figures(which);
  }

  private long requestBytes() {
    return copied + (statement == 0 ? pending.bytes(0) : 0);
  }

  /** The answer to a statement is complete; what comes belongs to the next. */
  private void next() {
    answered = now;
    rows = 0;
    firstRow = 0;
    answer = 0;
    copied = 0;
    copying = false;
  }

  private void error(Severity severity, int code) {
    figures.errors.add(SessionFigures.errorKey(severity, code));
    byte head = pending.kind(0);
    if (head == 0 || head == Pending.SYNC) {
      // Not in answer to a statement; at a Sync, the end of its transaction has failed.
      failed |= head == Pending.SYNC || lost;
      if (lost) {
        long took = now - Math.max(since, answered);
        figures.query.observe(took);
        figures.rest.failed(code, took, copied, answer);
        erred = true;
        // Then it was in answer to what a Sync must still follow, and Postgres skips the rest.
        skipping |= owed == 0;
        next();
      }
      return;
    }
    failed = true;
    meant();
    boolean timed = head == Pending.QUERY || isExecute(head);
    long began = Math.max(timed ? pending.time(0) : begunAt(), answered);
    figures.query.observe(now - began);
    KnownText text = textAt(0);
    int which = head == Pending.QUERY ? statement : 0;
    if (head != Pending.FUNCTION) {
      Figures of = loop.current(figures, executed(text, which));
      of.failed(code, now - began, timed ? requestBytes() : 0, answer);
      Traceparent parent = traceOfFailed(which);
      if (parent != null) {
        saw(parent, began, of, null, ErrorHead.sqlState(code));
      }
    }
    if (head != Pending.QUERY && head != Pending.FUNCTION) {
      skip();
    }
    next();
  }

  /** When the statement began that has failed before its Execute. */
  private long begunAt() {
    for (int i = 0; i < pending.size(); i++) {
      if (isExecute(pending.kind(i))) {
        return pending.time(i);
      }
    }
    return begun == 0 ? now : begun;
  }

  /** Takes back all up to the next Sync, from behind: Postgres skips it. */
  private void skip() {
    int sync = 0;
    while (sync < pending.size() && pending.kind(sync) != Pending.SYNC) {
      sync++;
    }
    skipping = sync == pending.size();
    for (int i = sync - 1; i >= 0; i--) {
      takeBack(i);
    }
    int left = pending.size() - sync;
    while (pending.size() > left) {
      pending.remove();
    }
    if (skipping) {
      begun = 0;
    }
  }

  private void takeBack(int index) {
    switch (pending.kind(index)) {
      case Pending.PARSE -> {
        if (pending.about(index) instanceof Named named) {
          skipped(pending.time(index), named);
        } else if (pending.time(index) == unnamedCount) {
          unnamed = null;
        }
      }
      case Pending.CLOSE -> {
        if (pending.about(index) instanceof Named closed
            && prepared.get(pending.time(index)) == null) {
          define(pending.time(index), closed);
        }
      }
      case Pending.QUERY, Pending.FUNCTION -> owed--;
      default -> {} // has changed nothing
    }
  }

  /** The name is tied to what it was tied to before. */
  private void skipped(long name, Named named) {
    named.skipped = true;
    if (!named.equals(prepared.get(name))) {
      return;
    }
    Named before = named.before;
    while (before != null && before.skipped) {
      before = before.before;
    }
    if (before == null) {
      undefine(name);
    } else {
      prepared.put(name, before);
    }
  }

  private void ready(byte transactionStatus) {
    status = transactionStatus;
    streaming = false;
    if (!letIn) {
      letIn = true;
      resolve();
      if (encrypted) {
        figures.sessionsEncrypted++;
      } else {
        figures.sessionsPlain++;
      }
    } else {
      answeredTurn();
    }
    statement = 0;
    next();
    since = now;
    if (transactionStatus == 'I') {
      if (failed) {
        transactionEnds(Outcome.ROLLED_BACK);
      } else if (worked) {
        transactionEnds(Outcome.COMMITTED);
      }
      transactionBegun = isAnswering() ? now : 0;
      if (pending.size() == 0) {
        portals.clear();
      }
    } else if (transactionStatus == 'T') {
      // What has failed was taken back to a savepoint.
      failed = false;
    }
  }

  private void answeredTurn() {
    if (owed > 0) {
      owed--;
    }
    syncs = Math.min(syncs, owed);
    copyEnded &= owed > 0;
    if (lost) {
      if (erred && owed <= skippable) {
        // Postgres has skipped them. If not, what comes is counted with the rest.
        owed = 0;
        syncs = 0;
      }
      lost = owed > 0 || unsynced;
      return;
    }
    boolean found = false;
    while (pending.size() > 0 && !found) {
      byte kind = pending.kind(0);
      found = kind == Pending.SYNC || kind == Pending.QUERY || kind == Pending.FUNCTION;
      if (!found) {
        // Postgres has not answered it before its turn was over.
        lose(Overflow.ANSWER);
        return;
      }
      pending.remove();
    }
  }

  private void setting(ByteBuf in, int index, int length) {
    int end = index + length;
    int nameEnd = terminator(in, index, end);
    if (is(in, index, nameEnd, STANDARD_STRINGS)) {
      standardStrings = nameEnd + 2 < end && in.getByte(nameEnd + 2) == 'n';
    } else if (is(in, index, nameEnd, CLIENT_ENCODING)) {
      clientEncoding = CLIENT_ENCODINGS.contains(value(in, nameEnd, end));
    } else if (is(in, index, nameEnd, APPLICATION_NAME)) {
      application = value(in, nameEnd, end);
      if (letIn) {
        resolve();
      }
    }
  }

  private static String value(ByteBuf in, int nameEnd, int end) {
    int from = Math.min(nameEnd + 1, end);
    return in.toString(from, terminator(in, from, end) - from, StandardCharsets.UTF_8);
  }

  private static boolean is(ByteBuf in, int from, int to, String name) {
    if (to - from != name.length()) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (in.getByte(from + i) != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private void resolve() {
    figures = loop.of(database, user, application);
  }

  private void forget() {
    pending.clear();
    owed = 0;
    unsynced = false;
    lost = false;
    loop.prepared(-prepared.size());
    prepared.clear();
    portals.clear();
    frontend.release();
    backend.release();
  }

  private State state() {
    if (opaque) {
      return State.OPAQUE;
    }
    if (!letIn) {
      return State.STARTING;
    }
    if (streaming) {
      return State.STREAMING;
    }
    if (isAnswering()) {
      return State.ACTIVE;
    }
    return switch (status) {
      case 'T' -> State.IDLE_IN_TRANSACTION;
      case 'E' -> State.IDLE_IN_FAILED_TRANSACTION;
      default -> State.IDLE;
    };
  }

  /** Adds what the session is doing to a sum. */
  void addTo(Totals totals, long at) {
    totals.add(figures.labels, state(), Math.max(0, at - since), prepared.size());
  }
}
