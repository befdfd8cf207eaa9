package dev.outrider.metrics.proxy;

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
import io.netty.util.concurrent.ThreadAwareExecutor;

/**
 * Netty's epoll, without a defect that loses bytes, and with a say before it writes by itself.
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
 */
final class SteadyEpoll implements IoHandler {
  private final IoHandler epoll;
  private final Runnable beforeWrite;

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

  @Override
  public void initialize() {
    epoll.initialize();
  }

  @Override
  public int run(IoHandlerContext context) {
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

  /** A connection that asks before it writes what waited. */
  @SuppressWarnings("try")
  private final class Handle implements EpollIoHandle {
    private final EpollIoHandle connection;

    Handle(EpollIoHandle connection) {
      this.connection = connection;
    }

    @Override
    public FileDescriptor fd() {
      return connection.fd();
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
      if (((EpollIoEvent) event).ops().contains(EpollIoOps.EPOLLOUT)) {
        beforeWrite.run();
      }
      connection.handle(registration, event);
    }

    @Override
    public void registered() {
      connection.registered();
    }

    @Override
    public void unregistered() {
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
