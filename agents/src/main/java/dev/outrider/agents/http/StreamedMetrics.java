package dev.outrider.agents.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.exporter.httpserver.MetricsHandler;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Serves metrics without holding them as a text.
 *
 * <p>The client library's own handler makes the whole answer before it sends any of it, unless it
 * is compressed, and as many answers at once as are asked for; either may be more than a small heap
 * has. Here one scrape is answered after the other, and what is written goes out at once. Requests
 * with parameters, which are for people, go to the library's.
 */
final class StreamedMetrics implements HttpHandler {
  private static final int CHUNK = 8 * 1024;
  private static final long PATIENCE_SECONDS = 5;

  private final PrometheusRegistry registry;
  private final MetricsHandler others;
  private final ExpositionFormats formats = ExpositionFormats.init();
  private final Semaphore turn = new Semaphore(1, true);

  StreamedMetrics(PrometheusRegistry registry) {
    this.registry = registry;
    this.others = new MetricsHandler(registry);
  }

  @Override
  public void handle(HttpExchange exchange) throws IOException {
    if (!isTurn()) {
      byte[] busy = "another scrape is being answered\n".getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
      exchange.sendResponseHeaders(503, busy.length);
      exchange.getResponseBody().write(busy);
      return;
    }
    try {
      if (exchange.getRequestURI().getRawQuery() != null) {
        others.handle(exchange);
      } else {
        answer(exchange);
      }
    } finally {
      turn.release();
    }
  }

  private boolean isTurn() {
    try {
      return turn.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    String accept = exchange.getRequestHeaders().getFirst("Accept");
    ExpositionFormatWriter writer = formats.findWriter(accept);
    exchange.getResponseHeaders().set("Content-Type", writer.getContentType());
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    boolean compress = isCompressed(exchange.getRequestHeaders().get("Accept-Encoding"));
    if (compress) {
      exchange.getResponseHeaders().set("Content-Encoding", "gzip");
    }
    exchange.sendResponseHeaders(200, 0);
    OutputStream body = exchange.getResponseBody();
    try (OutputStream out =
        compress ? new GZIPOutputStream(body, CHUNK) : new BufferedOutputStream(body, CHUNK)) {
      writer.write(out, registry.scrape(), EscapingScheme.fromAcceptHeader(accept));
    }
  }

  private static boolean isCompressed(@Nullable List<String> accepted) {
    return accepted != null
        && accepted.stream()
            .flatMap(line -> Arrays.stream(line.split(",", -1)))
            .anyMatch(encoding -> encoding.strip().equalsIgnoreCase("gzip"));
  }
}
