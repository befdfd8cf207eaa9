package dev.outrider.metrics.proxy.session;

import dev.outrider.metrics.proxy.ProxyMetrics;
import dev.outrider.metrics.proxy.fence.Fence;
import dev.outrider.metrics.proxy.upstream.Upstream;
import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cancels the queries of clients that are gone.
 *
 * <ol>
 *   <li>Many clients may vanish at once, with their machine: so many connections to Postgres would
 *       be in the way of those who come. Some are made at a time, and the others wait.
 *   <li>Postgres may be too busy to take the connection: it is tried again, a few times.
 * </ol>
 *
 * <p>Safe for all threads.
 */
// A write or a close that fails is told to the handlers, not by its future.
@SuppressWarnings("FutureReturnValueIgnored")
final class Cancellations {
  private static final Logger LOG = LoggerFactory.getLogger(Cancellations.class);

  /** How many connections there are at a time. */
  static final int AT_ONCE = 16;

  /** How many wait, at some hundred bytes each; beyond that, queries go on until they notice. */
  static final int MOST_WAITING = 2048;

  /** How often each is tried. */
  static final int ATTEMPTS = 6;

  private static final long FIRST_RETRY_MILLIS = 100;

  /** What is to be done. */
  static final class Order {
    private final EventLoop loop;
    private final Upstream upstream;
    private final byte[] request;
    private final Fence.Pass pass;

    /**
     * Says it.
     *
     * @param loop whose connections the session had
     * @param upstream where the query runs
     * @param request what cancels it
     * @param pass what the session held
     */
    Order(EventLoop loop, Upstream upstream, byte[] request, Fence.Pass pass) {
      this.loop = loop;
      this.upstream = upstream;
      this.request = request;
      this.pass = pass;
    }
  }

  private final ProxyMetrics metrics;
  // Guarded by itself, with how many connections there are.
  private final Queue<Order> waiting = new ArrayDeque<>();
  private int underWay;

  Cancellations(ProxyMetrics metrics) {
    this.metrics = metrics;
  }

  /** Cancels a query as soon as may be. */
  void add(Order order) {
    synchronized (waiting) {
      if (underWay == AT_ONCE) {
        if (waiting.size() < MOST_WAITING) {
          waiting.add(order);
        } else {
          LOG.atDebug().log("a query was not cancelled: too many wait for that");
        }
        return;
      }
      underWay++;
    }
    attempt(order, 1);
  }

  private void attempt(Order order, int number) {
    Cancellation cancellation = new Cancellation(order.request, order.pass);
    order
        .upstream
        .connect(order.loop, cancellation)
        .channel()
        .closeFuture()
        .addListener(_ -> ended(order, number, cancellation.isSent()));
  }

  private void ended(Order order, int number, boolean sent) {
    if (sent) {
      metrics.cancelled.inc();
    } else if (number < ATTEMPTS && order.pass.isGood() && !order.loop.isShuttingDown()) {
      order.loop.schedule(
          () -> attempt(order, number + 1),
          FIRST_RETRY_MILLIS << (number - 1),
          TimeUnit.MILLISECONDS);
      return;
    } else {
      LOG.atDebug().addKeyValue("attempts", number).log("a query was not cancelled");
    }
    Order next = next();
    if (next != null) {
      next.loop.execute(() -> attempt(next, 1));
    }
  }

  private @Nullable Order next() {
    synchronized (waiting) {
      while (true) {
        Order next = waiting.poll();
        if (next == null) {
          underWay--;
          return null;
        }
        if (!next.loop.isShuttingDown()) {
          return next;
        }
      }
    }
  }
}
