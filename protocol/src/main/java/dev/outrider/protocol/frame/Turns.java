package dev.outrider.protocol.frame;

import io.netty.buffer.ByteBuf;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is on a connection: whether it is idle, so that it can end without anybody losing
 * anything. See <a href="https://www.postgresql.org/docs/18/protocol-flow.html">Message Flow</a>.
 *
 * <p>Each Query, FunctionCall and Sync is answered with one ReadyForQuery, which tells whether a
 * transaction is open; so is the start-up. A connection is idle when none is owed, the last one
 * said that no transaction is open, and the client has sent nothing since that a Sync must still
 * follow: what was executed before a Sync is not committed before it.
 *
 * <p>The exception is COPY FROM STDIN. While Postgres takes its data, it ignores Sync (<a
 * href="https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-COPY">COPY Operations</a>);
 * libpq sends one behind each Execute, before it knows that it executes a COPY. So from
 * CopyInResponse on, the Syncs before the end of the data <i>may</i> be answered, no more: they are
 * not if the COPY succeeds; if it fails, it cannot be told from outside which of them Postgres read
 * before. A connection on which only such answers are owed is perhaps idle; silence for a while
 * makes it likely.
 *
 * <p>When something fails that a Sync must still follow, Postgres skips what comes before that
 * Sync, a Query or FunctionCall as well, and does not answer these. From outside it cannot be told
 * whether they were skipped or one of them has failed, so then, too, the connection is perhaps
 * idle.
 *
 * <p>No message, from whomever, makes a count negative, and a connection that behaves again after a
 * fault is counted rightly again. Not safe for several threads.
 */
public final class Turns {
  /** What a connection is doing. */
  public enum State {
    /** It is not known yet what the client wants. */
    OPENING,
    /** It asks for the end of a query on another connection. */
    CANCEL,
    /** The client is not let in yet. */
    STARTING,
    /** Nothing is under way. */
    IDLE,
    /** Nothing seems to be under way. */
    PERHAPS_IDLE,
    /** A transaction is open, a query is answered, or a message has come in part. */
    BUSY,
    /** Both sides stream without end: replication. */
    STREAMING,
    /** It cannot be followed. */
    OPAQUE
  }

  private static final MessageTypes OF_FRONTEND = MessageTypes.of("QFSPBEDCcfX");
  private static final MessageTypes OF_BACKEND = MessageTypes.of("ZGWE");
  private static final byte NO_TRANSACTION = 'I';

  private final Conversation conversation;
  // Owed ReadyForQuery: for Query, FunctionCall and the start-up; for Sync; for a Sync that may be
  // ignored.
  private int queries = 1;
  private int syncs;
  private int ignorable;
  // Something was sent that a Sync must still follow.
  private boolean unsynced;
  // The same, and no Sync has followed yet, though perhaps a Query. How many of these are owed, and
  // whether anything has failed meanwhile.
  private boolean series;
  private int skippable;
  private boolean failed;
  // Postgres takes the data of a COPY, or is about to learn of its end.
  private boolean copying;
  private boolean copyEndedEarly;
  private boolean copyUnclear;
  private boolean streaming;
  private boolean letIn;
  private boolean saidGoodbye;
  private byte status;

  /**
   * Makes the turns of a connection before its first byte.
   *
   * @param lost told, once at most, why the connection can no longer be followed
   */
  public Turns(Consumer<Desync> lost) {
    this(lost, null);
  }

  /**
   * Makes the turns of a connection before its first byte.
   *
   * @param lost told, once at most, why the connection can no longer be followed
   * @param witness told of all that is said, or null; of a message after the turns have taken note
   *     of it
   */
  public Turns(Consumer<Desync> lost, @Nullable Witness witness) {
    MessageSink frontend = witness == null ? null : witness.frontend();
    MessageSink backend = witness == null ? null : witness.backend();
    conversation =
        new Conversation(
            new MessageScanner(
                MessageTypes.FRONTEND,
                frontend == null ? OF_FRONTEND : MessageTypes.FRONTEND,
                new Frontend(frontend)),
            new MessageScanner(
                MessageTypes.BACKEND,
                backend == null ? OF_BACKEND : MessageTypes.BACKEND,
                new Backend(backend)),
            lost,
            witness);
  }

  /** Follows the readable bytes of the client, which stay unread, before the answer to them. */
  public void frontend(ByteBuf in) {
    conversation.frontend(in);
  }

  /** Follows the readable bytes of Postgres, which stay unread. */
  public void backend(ByteBuf in) {
    conversation.backend(in);
  }

  /**
   * Whether an error message of Postgres could stand at the end of what it has sent so far, and the
   * client would understand it.
   */
  public boolean canBeTold() {
    return conversation.phase() == Conversation.Phase.STARTED
        && conversation.isBackendBetweenMessages();
  }

  /**
   * Whether the client has asked for something that Postgres may still be at work on, and has not
   * said by a Terminate that it leaves.
   */
  public boolean awaitsAnswer() {
    return letIn
        && !saidGoodbye
        && conversation.phase() == Conversation.Phase.STARTED
        && (queries > 0 || syncs > 0 || unsynced);
  }

  /** What the connection is doing. */
  public State state() {
    return switch (conversation.phase()) {
      case OPENING -> State.OPENING;
      case CANCEL -> State.CANCEL;
      case OPAQUE -> State.OPAQUE;
      case STARTED -> started();
    };
  }

  private State started() {
    if (!letIn) {
      return State.STARTING;
    }
    if (streaming) {
      return State.STREAMING;
    }
    boolean busy =
        queries > 0
            || syncs > 0
            || unsynced
            || copying
            || status != NO_TRANSACTION
            || !conversation.isFrontendBetweenMessages()
            || !conversation.isBackendBetweenMessages();
    if (busy) {
      return State.BUSY;
    }
    return ignorable > 0 ? State.PERHAPS_IDLE : State.IDLE;
  }

  private final class Frontend implements MessageSink {
    private final @Nullable MessageSink witness;

    Frontend(@Nullable MessageSink witness) {
      this.witness = witness;
    }

    @Override
    public int begin(byte type, int length) {
      switch (type) {
        case 'Q', 'F' -> {
          queries++;
          skippable += series ? 1 : 0;
          unsynced = false;
        }
        case 'S' -> {
          series = false;
          if (copying) {
            ignorable++;
          } else {
            syncs++;
          }
          unsynced = false;
        }
        case 'P', 'B', 'E', 'D', 'C' -> {
          unsynced = true;
          series = true;
        }
        case 'c', 'f' -> {
          if (copying) {
            copying = false;
          } else {
            copyEndedEarly = true;
          }
        }
        case 'X' -> saidGoodbye = true;
        default -> {} // changes nobody's turn
      }
      return witness == null ? 0 : witness.begin(type, length);
    }

    @Override
    public void body(ByteBuf in, int index, int length) {
      if (witness == null) {
        throw new IllegalStateException("no body was asked for");
      }
      witness.body(in, index, length);
    }
  }

  private final class Backend implements MessageSink {
    private final @Nullable MessageSink witness;
    private boolean statusNext;
    private boolean witnessed;

    Backend(@Nullable MessageSink witness) {
      this.witness = witness;
    }

    @Override
    public int begin(byte type, int length) {
      int own = 0;
      statusNext = false;
      switch (type) {
        case 'Z' -> {
          statusNext = true;
          own = 1;
        }
        case 'G' -> {
          ignorable += syncs;
          syncs = 0;
          // Data and their end may have been sent without waiting for this message.
          copying = !copyEndedEarly;
          copyUnclear |= copyEndedEarly;
        }
        case 'W' -> streaming = true;
        case 'E' -> {
          copyUnclear |= ignorable > 0;
          failed |= skippable > 0;
        }
        default -> {} // changes nobody's turn
      }
      if (witness == null) {
        return own;
      }
      int wanted = witness.begin(type, length);
      witnessed = wanted > 0;
      return Math.max(own, wanted);
    }

    @Override
    public void body(ByteBuf in, int index, int length) {
      if (statusNext) {
        statusNext = false;
        ready(in.getByte(index));
      }
      if (witness != null && witnessed) {
        witness.body(in, index, length);
      }
    }
  }

  private void ready(byte transaction) {
    status = transaction;
    letIn = true;
    if (queries > 0) {
      queries--;
    } else if (syncs > 0) {
      syncs--;
    } else if (ignorable > 0) {
      ignorable--;
    }
    if (!copyUnclear) {
      ignorable = 0;
    }
    int owed = queries + syncs;
    if (failed && owed <= skippable) {
      ignorable += owed;
      queries = 0;
      syncs = 0;
    }
    if (queries + syncs == 0) {
      skippable = 0;
      failed = false;
    }
    copying = false;
    copyEndedEarly = false;
    copyUnclear = false;
    streaming = false;
  }
}
