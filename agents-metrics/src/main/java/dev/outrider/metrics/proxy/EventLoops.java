package dev.outrider.metrics.proxy;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadIoEventLoop;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ThreadPerTaskExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * The event loops, and who gets which: the first that is not full; if all are, the one with the
 * fewest connections. Few clients share one, where more of what they say comes at a time, so that a
 * query costs less than on several event loops with little to do each. A connection stays where it
 * is.
 */
final class EventLoops extends MultiThreadIoEventLoopGroup {
  /** With so many connections an event loop is full; a session has two. */
  static final int FULL = 16;

  private final List<Loop> loops = new ArrayList<>();

  EventLoops(int number, IoHandlerFactory factory) {
    super(number, new ThreadPerTaskExecutor(new DefaultThreadFactory("relay", true)), factory);
    for (EventExecutor loop : this) {
      loops.add((Loop) loop);
    }
  }

  @Override
  public IoEventLoop next() {
    Loop best = loops.getFirst();
    int fewest = Integer.MAX_VALUE;
    for (Loop loop : loops) {
      int connections = loop.getNumOfRegisteredChannels();
      if (connections < FULL) {
        return loop;
      }
      if (connections < fewest) {
        fewest = connections;
        best = loop;
      }
    }
    return best;
  }

  @Override
  protected IoEventLoop newChild(Executor executor, IoHandlerFactory factory, Object... args) {
    return new Loop(this, executor, factory);
  }

  /** One that tells how many connections it has, to all threads. */
  private static final class Loop extends SingleThreadIoEventLoop {
    Loop(IoEventLoopGroup group, Executor executor, IoHandlerFactory factory) {
      super(group, executor, factory);
    }

    @Override
    protected int getNumOfRegisteredChannels() {
      return super.getNumOfRegisteredChannels();
    }
  }
}
