package dev.outrider.metrics.proxy.session;

import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.TlsConfig;
import dev.outrider.metrics.proxy.FirstReader;
import dev.outrider.metrics.proxy.ProxyMetrics;
import dev.outrider.metrics.proxy.ProxyMetrics.DrainEnd;
import dev.outrider.metrics.proxy.ProxyMetrics.Refusal;
import dev.outrider.metrics.proxy.Transport;
import dev.outrider.metrics.proxy.fence.Fence;
import dev.outrider.metrics.proxy.session.SessionState.Awaiting;
import dev.outrider.metrics.proxy.session.SessionState.Closed;
import dev.outrider.metrics.proxy.session.SessionState.Connecting;
import dev.outrider.metrics.proxy.session.SessionState.Lingering;
import dev.outrider.metrics.proxy.session.SessionState.Relaying;
import dev.outrider.metrics.proxy.tls.ClientCertificate;
import dev.outrider.metrics.proxy.tls.ClientTls;
import dev.outrider.metrics.proxy.upstream.Upstream;
import dev.outrider.metrics.proxy.wire.WireSession;
import dev.outrider.protocol.SqlState;
import dev.outrider.protocol.backend.ErrorResponse;
import dev.outrider.protocol.frame.Desync;
import dev.outrider.protocol.frame.Turns;
import dev.outrider.protocol.frontend.OpeningRequest;
import dev.outrider.protocol.frontend.StartupMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's way through the proxy, as a state machine.
 *
 * <pre>
 *   ┌──┐ SSLRequest, GSSENCRequest, TLS at once
 *   ▼  │    StartupMessage          connected             the upstream ends
 *   Awaiting ─────────────▶ Connecting ────────▶ Relaying ──────────────────▶ Lingering ──▶ Closed
 *      │    CancelRequest       │ failed            │ the client breaks off       ▲          ▲
 *      │ refused: an error      ▼ an error          ├─────────────────────────────┼──────────┘
 *      └────────────────────────┴───────────────────┼─────────────────────────────┘
 *                                                   └ ended in a drain: an error
 *                           a Relaying session that is fenced is Closed
 * </pre>
 *
 * <p>Everything happens on the one event loop to which both connections belong, so nothing is
 * locked.
 *
 * <p>The rules of relaying:
 *
 * <ol>
 *   <li>The proxy hears what the client wants, and answers requests for encryption itself. The
 *       upstream is connected when it is a session that may be, or a CancelRequest; a load
 *       balancer's probe, which connects and goes away, costs Postgres nothing.
 *   <li>TLS ends here: first in the client's pipeline, if the client has asked for it, and not
 *       there if not. Everything below is about the bytes in clear. {@code close_notify} is the
 *       client's last byte.
 *   <li>What one read brings is written as one piece, and flushed when the reads are through.
 *   <li>Once a client without TLS is let in, what comes goes straight from the one socket to the
 *       other, by a buffer that all sessions share. What the other does not take at once waits, and
 *       while anything waits, more gets in line behind it.
 *   <li>Back pressure, each way by itself: a side that has more unwritten bytes than the high water
 *       mark stops the reads of the other until it is down to the low one. A session's memory is
 *       bounded by that, however slow a side is; and that of all by lower marks, see {@link
 *       Buffers}.
 *   <li>Half-close goes through: when the client has sent its last byte, the upstream hears so
 *       after the last byte and may still answer. When the upstream has sent its last byte, the
 *       session is over once the client has got it.
 *   <li>Whatever the upstream has sent reaches the client, even when the upstream no longer takes
 *       anything: a Postgres that is told to stop says why before it closes.
 *   <li>A client that breaks off ends the upstream's side at once.
 *   <li>In a drain the session ends when it is idle: the client gets an error between two messages,
 *       and Postgres's side is closed. See {@link Sessions#drain}.
 *   <li>The fence is asked after bytes were read and before they are handed on, in both directions.
 *       When it is shut, both sides are closed at once, and what was read but not handed on is
 *       thrown away; a session that has no upstream yet is refused.
 * </ol>
 *
 * <p>Where only a primary is let in, a standby is refused twice: by what the fence's record says
 * when the client begins, and by what Postgres says in the login. The record says {@code primary}
 * before the promotion is over.
 *
 * <p>A client is refused with the error in answer to its start-up message, not before: clients no
 * longer show an error that comes in answer to SSLRequest, since CVE-2024-10977. CancelRequest gets
 * no answer.
 */
// A write or a close that fails is told to the handlers, not by its future.
@SuppressWarnings("FutureReturnValueIgnored")
final class Session {
  private static final Logger LOG = LoggerFactory.getLogger(Session.class);

  private static final long RETRY_MILLIS = 10;
  // How long a session must be silent that seems to be idle, though it cannot be known.
  private static final long SILENCE_MILLIS = 1000;
  private static final ErrorResponse SHUTTING_DOWN =
      new ErrorResponse(SqlState.CANNOT_CONNECT_NOW, "the proxy is shutting down; try again");
  private static final ErrorResponse GOING_AWAY =
      new ErrorResponse(
          SqlState.ADMIN_SHUTDOWN,
          "terminating connection: the instance is going away; connect again");
  // As PostgreSQL has it in backend_startup.c.
  private static final ErrorResponse NO_ALPN =
      new ErrorResponse(
          SqlState.PROTOCOL_VIOLATION,
          "received direct SSL connection request without ALPN protocol negotiation extension");
  private static final ErrorResponse BEYOND_PROXY =
      new ErrorResponse(
          SqlState.INVALID_AUTHORIZATION_SPECIFICATION,
          "Postgres asks for a login by GSSAPI or SSPI, which cannot pass the proxy (expected: a"
              + " password method in pg_hba.conf)");
  // Tools and drivers that know several hosts go on to the next.
  private static final ErrorResponse STANDBY =
      new ErrorResponse(
          SqlState.CANNOT_CONNECT_NOW,
          "this instance is a standby, and this port is for the primary; try again");
  private static final byte[] NOT_HTTP =
      """
      HTTP/1.1 400 Bad Request\r
      Content-Type: text/plain\r
      Connection: close\r
      \r
      This is PostgreSQL's port, and no HTTP is spoken here.
      """
          .getBytes(StandardCharsets.US_ASCII);

  private final Channel client;
  private final Entrance entrance;
  private final Sessions sessions;
  private final ProxyMetrics metrics;
  private SessionState state = new Awaiting(null);
  // First in the client's pipeline, if the client has asked for TLS.
  private @Nullable SslHandler tls;
  private boolean tlsAtOnce;
  // The client was told that it may begin TLS, and has not yet.
  private boolean tlsNext;
  private long handshakeBegun;
  // Where the client is; behind a load balancer the header of the PROXY protocol tells.
  private @Nullable InetSocketAddress address;
  private final SessionRules rules;
  private @Nullable Upstream upstream;
  // Until Postgres has let the client in.
  private @Nullable LogIn logIn;
  private byte @Nullable [] cancelRequest;
  private @Nullable SessionLog log;
  // The bound of the state, if it has one: no client may hold a connection without using it.
  private @Nullable ScheduledFuture<?> bound;
  // What a session that has begun holds; null before, and in one that is refused from the start.
  private Fence.@Nullable Pass pass;
  // Null: nobody wants to know what is said.
  private final @Nullable WireSession wire;
  private final Turns turns;
  private boolean draining;
  private DrainEnd drainEnd = DrainEnd.OWN;
  private @Nullable ScheduledFuture<?> silence;

  Session(Channel client, Entrance entrance, Sessions sessions, ProxyMetrics metrics) {
    this.client = client;
    this.entrance = entrance;
    this.sessions = sessions;
    this.metrics = metrics;
    this.wire = sessions.wire(client.eventLoop());
    this.turns = new Turns(this::lost, wire);
    this.rules = sessions.policy().rules();
    this.address = client.remoteAddress() instanceof InetSocketAddress tcp ? tcp : null;
    client.pipeline().addLast(new ClientSide());
    if (address != null && rules.isTrusted(plain(address.getAddress()))) {
      ProxyHeader.expect(client.pipeline(), told -> address = told, this::lacksHeader);
    }
    boundBy(rules.startupTimeout().toMillis(), Refusal.SILENCE);
    if (Buffers.isScarce()) {
      mark(client);
    }
  }

  /** Takes the water marks that are for now. Any thread. */
  void takeMarks() {
    client
        .eventLoop()
        .execute(
            () -> {
              mark(client);
              if (state instanceof Relaying relaying) {
                mark(relaying.upstream());
              }
            });
  }

  private static void mark(Channel side) {
    side.config().setWriteBufferWaterMark(Buffers.marks());
  }

  private void lacksHeader() {
    metrics.refused(Refusal.PROTOCOL);
    close();
  }

  /** An IPv4 address that came by way of IPv6 is one of IPv4. */
  private static InetAddress plain(InetAddress address) {
    try {
      return InetAddress.getByAddress(address.getAddress());
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Closes the connection of a client that has not begun, in favour of others. Any thread. */
  void crowdOut() {
    client
        .eventLoop()
        .execute(
            () -> {
              if (state instanceof Awaiting) {
                closeRefused(Refusal.CROWD);
              }
            });
  }

  /** Closes both sides at once, with an error if one can stand now. Any thread. */
  void cut() {
    client
        .eventLoop()
        .execute(
            () -> {
              if (isOwing(state)) {
                drainEnd = DrainEnd.CUT;
              }
              if (state instanceof Relaying && turns.canBeTold() && mayPass()) {
                client.writeAndFlush(encoded(GOING_AWAY));
              }
              close();
            });
  }

  /** Ends the session when it is idle. Any thread. */
  void drain() {
    client
        .eventLoop()
        .execute(
            () -> {
              draining = true;
              endIfIdle(DrainEnd.IDLE);
            });
  }

  private void endIfIdle(DrainEnd how) {
    if (silence != null) {
      silence.cancel(false);
      silence = null;
    }
    if (!(state instanceof Relaying relaying)) {
      return;
    }
    switch (turns.state()) {
      case IDLE, STREAMING -> end(relaying, GOING_AWAY, how);
      case STARTING -> end(relaying, SHUTTING_DOWN, how);
      case PERHAPS_IDLE ->
          silence =
              client
                  .eventLoop()
                  .schedule(
                      () -> {
                        if (state instanceof Relaying silent) {
                          end(silent, GOING_AWAY, how);
                        }
                      },
                      SILENCE_MILLIS,
                      TimeUnit.MILLISECONDS);
      case OPENING, CANCEL, BUSY, OPAQUE -> {}
    }
  }

  /** Ends the session with an error, if one can stand now. */
  private void end(Relaying relaying, ErrorResponse error, DrainEnd how) {
    if (!turns.canBeTold() || !mayPass()) {
      return;
    }
    drainEnd = how;
    relaying.upstream().close();
    client.write(encoded(error));
    sayLast(relaying);
  }

  private ByteBuf encoded(ErrorResponse error) {
    ByteBuf out = client.alloc().buffer();
    error.encode(out);
    return out;
  }

  private void lost(Desync reason) {
    metrics.desync(reason);
    // Whether its start-up comes to an end cannot be seen.
    unbound();
    LOG.atInfo()
        .addKeyValue("client", client.remoteAddress())
        .addKeyValue("reason", reason.label())
        .log("a session's messages cannot be followed; it is still relayed");
  }

  /** Ends the session, if it has begun, because the fence is shut. Any thread. */
  void fence() {
    if (client.eventLoop().inEventLoop()) {
      fenced();
      sessions.fenceDone();
    } else {
      client
          .eventLoop()
          .execute(
              () -> {
                fenced();
                sessions.fenceDone();
              });
    }
  }

  /** Does the same at once if the session belongs to the calling event loop. */
  void fenceHere() {
    if (client.eventLoop().inEventLoop()) {
      fenced();
    }
  }

  private void fenced() {
    Fence.Pass held = pass;
    if (held == null || held.isGood()) {
      // Not begun, or begun after the fence has opened again.
      return;
    }
    pass = null;
    switch (state) {
      case Connecting connecting -> {
        metrics.fencedSessions.inc();
        refuse(connecting, Refusal.FENCE, fenceError());
      }
      case Relaying _ -> {
        metrics.fencedSessions.inc();
        close();
        drop();
      }
      // The last words of Postgres, which the client was slow to take.
      case Lingering _, Closed _ -> {
        close();
        drop();
      }
      case Awaiting _ -> {}
    }
  }

  private ErrorResponse fenceError() {
    Problem problem = sessions.guard().problem();
    return new ErrorResponse(
        SqlState.CANNOT_CONNECT_NOW,
        "the proxy lets no session through: "
            + (problem == null ? "the fence was shut" : problem.message()));
  }

  /** Whether bytes may be handed on; if not, the session has been ended. */
  private boolean mayPass() {
    Fence.Pass held = pass;
    if (held != null && held.isGood()) {
      return true;
    }
    fenced();
    return false;
  }

  private void boundBy(long millis, @Nullable Refusal reason) {
    unbound();
    bound =
        client
            .eventLoop()
            .schedule(
                () -> {
                  if (reason != null) {
                    metrics.refused(reason);
                  }
                  close();
                },
                millis,
                TimeUnit.MILLISECONDS);
  }

  private void unbound() {
    if (bound != null) {
      bound.cancel(false);
      bound = null;
    }
  }

  private void enter(SessionState next) {
    boolean worked = isAtWork(state);
    boolean owed = isOwing(state);
    if (state instanceof Awaiting && !(next instanceof Awaiting)) {
      sessions.begun(this);
    }
    state = next;
    if (worked && !isAtWork(next)) {
      sessions.ended();
    }
    if (owed && !isOwing(next)) {
      sessions.paid(drainEnd);
    }
  }

  /** Whether the client is still to get something: what a drain waits for. */
  private static boolean isOwing(SessionState state) {
    return isAtWork(state) || (state instanceof Lingering lingering && lingering.owing());
  }

  /** Whether there is an upstream, or about to be. */
  private static boolean isAtWork(SessionState state) {
    return switch (state) {
      case Connecting _, Relaying _ -> true;
      case Awaiting _, Lingering _, Closed _ -> false;
    };
  }

  private void clientRead(ByteBuf bytes) {
    if (tlsNext) {
      tlsNext = false;
      encrypt(bytes);
      return;
    }
    metrics.fromClients.inc(bytes.readableBytes());
    switch (state) {
      case Awaiting awaiting -> {
        sessions.heard(this, bytes.readableBytes());
        hear(awaiting.with(bytes));
      }
      case Connecting connecting -> {
        heardClient(bytes);
        connecting.early().add(bytes);
      }
      case Relaying relaying -> {
        heardClient(bytes);
        if (relaying.upstream().isWritable()) {
          relaying.upstream().write(bytes);
        } else if (mayPass()) {
          // More came in this round of reads than the other side takes: do not let the round go on.
          relaying.upstream().writeAndFlush(bytes);
          pauseIfSlow(relaying.upstream(), client);
        } else {
          bytes.release();
        }
      }
      case Lingering _, Closed _ -> bytes.release();
    }
  }

  private void heardClient(ByteBuf bytes) {
    if (wire != null) {
      wire.clientRead();
    }
    turns.frontend(bytes);
  }

  private void heardUpstream(ByteBuf bytes) {
    if (wire != null) {
      wire.upstreamRead();
    }
    turns.backend(bytes);
  }

  private void hear(Awaiting awaiting) {
    enter(awaiting);
    ByteBuf received = awaiting.received();
    if (received == null) {
      return;
    }
    switch (Opening.of(received)) {
      case Opening.Incomplete _ -> {}
      case Opening.Tls _ -> {
        enter(new Awaiting(null));
        tlsAtOnce = true;
        encrypt(received);
      }
      case Opening.Encryption encryption -> {
        boolean honest = received.readableBytes() == OpeningRequest.HEADER_LENGTH;
        received.release();
        enter(new Awaiting(null));
        if (honest) {
          answer(encryption);
        } else {
          // An honest client waits for the answer. What comes before it may be of somebody in
          // between, and would be taken for encrypted (CVE-2021-23214).
          closeRefused(Refusal.PROTOCOL);
        }
      }
      case Opening.Cancel _ -> cancel(awaiting, received);
      case Opening.Start start -> start(awaiting, received, start.message());
      case Opening.Malformed malformed -> refuse(awaiting, Refusal.PROTOCOL, malformed.error());
      case Opening.Http _ ->
          refuse(awaiting, Refusal.HTTP, client.alloc().buffer().writeBytes(NOT_HTTP));
    }
  }

  private void answer(Opening.Encryption encryption) {
    boolean yes = encryption.tls() && tls == null && sessions.policy().tls() != null;
    client.writeAndFlush(client.alloc().buffer(1).writeByte(yes ? 'S' : 'N'));
    tlsNext = yes;
  }

  /**
   * From here on the client's bytes are encrypted.
   *
   * @param first those that are here already
   */
  private void encrypt(ByteBuf first) {
    SslHandler handler = tls == null ? terminator() : null;
    if (handler == null) {
      first.release();
      closeRefused(Refusal.ENCRYPTION);
      return;
    }
    tls = handler;
    sessions.encrypts(this);
    handshakeBegun = System.nanoTime();
    client.pipeline().addFirst(handler);
    client.pipeline().fireChannelRead(first);
  }

  /** What encrypts; null if nothing shall. */
  private @Nullable SslHandler terminator() {
    while (true) {
      ClientTls terminator = sessions.policy().tls();
      if (terminator == null) {
        return null;
      }
      try {
        return terminator.handler(client.alloc());
      } catch (IllegalReferenceCountException e) {
        // Another one has taken its place just now.
        if (terminator == sessions.policy().tls()) {
          throw e;
        }
      }
    }
  }

  private void encrypted(SslHandler handler) {
    metrics.handshake(System.nanoTime() - handshakeBegun, handler.engine().getSession());
    if (tlsAtOnce && handler.applicationProtocol() == null && state instanceof Awaiting awaiting) {
      refuse(awaiting, Refusal.ENCRYPTION, NO_ALPN);
    }
  }

  private void handshaken(SslHandshakeCompletionEvent handshake) {
    SslHandler handler = tls;
    if (handshake.isSuccess() && handler != null) {
      encrypted(handler);
    } else if (!(handshake.cause() instanceof ClosedChannelException)) {
      metrics.refused(Refusal.HANDSHAKE);
    }
  }

  private void start(Awaiting awaiting, ByteBuf received, StartupMessage message) {
    String user = message.user();
    if (user == null) {
      refuse(
          awaiting,
          Refusal.PROTOCOL,
          new ErrorResponse(
              SqlState.INVALID_AUTHORIZATION_SPECIFICATION,
              "no PostgreSQL user name specified in startup packet"));
      return;
    }
    // That of now: the client may have waited since before a change.
    Sessions.Policy policy = sessions.policy();
    ClientTls terminator = policy.tls();
    if (terminator != null) {
      ErrorResponse lacking = lacking(terminator.config(), user);
      if (lacking != null) {
        refuse(awaiting, tls == null ? Refusal.ENCRYPTION : Refusal.CERTIFICATE, lacking);
        return;
      }
    }
    InetSocketAddress from = address;
    AccessRules.Denial denial =
        from == null
            ? null
            : policy.rules().access().denial(message, user, plain(from.getAddress()), tls != null);
    if (denial != null) {
      refuse(awaiting, denial.reason(), denial.error());
      return;
    }
    if (entrance == Entrance.PRIMARY && sessions.guard().isStandby()) {
      refuse(awaiting, Refusal.STANDBY, STANDBY);
      return;
    }
    switch (sessions.admit()) {
      case ADMITTED -> {
        logIn = new LogIn();
        if (rules.logConnections()) {
          log = new SessionLog(String.valueOf(from), message, user, tls);
        }
        connect(awaiting.toConnecting(), received);
      }
      case FENCED -> refuse(awaiting, Refusal.FENCE, fenceError());
      case DRAINING -> refuse(awaiting, Refusal.DRAINING, SHUTTING_DOWN);
      case LIMIT ->
          refuse(
              awaiting,
              Refusal.LIMIT,
              new ErrorResponse(
                  SqlState.TOO_MANY_CONNECTIONS,
                  "the proxy has as many clients as it may have (maxConnections)"));
    }
  }

  /** Why the client's encryption does not suffice; null if it does. */
  private @Nullable ErrorResponse lacking(TlsConfig wanted, String user) {
    SslHandler handler = tls;
    if (handler == null) {
      return wanted.mode() == TlsConfig.Mode.REQUIRE
          ? denial("the proxy lets in no session without TLS (sslmode=require, for example)")
          : null;
    }
    if (wanted.clientCertificates() == TlsConfig.ClientCertificates.OFF) {
      return null;
    }
    ClientCertificate certificate = ClientCertificate.of(handler.engine().getSession());
    if (certificate == null) {
      return denial("connection requires a valid client certificate");
    }
    return wanted.clientCertificates() == TlsConfig.ClientCertificates.VERIFY_CA
            || certificate.isFor(user)
        ? null
        : denial("certificate authentication failed for user \"" + user + '"');
  }

  private static ErrorResponse denial(String message) {
    return new ErrorResponse(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, message);
  }

  /** Passes a CancelRequest on. Nothing is answered to one, whatever becomes of it. */
  private void cancel(Awaiting awaiting, ByteBuf received) {
    switch (sessions.admitCancel()) {
      case ADMITTED -> connect(awaiting.toConnecting(), received);
      case FENCED -> closeRefused(Refusal.FENCE);
      case DRAINING -> closeRefused(Refusal.DRAINING);
      case LIMIT -> closeRefused(Refusal.LIMIT);
    }
  }

  private void closeRefused(Refusal reason) {
    if (!(state instanceof Closed)) {
      metrics.refused(reason);
      close();
    }
  }

  private void connect(Connecting connecting, ByteBuf first) {
    if (wire != null) {
      wire.connected(address, client.localAddress() instanceof InetSocketAddress at ? at : null);
      if (tls != null) {
        wire.encrypted();
      }
    }
    heardClient(first);
    connecting.early().add(first);
    enter(connecting);
    client.config().setAutoRead(false);
    pass = sessions.guard().pass();
    if (pass == null) {
      refuse(connecting, Refusal.FENCE, fenceError());
      return;
    }
    Upstream chosen = sessions.upstream();
    upstream = chosen;
    attempt(chosen, System.nanoTime());
  }

  private void attempt(Upstream upstream, long begun) {
    upstream
        .connect(client.eventLoop(), new UpstreamSide())
        .addListener(
            future -> {
              long nanos = System.nanoTime() - begun;
              if (future.isSuccess()) {
                metrics.connectSeconds().observe(nanos / 1e9);
                sessions.health().reached();
              } else if (upstream.isBusy(future.cause(), nanos)) {
                client
                    .eventLoop()
                    .schedule(
                        () -> attemptAgain(upstream, begun), RETRY_MILLIS, TimeUnit.MILLISECONDS);
              } else {
                connectFailed(upstream, future);
              }
            });
  }

  private void attemptAgain(Upstream upstream, long begun) {
    if (state instanceof Connecting) {
      attempt(upstream, begun);
    }
  }

  private void connectFailed(Upstream upstream, Future<?> future) {
    metrics.connectFailures.inc();
    sessions.health().missed(future.cause());
    if (!(state instanceof Connecting connecting)) {
      return;
    }
    LOG.atDebug()
        .addKeyValue("client", client.remoteAddress())
        .addKeyValue("upstream", upstream)
        .addKeyValue("problem", future.cause().getMessage())
        .log("refused: the upstream cannot be reached");
    refuse(
        connecting,
        Refusal.UPSTREAM,
        new ErrorResponse(
            SqlState.CANNOT_CONNECT_NOW, "the proxy cannot reach Postgres; try again"));
  }

  private void refuse(Connecting connecting, Refusal reason, ErrorResponse error) {
    logRefusal(error);
    connecting.early().forEach(ByteBuf::release);
    if (turns.state() == Turns.State.CANCEL) {
      metrics.refused(reason);
      enter(connecting.toLingering());
      close();
    } else {
      refuse(connecting.toLingering(), reason, encoded(error));
    }
  }

  private void logRefusal(ErrorResponse error) {
    if (rules.logConnections()) {
      SessionLog.refused(String.valueOf(address), error);
    }
  }

  private void refuse(Awaiting awaiting, Refusal reason, ErrorResponse error) {
    logRefusal(error);
    refuse(awaiting, reason, encoded(error));
  }

  private void refuse(Awaiting awaiting, Refusal reason, ByteBuf answer) {
    if (awaiting.received() != null) {
      awaiting.received().release();
    }
    refuse(awaiting.toLingering(), reason, answer);
  }

  private void refuse(Lingering lingering, Refusal reason, ByteBuf answer) {
    metrics.refused(reason);
    enter(lingering);
    boundBy(TimeUnit.SECONDS.toMillis(sessions.limits().refusalSeconds()), null);
    client.write(answer);
    client.config().setAutoRead(true);
    endOutput();
  }

  private void upstreamActive(Channel upstream) {
    if (!(state instanceof Connecting connecting) || !mayPass()) {
      upstream.close();
      return;
    }
    Relaying relaying = connecting.toRelaying(upstream);
    enter(relaying);
    if (tls == null) {
      goStraight(client, upstream);
      goStraight(upstream, client);
    }
    if (Buffers.isScarce()) {
      mark(upstream);
    }
    for (ByteBuf early : connecting.early()) {
      upstream.write(early);
    }
    upstream.flush();
    if (connecting.clientDone()) {
      clientDone();
    } else if (upstream.isWritable()) {
      client.config().setAutoRead(true);
    }
    if (draining) {
      endIfIdle(DrainEnd.FINISHED);
    }
  }

  private void goStraight(Channel from, Channel to) {
    Passage passage = Passage.between(from, to);
    ChannelOutboundBuffer waiting = to.unsafe().outboundBuffer();
    if (passage != null && waiting != null) {
      Transport.readFirst(from, new Straight(from, to, passage, waiting));
    }
  }

  private void clientReadComplete() {
    if (state instanceof Relaying relaying && mayPass()) {
      relaying.upstream().flush();
      pauseIfSlow(relaying.upstream(), client);
      if (draining) {
        endIfIdle(DrainEnd.FINISHED);
      }
    }
  }

  private void upstreamReadComplete(Channel upstream) {
    if (state instanceof Relaying && mayPass()) {
      client.flush();
      pauseForClient(upstream);
      if (draining) {
        endIfIdle(DrainEnd.FINISHED);
      }
    }
  }

  private static void pauseIfSlow(Channel written, Channel read) {
    if (!written.isWritable()) {
      read.config().setAutoRead(false);
    }
  }

  private void pauseForClient(Channel upstream) {
    if (wire != null && !client.isWritable()) {
      wire.clientSlow();
    }
    pauseIfSlow(client, upstream);
  }

  private void clientWritabilityChanged() {
    if (client.isWritable() && state instanceof Relaying relaying) {
      if (wire != null) {
        wire.clientReady();
      }
      relaying.upstream().config().setAutoRead(true);
    }
  }

  private void upstreamWritabilityChanged(Channel upstream) {
    if (upstream.isWritable() && state instanceof Relaying) {
      client.config().setAutoRead(true);
    }
  }

  private void upstreamRead(ByteBuf bytes) {
    metrics.fromUpstream.inc(bytes.readableBytes());
    if (!(state instanceof Relaying relaying)) {
      bytes.release();
      return;
    }
    LogIn pending = logIn;
    if (pending == null) {
      heardUpstream(bytes);
    } else if (!follow(pending, relaying, bytes)) {
      bytes.release();
      return;
    }
    if (client.isWritable()) {
      client.write(bytes);
    } else if (mayPass()) {
      client.writeAndFlush(bytes);
      pauseForClient(relaying.upstream());
    } else {
      bytes.release();
    }
  }

  /** Follows a login; false if it was ended instead of handing the bytes on. */
  private boolean follow(LogIn pending, Relaying relaying, ByteBuf bytes) {
    boolean canBeTold = turns.canBeTold();
    heardUpstream(bytes);
    pending.backend(bytes);
    if (pending.isBeyondProxy()) {
      endLogIn(relaying, Refusal.LOGIN, BEYOND_PROXY, canBeTold);
      return false;
    }
    if (entrance == Entrance.PRIMARY && pending.isStandby()) {
      endLogIn(relaying, Refusal.STANDBY, STANDBY, canBeTold);
      return false;
    }
    if (pending.isAuthenticated()) {
      unbound();
    }
    if (pending.isReady()) {
      logIn = null;
      cancelRequest = rules.cancelOnDisconnect() ? pending.cancelRequest() : null;
      if (log != null) {
        log.begun(pending.process());
      }
    } else if (turns.state() == Turns.State.OPAQUE) {
      logIn = null;
    }
    return true;
  }

  /** Refuses a client to whom Postgres has begun to speak. */
  private void endLogIn(Relaying relaying, Refusal reason, ErrorResponse error, boolean canBeTold) {
    logRefusal(error);
    if (canBeTold) {
      relaying.upstream().close();
      refuse(relaying.toLingering(), reason, encoded(error));
    } else {
      closeRefused(reason);
    }
  }

  /**
   * Cancels what Postgres is doing for a client that is gone: it would go on until it has something
   * to send.
   */
  private void cancelForgotten() {
    byte[] request = cancelRequest;
    Fence.Pass held = pass;
    Upstream chosen = upstream;
    if (request == null
        || held == null
        || chosen == null
        || !(state instanceof Relaying)
        || !turns.awaitsAnswer()
        || !mayPass()) {
      return;
    }
    cancelRequest = null;
    sessions
        .cancellations()
        .add(new Cancellations.Order(client.eventLoop(), chosen, request, held));
  }

  /** The client has sent its last byte. */
  private void clientDone() {
    cancelForgotten();
    switch (state) {
      case Connecting connecting -> enter(connecting.withClientDone());
      case Relaying relaying when relaying.clientDone() -> {}
      case Relaying relaying when mayPass() -> {
        enter(relaying.withClientDone());
        // Behind everything that still waits to be written: shutting down drops what is not.
        relaying
            .upstream()
            .writeAndFlush(Unpooled.EMPTY_BUFFER)
            .addListener(
                _ -> {
                  if (relaying.upstream() instanceof DuplexChannel duplex) {
                    duplex.shutdownOutput();
                  }
                });
      }
      case Relaying _, Awaiting _, Lingering _, Closed _ -> close();
    }
  }

  /** The upstream has sent its last byte, or broke off. */
  private void upstreamDone() {
    if (state instanceof Relaying relaying && mayPass()) {
      if (!relaying.clientDone()) {
        sessions.health().doubt();
      }
      relaying.upstream().close();
      sayLast(relaying);
    }
  }

  /** What waits for the client is the last that it gets. */
  private void sayLast(Relaying relaying) {
    enter(relaying.toLingering());
    boundBy(TimeUnit.SECONDS.toMillis(sessions.limits().lastWordsSeconds()), null);
    client.config().setAutoRead(true);
    endOutput();
  }

  /**
   * Writes what waits for the client, tells it that there is no more, and waits until it ends as
   * well.
   */
  private void endOutput() {
    SslHandler handler = tls;
    ChannelFuture written;
    if (handler == null) {
      written = client.writeAndFlush(Unpooled.EMPTY_BUFFER);
    } else {
      // Encrypts all that waits; close_notify is behind it.
      client.flush();
      written = handler.closeOutbound();
    }
    written.addListener(
        _ -> {
          if (!(state instanceof Lingering lingering)
              || !(client instanceof DuplexChannel duplex)) {
            return;
          }
          enter(lingering.toWritten());
          if (duplex.isInputShutdown()) {
            close();
          } else {
            duplex.shutdownOutput();
            boundBy(TimeUnit.SECONDS.toMillis(sessions.limits().lingerSeconds()), null);
          }
        });
  }

  private void close() {
    SessionState before = state;
    if (before instanceof Closed) {
      return;
    }
    unbound();
    enter(new Closed());
    if (tls == null || !isAllSent()) {
      drop();
    } else {
      // Says close_notify first.
      client.close();
    }
    switch (before) {
      case Awaiting awaiting -> {
        if (awaiting.received() != null) {
          awaiting.received().release();
        }
      }
      case Connecting connecting -> connecting.early().forEach(ByteBuf::release);
      case Relaying relaying -> relaying.upstream().close();
      case Lingering _, Closed _ -> {}
    }
  }

  private boolean isAllSent() {
    ChannelOutboundBuffer waiting = client.unsafe().outboundBuffer();
    return waiting != null && waiting.totalPendingWriteBytes() == 0;
  }

  /** Closes the client's connection with what waits to be written to it. */
  private void drop() {
    SslHandler handler = tls;
    ChannelHandlerContext context = handler == null ? null : client.pipeline().context(handler);
    if (context == null) {
      client.close();
    } else {
      // Past the handler: it would say close_notify, behind what shall not be said any more.
      context.close();
    }
  }

  private void failed(Throwable thrown) {
    Throwable cause =
        thrown instanceof DecoderException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    if (cause instanceof IOException) {
      LOG.atDebug()
          .addKeyValue("client", client.remoteAddress())
          .addKeyValue("problem", cause.getMessage())
          .log("a connection broke off");
    } else {
      LOG.atError()
          .addKeyValue("client", client.remoteAddress())
          .addKeyValue("state", state.getClass().getSimpleName())
          .setCause(cause)
          .log("a session failed");
    }
  }

  /** One of the two ways, straight from socket to socket. */
  private final class Straight implements FirstReader {
    private final Channel from;
    private final Channel to;
    private final boolean ofClient;
    private final Passage passage;
    private final ChannelOutboundBuffer waiting;

    Straight(Channel from, Channel to, Passage passage, ChannelOutboundBuffer waiting) {
      this.from = from;
      this.to = to;
      this.ofClient = from.equals(client);
      this.passage = passage;
      this.waiting = waiting;
    }

    @Override
    public boolean read() {
      // Of a login more has to be seen.
      if (!(state instanceof Relaying) || logIn != null || waiting.totalPendingWriteBytes() > 0) {
        return false;
      }
      try {
        ByteBuf bytes = passage.receive();
        if (!bytes.isReadable()) {
          return false;
        }
        relay(bytes);
      } catch (Throwable thrown) {
        from.pipeline().fireExceptionCaught(thrown);
      }
      return true;
    }

    private void relay(ByteBuf bytes) {
      if (ofClient) {
        metrics.fromClients.inc(bytes.readableBytes());
        heardClient(bytes);
      } else {
        metrics.fromUpstream.inc(bytes.readableBytes());
        heardUpstream(bytes);
      }
      if (!mayPass()) {
        return;
      }
      passage.send();
      if (bytes.isReadable()) {
        to.writeAndFlush(to.alloc().directBuffer(bytes.readableBytes()).writeBytes(bytes));
        if (ofClient) {
          pauseIfSlow(to, from);
        } else {
          pauseForClient(from);
        }
      }
      if (draining) {
        endIfIdle(DrainEnd.FINISHED);
      }
    }
  }

  /** What happens on the client's connection. */
  private final class ClientSide extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      clientRead((ByteBuf) message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      clientReadComplete();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      clientWritabilityChanged();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      switch (event) {
        case ChannelInputShutdownEvent _ -> clientDone();
        case SslHandshakeCompletionEvent handshake -> handshaken(handshake);
        case SslCloseCompletionEvent end when end.isSuccess() -> clientDone();
        default -> {}
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      cancelForgotten();
      close();
      if (wire != null) {
        wire.end();
      }
      sessions.closed(Session.this);
      if (log != null) {
        log.ended();
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      failed(cause);
      cancelForgotten();
      close();
    }
  }

  /** What happens on the upstream's connection. */
  private final class UpstreamSide extends ChannelInboundHandlerAdapter {
    @Override
    public void channelActive(ChannelHandlerContext context) {
      upstreamActive(context.channel());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      upstreamRead((ByteBuf) message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      upstreamReadComplete(context.channel());
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      upstreamWritabilityChanged(context.channel());
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      upstreamDone();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      failed(cause);
      if (cause instanceof IOException) {
        upstreamDone();
      } else {
        close();
      }
    }
  }
}
