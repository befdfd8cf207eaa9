package dev.outrider.agents.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.HostPort;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.StatusConfig;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.agents.lifecycle.Page;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves {@code /metrics}, {@code /livez}, {@code /readyz}, {@code /status} and what the agent has
 * of its own.
 *
 * <ul>
 *   <li>{@code /livez}: 200, or 503 when only a restart helps, with one line for each reason.
 *   <li>{@code /readyz}: 200, or 503 with one line for each thing that is not ready, why, and since
 *       when.
 *   <li>{@code /status}: an {@link AgentStatus} as JSON. It is for the operator: on its own
 *       listener with mutual TLS; on the plain listener only if that is on loopback.
 * </ul>
 *
 * <p>Threads are made for requests and go after some idle seconds, so an idle agent has none
 * besides the listener's. A peer that sends its request slowly holds one of {@value #MAX_THREADS}
 * threads for at most {@value #MAX_REQUEST_SECONDS} seconds.
 */
public final class AgentEndpoint implements AutoCloseable {
  private static final int MAX_THREADS = 16;
  private static final int MAX_REQUEST_SECONDS = 5;
  private static final int MAX_CONNECTIONS = 64;
  private static final Logger LOG = LoggerFactory.getLogger(AgentEndpoint.class);
  private static final String NOT_FOUND = "not found\n";
  private static final String TEXT = "text/plain; charset=utf-8";

  static {
    // Read once, when the JDK's server is loaded; what was set on the command line stays.
    byDefault("sun.net.httpserver.maxReqTime", MAX_REQUEST_SECONDS);
    byDefault("sun.net.httpserver.maxRspTime", 2 * MAX_REQUEST_SECONDS);
    byDefault("jdk.httpserver.maxConnections", MAX_CONNECTIONS);
    byDefault("sun.net.httpserver.maxReqHeaderSize", 16 * 1024);
    if (System.getProperty("sun.net.httpserver.nodelay") == null) {
      System.setProperty("sun.net.httpserver.nodelay", "true");
    }
  }

  /** What the endpoint tells. All may be called by several threads. */
  public interface Readings {
    /** What keeps the agent from being ready. */
    List<Problem> unready();

    /** What only a restart can mend. */
    List<Problem> stuck();

    /**
     * What the agent shows at a path of its own, as JSON or as plain text; null if it has no such
     * path.
     */
    @Nullable Page page(String path, boolean json);

    /** The record for the operator. */
    AgentStatus status();
  }

  private final HttpServer plain;
  private final @Nullable HttpServer secret;
  private final ThreadPoolExecutor threads;

  private AgentEndpoint(HttpServer plain, @Nullable HttpServer secret, ThreadPoolExecutor threads) {
    this.plain = plain;
    this.secret = secret;
    this.threads = threads;
  }

  /**
   * Starts to serve.
   *
   * @throws AgentException if an address cannot be listened on
   */
  public static AgentEndpoint start(
      AgentConfig config, PrometheusRegistry metrics, Readings readings, InstantSource clock) {
    StatusConfig status = config.status();
    HttpServer plain = listen("http.listen", config.http().listen(), HttpServer::create);
    HttpServer secret = null;
    ThreadPoolExecutor threads = threads();
    plain.setExecutor(threads);
    handle(plain, "/metrics", new StreamedMetrics(metrics));
    handle(plain, "/livez", exchange -> answer(exchange, "alive", "stuck", readings.stuck()));
    handle(
        plain, "/readyz", exchange -> answer(exchange, "ready", "not ready", readings.unready()));
    if (status != null) {
      try {
        secret = status(status, readings, clock);
      } catch (AgentException e) {
        plain.stop(0);
        throw e;
      }
      secret.setExecutor(threads);
      secret.start();
    } else if (config.http().listen().isLoopback()) {
      handle(plain, "/status", exchange -> answerStatus(exchange, readings::status));
    }
    plain.createContext("/", guarded("/", exchange -> answerPage(exchange, readings)));
    plain.start();
    return new AgentEndpoint(plain, secret, threads);
  }

  private static HttpServer status(StatusConfig status, Readings readings, InstantSource clock) {
    StatusConfig.MutualTls tls = status.tls();
    if (tls == null) {
      HttpServer server = listen("status.listen", status.listen(), HttpServer::create);
      handle(server, "/status", exchange -> answerStatus(exchange, readings::status));
      return server;
    }
    HttpsServer server = listen("status.listen", status.listen(), HttpsServer::create);
    ReloadingTls reloading = new ReloadingTls(tls, clock);
    server.setHttpsConfigurator(reloading.configurator());
    handle(
        server,
        "/status",
        exchange -> answerStatus(exchange, () -> with(readings.status(), reloading.problem())));
    return server;
  }

  private static AgentStatus with(AgentStatus status, @Nullable Problem problem) {
    if (problem == null) {
      return status;
    }
    List<Problem> problems = new ArrayList<>(status.problems());
    problems.add(problem);
    return new AgentStatus(
        status.agent(),
        status.version(),
        status.configHash(),
        status.configProblem(),
        status.state(),
        status.since(),
        problems);
  }

  @FunctionalInterface
  private interface Maker<S> {
    S create(InetSocketAddress address, int backlog) throws IOException;
  }

  private static <S> S listen(String key, HostPort listen, Maker<S> maker) {
    InetSocketAddress address = new InetSocketAddress(listen.host(), listen.port());
    if (address.isUnresolved()) {
      throw new AgentException(key + ": the host of " + listen + " is not known", null);
    }
    try {
      return maker.create(address, 0);
    } catch (IOException e) {
      throw new AgentException(key + ": cannot listen on " + listen + ": " + e.getMessage(), e);
    }
  }

  private static ThreadPoolExecutor threads() {
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        0,
        MAX_THREADS,
        10,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        work -> {
          Thread thread = new Thread(work, "http-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }

  private static void handle(HttpServer server, String path, HttpHandler handler) {
    server.createContext(
        path,
        guarded(
            path,
            exchange -> {
              // The server matches by prefix.
              if (exchange.getRequestURI().getPath().equals(path)) {
                handler.handle(exchange);
              } else {
                send(exchange, 404, TEXT, NOT_FOUND);
              }
            }));
  }

  private static HttpHandler guarded(String path, HttpHandler handler) {
    return exchange -> {
      try (exchange) {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
          exchange.getResponseHeaders().set("Allow", "GET, HEAD");
          send(exchange, 405, TEXT, "only GET and HEAD are allowed\n");
        } else {
          handler.handle(exchange);
        }
      } catch (RuntimeException | Error e) {
        // A bug in what is told shall not end what is done: the connection ends, the process
        // does not.
        LOG.atError().addKeyValue("path", path).setCause(e).log("a request failed");
      }
    };
  }

  private static void answerPage(HttpExchange exchange, Readings readings) throws IOException {
    String accept = exchange.getRequestHeaders().getFirst("Accept");
    Page page =
        readings.page(
            exchange.getRequestURI().getPath(), accept != null && accept.contains("json"));
    if (page == null) {
      send(exchange, 404, TEXT, NOT_FOUND);
    } else {
      send(exchange, 200, page.type(), page.text());
    }
  }

  private static void answer(HttpExchange exchange, String good, String bad, List<Problem> problems)
      throws IOException {
    if (problems.isEmpty()) {
      send(exchange, 200, TEXT, good + '\n');
    } else {
      String lines = problems.stream().map(Problem::toString).collect(Collectors.joining("\n"));
      send(exchange, 503, TEXT, bad + '\n' + lines + '\n');
    }
  }

  private static void answerStatus(HttpExchange exchange, Supplier<AgentStatus> status)
      throws IOException {
    send(exchange, 200, "application/json", status.get().toJson() + '\n');
  }

  private static void send(HttpExchange exchange, int code, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(code, -1);
    } else {
      exchange.sendResponseHeaders(code, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  /** Where the plain listener listens: tells the port if the configuration left it open. */
  public InetSocketAddress address() {
    return plain.getAddress();
  }

  /** Where {@code /status} has a listener of its own, or null. */
  public @Nullable InetSocketAddress statusAddress() {
    return secret == null ? null : secret.getAddress();
  }

  private static void byDefault(String property, int value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, String.valueOf(value));
    }
  }

  /** Stops at once; requests that are being answered are cut off. */
  @Override
  public void close() {
    plain.stop(0);
    if (secret != null) {
      secret.stop(0);
    }
    threads.shutdownNow();
  }
}
