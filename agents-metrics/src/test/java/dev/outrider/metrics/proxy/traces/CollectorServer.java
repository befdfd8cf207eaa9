package dev.outrider.metrics.proxy.traces;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A collector that keeps what it is told, read by OpenTelemetry's own classes. */
public final class CollectorServer implements AutoCloseable {
  /** What came in one request. */
  public record Request(String path, Headers headers, ExportTraceServiceRequest body) {
    /** Its spans. */
    public List<Span> spans() {
      return body.getResourceSpansList().stream()
          .map(ResourceSpans::getScopeSpansList)
          .flatMap(List::stream)
          .map(ScopeSpans::getSpansList)
          .flatMap(List::stream)
          .toList();
    }
  }

  private final HttpServer server;
  private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();

  // The statuses of the next answers; then 200.
  final BlockingQueue<Integer> statuses = new LinkedBlockingQueue<>();

  /** Starts at a free port of loopback. */
  public CollectorServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            ExportTraceServiceRequest body =
                ExportTraceServiceRequest.parseFrom(exchange.getRequestBody());
            requests.add(
                new Request(
                    exchange.getRequestURI().getPath(), exchange.getRequestHeaders(), body));
            Integer status = statuses.poll();
            exchange.sendResponseHeaders(status == null ? 200 : status, -1);
          }
        });
    server.start();
  }

  /** Its address, without a path. */
  public String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** The next request; waits for it. */
  public Request next() throws InterruptedException {
    Request request = requests.poll(30, TimeUnit.SECONDS);
    if (request == null) {
      throw new AssertionError("no request came");
    }
    return request;
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
