package dev.outrider.metrics.proxy.traces;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.TracesConfig;
import dev.outrider.metrics.proxy.traces.CollectorServer.Request;
import dev.outrider.metrics.proxy.traces.SpanExporter.Pace;
import dev.outrider.metrics.proxy.traces.SpanExporter.Result;
import dev.outrider.metrics.proxy.wire.QuerySpan;
import dev.outrider.protocol.sql.Traceparent;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SpanExporterTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final Traceparent PARENT =
      new Traceparent(0x0af7651916cd43ddL, 0x8448eb211c80319cL, 0xb7ad6b7169203331L, 1);
  private static final Pace QUICK = new Pace(Duration.ZERO, Duration.ofMillis(1));
  private static final Duration LONG = Duration.ofSeconds(30);

  private final Map<Result, Integer> counted = new ConcurrentHashMap<>();

  private static TracesConfig config(String endpoint, @Nullable Path headers) {
    return new TracesConfig(
        TracesConfig.endpoint(endpoint),
        "shop-db",
        Map.of("k8s.namespace.name", "shop"),
        headers,
        Duration.ofSeconds(10));
  }

  private SpanExporter start(TracesConfig config, Pace pace) {
    return new SpanExporter(
        config,
        "1.2.3",
        Map.of("HOSTNAME", "shop-0", "KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        (result, spans) -> counted.merge(result, spans, Integer::sum),
        InstantSource.fixed(NOW),
        pace);
  }

  private static QuerySpan span(long id) {
    return new QuerySpan(
        PARENT, id, 1000, 2000, "shop", "SELECT", "00ff", "select $1", null, 3, null, null);
  }

  private static Map<String, String> attributes(List<KeyValue> attributes) {
    Map<String, String> read = new TreeMap<>();
    for (KeyValue attribute : attributes) {
      read.put(
          attribute.getKey(),
          attribute.getValue().hasIntValue()
              ? String.valueOf(attribute.getValue().getIntValue())
              : '"' + attribute.getValue().getStringValue() + '"');
    }
    return read;
  }

  @Test
  void aCollectorReadsWhatAQueryWas() throws Exception {
    try (CollectorServer collector = new CollectorServer()) {
      // Given
      SpanExporter exporter = start(config(collector.endpoint(), null), QUICK);
      InetAddress client = InetAddress.getByName("10.1.2.3");

      // When
      exporter.take(
          new QuerySpan(
              PARENT,
              0x1122334455667788L,
              1_000_000_000_000_000_001L,
              1_000_000_000_000_000_002L,
              "shop",
              "SELECT",
              "00ff",
              "select ü".repeat(300),
              null,
              3,
              new InetSocketAddress(client, 4567),
              new InetSocketAddress(client, 5432)));
      Request request = collector.next();

      // Then
      assertEquals("/v1/traces", request.path());
      assertEquals("application/x-protobuf", request.headers().getFirst("Content-Type"));
      assertEquals(
          Map.of(
              "service.name", "\"shop-db\"",
              "service.version", "\"1.2.3\"",
              "service.instance.id", "\"shop-0\"",
              "k8s.pod.name", "\"shop-0\"",
              "k8s.namespace.name", "\"shop\""),
          attributes(request.body().getResourceSpans(0).getResource().getAttributesList()));
      assertEquals(1, request.spans().size());
      Span span = request.spans().getFirst();
      HexFormat hex = HexFormat.of();
      assertEquals(PARENT.traceId(), hex.formatHex(span.getTraceId().toByteArray()));
      assertEquals("1122334455667788", hex.formatHex(span.getSpanId().toByteArray()));
      assertEquals("b7ad6b7169203331", hex.formatHex(span.getParentSpanId().toByteArray()));
      assertEquals("SELECT shop", span.getName());
      assertEquals(Span.SpanKind.SPAN_KIND_SERVER, span.getKind());
      assertEquals(1_000_000_000_000_000_001L, span.getStartTimeUnixNano());
      assertEquals(1_000_000_000_000_000_002L, span.getEndTimeUnixNano());
      assertEquals(0x301, span.getFlags());
      assertFalse(span.hasStatus());
      Map<String, String> expected = new TreeMap<>();
      expected.put("db.system.name", "\"postgresql\"");
      expected.put("db.namespace", "\"shop\"");
      expected.put("db.operation.name", "\"SELECT\"");
      expected.put("db.query.text", '"' + "select ü".repeat(300) + '"');
      expected.put("db.response.returned_rows", "3");
      expected.put("outrider.fingerprint", "\"00ff\"");
      expected.put("client.address", "\"10.1.2.3\"");
      expected.put("client.port", "4567");
      expected.put("server.address", "\"10.1.2.3\"");
      expected.put("server.port", "5432");
      assertEquals(expected, attributes(span.getAttributesList()));
      exporter.close(LONG);
      assertEquals(Map.of(Result.EXPORTED, 1), counted);
    }
  }

  @Test
  void anErrorIsItsStatus() throws Exception {
    try (CollectorServer collector = new CollectorServer()) {
      // Given
      SpanExporter exporter = start(config(collector.endpoint() + "/other", null), QUICK);

      // When
      exporter.take(
          new QuerySpan(PARENT, 1, 1000, 2000, "shop", null, null, null, "42P01", 0, null, null));
      Request request = collector.next();

      // Then
      assertEquals("/other", request.path());
      Span span = request.spans().getFirst();
      assertEquals("shop", span.getName());
      assertEquals(Status.StatusCode.STATUS_CODE_ERROR, span.getStatus().getCode());
      assertEquals(
          Map.of(
              "db.system.name", "\"postgresql\"",
              "db.namespace", "\"shop\"",
              "db.response.status_code", "\"42P01\"",
              "error.type", "\"42P01\""),
          attributes(span.getAttributesList()));
      exporter.close(LONG);
    }
  }

  @Test
  void headersAreThoseOfTheFileNow(@TempDir Path folder) throws Exception {
    try (CollectorServer collector = new CollectorServer()) {
      // Given
      Path file = Files.writeString(folder.resolve("headers"), "Authorization: Bearer a\nX: y\n");
      SpanExporter exporter = start(config(collector.endpoint(), file), QUICK);

      // When
      exporter.take(span(1));
      Request first = collector.next();
      Files.writeString(file, "Authorization: Bearer b\n");
      exporter.take(span(2));
      Request second = collector.next();

      // Then
      assertEquals("Bearer a", first.headers().getFirst("Authorization"));
      assertEquals("y", first.headers().getFirst("X"));
      assertEquals("Bearer b", second.headers().getFirst("Authorization"));
      exporter.close(LONG);
    }
  }

  @Test
  void aSecretInALineThatIsNoHeaderIsNotTold(@TempDir Path folder) throws Exception {
    // Given
    Path file = Files.writeString(folder.resolve("headers"), "Bearer secret\n");
    SpanExporter exporter = start(config("http://127.0.0.1:1", file), QUICK);

    // When
    exporter.take(span(1));
    exporter.close(LONG);

    // Then
    Problem problem = exporter.problem();
    assertNotNull(problem);
    assertEquals("traces.headersFile has a line that is no header", problem.message());
    assertEquals(Map.of(Result.FAILED, 1), counted);
  }

  @Test
  void whatACollectorCannotTakeNowComesAgain() throws Exception {
    try (CollectorServer collector = new CollectorServer()) {
      // Given
      collector.statuses.addAll(List.of(503, 429, 502));
      SpanExporter exporter = start(config(collector.endpoint(), null), QUICK);

      // When
      exporter.take(span(7));

      // Then
      for (int attempt = 0; attempt < 4; attempt++) {
        assertEquals(7, collector.next().spans().getFirst().getSpanId().byteAt(7));
      }
      exporter.close(LONG);
      assertEquals(Map.of(Result.EXPORTED, 1), counted);
      assertNull(exporter.problem());
    }
  }

  @Test
  void whatACollectorRefusesIsGivenUp() throws Exception {
    try (CollectorServer collector = new CollectorServer()) {
      // Given
      collector.statuses.addAll(List.of(400, 401));
      SpanExporter exporter = start(config(collector.endpoint(), null), QUICK);

      // When
      exporter.take(span(1));
      collector.next();
      exporter.take(span(2));
      collector.next();
      exporter.close(LONG);

      // Then
      assertEquals(Map.of(Result.FAILED, 2), counted);
      assertEquals(
          new Problem("traces", "the collector answers with HTTP status 401", NOW),
          exporter.problem());
    }
  }

  @Test
  void whenTheCollectorHangsWhatIsTooMuchIsDroppedAndTheEndComesInTime() throws Exception {
    // Given: accepts, and never answers
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      SpanExporter exporter =
          start(config("http://127.0.0.1:" + silent.getLocalPort(), null), QUICK);

      // When
      int all = 3 * SpanExporter.MOST_WAITING;
      for (int i = 0; i < all; i++) {
        exporter.take(span(i));
      }

      // Then: all but one batch at most, which is on its way
      int dropped = counted.getOrDefault(Result.DROPPED, 0);
      assertTrue(
          dropped >= all - SpanExporter.MOST_WAITING - SpanExporter.BATCH, () -> "" + dropped);
      long before = System.nanoTime();
      exporter.close(Duration.ofMillis(100));
      assertTrue(System.nanoTime() - before < Duration.ofSeconds(5).toNanos());
      exporter.take(span(1));
      assertEquals(dropped + 1, counted.get(Result.DROPPED));
    }
  }

  @Test
  void aBatchHasABound() throws Exception {
    try (CollectorServer collector = new CollectorServer()) {
      // Given
      SpanExporter exporter =
          start(config(collector.endpoint(), null), new Pace(LONG, Duration.ofMillis(1)));

      // When
      int all = 2 * SpanExporter.BATCH + 1;
      for (int i = 0; i < all; i++) {
        exporter.take(span(i));
      }

      // Then: full ones come at once, the rest at the end
      int came = 0;
      for (int i = 0; i < 2; i++) {
        int size = collector.next().spans().size();
        assertTrue(size <= SpanExporter.BATCH, "spans: " + size);
        came += size;
      }
      assertEquals(2 * SpanExporter.BATCH, came);
      exporter.close(LONG);
      assertEquals(1, collector.next().spans().size());
      assertEquals(Map.of(Result.EXPORTED, all), counted);
    }
  }
}
