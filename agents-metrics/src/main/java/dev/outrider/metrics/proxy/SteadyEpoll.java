package dev.outrider.metrics.proxy;

import io.netty.channel.Channel;
import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Netty's epoll, without a defect that loses bytes, and with a say before it writes by itself and
 * before it reads.
 *
 * <p>What a connection did not take at once waits in Netty, and goes out as soon as epoll reports
 * room, without any handler being asked. The fence must be: hence the task that runs before.
 *
 * <p>The defect: a connection whose peer has sent its last byte, and whose reads are paused, waits
 * for no event at all. Netty (since pull request 16689; seen in 4.2.13 to 4.2.20) then takes it out
 * of epoll's set but goes on to believe that it is in it: when reads are to go on, epoll_ctl fails
 * with ENOENT, and Netty closes the connection with what was on its way to the peer. So here such a
 * connection stays in the set and waits for nothing, edge-triggered, so that the errors which epoll
 * reports unasked are reported once and not without end.
 *
 * <p>Who reads first is asked only when there are bytes and nothing else: ends and errors are
 * Netty's.
 *
 * <p>Before it sleeps it lets others run and looks once more, see {@link Yields}.
 */
final class SteadyEpoll implements IoHandler {
  private static final FastThreadLocal<SteadyEpoll> CURRENT = new FastThreadLocal<>();

  private final IoHandler epoll;
  private final Map<IoHandle, Handle> handles = new HashMap<>();
  private final Runnable beforeWrite;
  private final Yields yields = new Yields();
  private final AtOnce atOnce = new AtOnce();

  private SteadyEpoll(IoHandler epoll, Runnable beforeWrite) {
    this.epoll = epoll;
    this.beforeWrite = beforeWrite;
  }

  /**
   * Makes event loops' handlers.
   *
   * @param beforeWrite run on the event loop before bytes are written that waited for room; may
   *     close any of its connections
   */
  static IoHandlerFactory newFactory(Runnable beforeWrite) {
    IoHandlerFactory factory = EpollIoHandler.newFactory();
    return new IoHandlerFactory() {
      @Override
      public IoHandler newHandler(ThreadAwareExecutor executor) {
        return new SteadyEpoll(factory.newHandler(executor), beforeWrite);
      }

      @Override
      public boolean isChangingThreadSupported() {
        return factory.isChangingThreadSupported();
      }
    };
  }

  /**
   * Has what comes on a connection of the calling event loop read by somebody else than Netty.
   *
   * @param reader asked each time, until the connection leaves the event loop
   */
  static void readFirst(Channel connection, FirstReader reader) {
    SteadyEpoll here = CURRENT.get();
    Handle handle = here == null ? null : here.handles.get(connection.unsafe());
    if (handle != null) {
      handle.reader = reader;
    }
  }

  @Override
  public void initialize() {
    CURRENT.set(this);
    epoll.initialize();
  }

  // A yield is for speed only: nothing depends on what the scheduler makes of it.
  @SuppressWarnings("ThreadPriorityCheck")
  @Override
  public int run(IoHandlerContext context) {
    if (context.canBlock() && yields.isNext()) {
      long begun = System.nanoTime();
      Thread.yield();
      long took = System.nanoTime() - begun;
      atOnce.context = context;
      int handled = epoll.run(atOnce);
      yields.was(took, handled > 0);
      if (handled > 0) {
        return handled;
      }
    }
    return epoll.run(context);
  }

  @Override
  public void prepareToDestroy() {
    epoll.prepareToDestroy();
  }

  @Override
  public void destroy() {
    epoll.destroy();
  }

  @Override
  public IoRegistration register(IoHandle handle) throws Exception {
    return new Registration(
        epoll.register(
            handle instanceof EpollIoHandle connection ? new Handle(connection) : handle));
  }

  @Override
  public void wakeup() {
    epoll.wakeup();
  }

  @Override
  public boolean isCompatible(Class<? extends IoHandle> handleType) {
    return epoll.isCompatible(handleType);
  }

  /** A run that does not sleep. */
  private static final class AtOnce implements IoHandlerContext {
    private @Nullable IoHandlerContext context;

    @Override
    public boolean canBlock() {
      return false;
    }

    @Override
    public long delayNanos(long now) {
      return context == null ? 0 : context.delayNanos(now);
    }

    @Override
    public long deadlineNanos() {
      return context == null ? -1 : context.deadlineNanos();
    }
  }

  /** A connection that asks before it writes what waited, and before it reads. */
  @SuppressWarnings("try")
  private final class Handle implements EpollIoHandle {
    private final EpollIoHandle connection;
    private @Nullable FirstReader reader;

    Handle(EpollIoHandle connection) {
      this.connection = connection;
    }

    @Override
    public FileDescriptor fd() {
      return connection.fd();
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
      EpollIoOps ops = ((EpollIoEvent) event).ops();
      if (ops.contains(EpollIoOps.EPOLLOUT)) {
        beforeWrite.run();
      }
      FirstReader first = reader;
      if (first == null || !ops.equals(EpollIoOps.EPOLLIN) || !first.read()) {
        connection.handle(registration, event);
      }
    }

    @Override
    public void registered() {
      handles.put(connection, this);
      connection.registered();
    }

    @Override
    public void unregistered() {
      handles.remove(connection);
      reader = null;
      connection.unregistered();
    }

    // An interruption is passed on as it came.
    @Override
    @SuppressWarnings("try")
    public void close() throws Exception {
      connection.close();
    }
  }

  private static final class Registration implements IoRegistration {
    private final IoRegistration registration;
    // Before its first event to wait for, a connection is not in the set and shall not be.
    private boolean added;

    Registration(IoRegistration registration) {
      this.registration = registration;
    }

    @Override
    @SuppressWarnings("TypeParameterUnusedInFormals")
    public <T> T attachment() {
      return registration.attachment();
    }

    @Override
    public long submit(IoOps ops) {
      if (!ops.equals(EpollIoOps.NONE)) {
        added = true;
      }
      return registration.submit(added && ops.equals(EpollIoOps.NONE) ? EpollIoOps.EPOLLET : ops);
    }

    @Override
    public boolean isValid() {
      return registration.isValid();
    }

    @Override
    public boolean cancel() {
      return registration.cancel();
    }
  }
}
