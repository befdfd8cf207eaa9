package dev.outrider.operator;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.javaoperatorsdk.operator.Operator;
import io.prometheus.metrics.exporter.httpserver.MetricsHandler;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** Serves {@code /metrics}, {@code /livez} and {@code /readyz}. */
final class HttpEndpoint implements AutoCloseable {
  private static final int OK = 200;
  private static final int UNAVAILABLE = 503;

  private final HttpServer server;
  private volatile boolean started;

  private HttpEndpoint(HttpServer server) {
    this.server = server;
  }

  static HttpEndpoint start(int port, PrometheusRegistry registry, Operator operator)
      throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(port), 16);
    HttpEndpoint endpoint = new HttpEndpoint(server);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/metrics", new MetricsHandler(registry));
    // Dead is an operator whose watches ended for good; one that waits to be leader is not.
    server.createContext(
        "/livez",
        exchange ->
            answer(
                exchange,
                !endpoint.started || operator.getRuntimeInfo().allEventSourcesAreHealthy(),
                "a watch of the API server ended and did not come back"));
    server.createContext(
        "/readyz",
        exchange ->
            answer(exchange, endpoint.started, "the caches are not filled, or another one leads"));
    server.start();
    return endpoint;
  }

  /** From now on it is ready, and health means something. */
  void started() {
    started = true;
  }

  private static void answer(HttpExchange exchange, boolean good, String problem)
      throws IOException {
    byte[] text = (good ? "ok\n" : problem + "\n").getBytes(StandardCharsets.UTF_8);
    try (exchange) {
      exchange.sendResponseHeaders(good ? OK : UNAVAILABLE, text.length);
      exchange.getResponseBody().write(text);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
