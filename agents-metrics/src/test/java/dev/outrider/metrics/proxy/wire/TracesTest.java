package dev.outrider.metrics.proxy.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.outrider.protocol.backend.BindComplete;
import dev.outrider.protocol.backend.ParseComplete;
import dev.outrider.protocol.backend.PortalSuspended;
import dev.outrider.protocol.frontend.Describe;
import dev.outrider.protocol.frontend.Execute;
import dev.outrider.protocol.frontend.Sync;
import io.netty.buffer.Unpooled;
import io.prometheus.metrics.model.snapshots.Exemplar;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TracesTest {
  private static final long MILLI = 1_000_000;
  private static final String TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

  private final Told told = Told.whole();
  private final List<QuerySpan> spans = new ArrayList<>();

  private void begin(Map<String, String> more) {
    told.spans(spans::add);
    told.begin("alice", "shop", "app", more);
  }

  private static String header(int span, boolean sampled) {
    return "00-" + TRACE_ID + '-' + String.format("%016x", span) + (sampled ? "-01" : "-00");
  }

  private static String comment(int span) {
    return "/*action='x',traceparent='" + header(span, true) + "'*/";
  }

  private static String unsampled(int span) {
    return "/*traceparent='" + header(span, false) + "'*/";
  }

  /** The client's spans that those taken have as their parents, and forgets them. */
  private List<Long> parents() {
    List<Long> parents = spans.stream().map(span -> span.parent().span()).toList();
    spans.clear();
    return parents;
  }

  private void answer(String... tags) {
    for (String tag : tags) {
      told.upstream(Messages.done(tag));
    }
    told.upstream(Messages.READY);
  }

  @Test
  void aQueryWithACommentIsASpan() {
    // Given
    begin(Map.of());
    InetSocketAddress client = InetSocketAddress.createUnresolved("10.1.2.3", 4567);
    InetSocketAddress server = InetSocketAddress.createUnresolved("10.4.5.6", 5432);
    told.session().connected(client, server);
    told.pass(MILLI - 1);

    // When
    told.client(Messages.query("select * from t where a = 'secret' " + comment(7)));
    told.pass(MILLI);
    told.upstream(Messages.row(), Messages.row());
    told.pass(MILLI);
    answer("SELECT 2");

    // Then
    long zero = Told.EPOCH * 1_000_000_000;
    Figures of = told.figures("select * from t where a = $1");
    Fingerprint fingerprint =
        told.totals().fingerprints().stream()
            .map(figures -> figures.fingerprint)
            .findFirst()
            .orElseThrow();
    assertEquals(1, of.calls());
    assertNotNull(fingerprint);
    assertEquals(1, spans.size());
    QuerySpan span = spans.getFirst();
    assertEquals(TRACE_ID, span.parent().traceId());
    assertEquals(7, span.parent().span());
    assertEquals(zero + MILLI, span.begin());
    assertEquals(zero + 3 * MILLI, span.end());
    assertEquals("shop", span.database());
    assertEquals("SELECT", span.operation());
    assertEquals("select * from t where a = $1", span.text());
    assertEquals(Exposition.hex(fingerprint.hash), span.fingerprint());
    assertNull(span.sqlState());
    assertEquals(2, span.rows());
    assertSame(client, span.client());
    assertSame(server, span.server());
  }

  @Test
  void whatIsNotSampledIsNone() {
    // Given
    begin(Map.of());

    // When
    told.client(Messages.query("select 1"), Messages.query("select 1 " + unsampled(1)));
    answer("SELECT 1");
    answer("SELECT 1");

    // Then
    assertEquals(List.of(), parents());
    assertEquals(2, told.figures("select $1").calls());
  }

  @Test
  void eachStatementOfAQueryIsASpan() {
    // Given
    begin(Map.of());

    // When
    told.client(Messages.query("select 1; select 2 " + comment(1)));
    answer("SELECT 1", "SELECT 1");
    told.client(
        Messages.query("select 1 " + comment(1) + "; select 2; select 3 " + unsampled(3) + ";"));
    answer("SELECT 1", "SELECT 1", "SELECT 1");
    told.client(Messages.query(comment(4) + "select 1; select 2"));
    answer("SELECT 1", "SELECT 1");

    // Then
    assertEquals(List.of(1L, 1L, 1L, 4L, 4L), parents());
  }

  @Test
  void aParsesTraceIsThatOfTheFirstExecutionAndOfThoseSentWithIt() {
    // Given
    begin(Map.of());

    // When: at once, twice
    told.client(
        Messages.parse("s", "select $1 " + comment(1)),
        Messages.bind("", "s"),
        new Execute("", 0),
        Messages.bind("", "s"),
        new Execute("", 0),
        Sync.INSTANCE);
    told.upstream(
        ParseComplete.INSTANCE,
        BindComplete.INSTANCE,
        Messages.done("SELECT 1"),
        BindComplete.INSTANCE,
        Messages.done("SELECT 1"),
        Messages.READY);

    // Then
    assertEquals(List.of(1L, 1L), parents());

    // When: again
    told.client(Messages.bind("", "s"), new Execute("", 0), Sync.INSTANCE);
    told.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals(List.of(), parents());
    assertEquals(3, told.figures("select $1").calls());
  }

  @Test
  void aStatementMayBePreparedInATurnOfItsOwn() {
    // Given
    begin(Map.of());
    for (String name : List.of("s", "")) {
      told.client(
          Messages.parse(name, "select $1 " + comment(1)),
          new Describe(Describe.Target.STATEMENT, name),
          Sync.INSTANCE);
      told.upstream(ParseComplete.INSTANCE, Messages.READY);
      for (List<Long> expected : List.of(List.of(1L), List.<Long>of())) {
        // When
        told.client(Messages.bind("p", name), new Execute("p", 0), Sync.INSTANCE);
        told.upstream(BindComplete.INSTANCE, Messages.done("SELECT 1"), Messages.READY);

        // Then
        assertEquals(expected, parents());
      }
    }
  }

  @Test
  void eachPartOfAPortalIsASpan() {
    // Given
    begin(Map.of());

    // When
    told.client(
        Messages.parse("", "select $1 " + comment(1)), Messages.bind("", ""), new Execute("", 1));
    told.upstream(
        ParseComplete.INSTANCE, BindComplete.INSTANCE, Messages.row(), PortalSuspended.INSTANCE);
    told.client(new Execute("", 1), Sync.INSTANCE);
    told.upstream(Messages.row(), Messages.done("SELECT 1"), Messages.READY);

    // Then
    assertEquals(List.of(1L, 1L), spans.stream().map(QuerySpan::rows).toList());
    assertEquals(1, told.figures("select $1").calls());
  }

  @Test
  void aFailureIsASpanWithItsSqlState() {
    // Given
    begin(Map.of());

    // When
    told.client(Messages.query("select 'x' from t " + comment(1)));
    told.upstream(Messages.error("42P01"), Messages.READY);
    told.client(
        Messages.parse("s", "select 1 from t " + comment(2)),
        Messages.bind("", "s"),
        new Execute("", 0),
        Sync.INSTANCE);
    told.upstream(Messages.error("42P01"), Messages.READY);
    told.client(Messages.parse("s", "select 1 from t " + comment(3)), Sync.INSTANCE);
    told.upstream(Messages.error("42P01"), Messages.READY);
    told.client(Messages.parse("", "select 1 from t " + comment(4)), Sync.INSTANCE);
    told.upstream(Messages.error("42P01"), Messages.READY);

    // Then
    for (QuerySpan span : spans) {
      assertEquals("42P01", span.sqlState());
      assertNull(span.operation());
      // Of what Postgres refuses, no text is shown: what is a value in it cannot be told.
      assertNull(span.text());
    }
    assertEquals(List.of(1L, 2L, 3L, 4L), parents());
  }

  @Test
  void aSessionMayHaveATrace() {
    for (Map<String, String> more :
        List.of(
            Map.of("options", "-c outrider.traceparent=" + header(9, true)),
            Map.of("options", "--Any.TraceParent=" + header(9, true)),
            Map.of("options", "-c pg_tracing.trace_context=traceparent='" + header(9, true) + "'"),
            Map.of("outrider.traceparent", header(9, true)))) {
      // Given
      begin(more);

      // When
      told.client(Messages.query("select 1; select 2"));
      answer("SELECT 1", "SELECT 1");
      told.client(Messages.query("select 1 " + comment(1)));
      answer("SELECT 1");
      told.client(Messages.query("select 1 " + unsampled(2)));
      answer("SELECT 1");
      told.client(
          Messages.parse("", "select $1"),
          Messages.bind("", ""),
          new Execute("", 0),
          Sync.INSTANCE);
      told.upstream(ParseComplete.INSTANCE, BindComplete.INSTANCE);
      answer("SELECT 1");

      // Then
      assertEquals(List.of(9L, 9L, 1L, 9L), parents(), more.toString());
    }
    // Given
    begin(Map.of("options", "-c outrider.traceparent=" + header(9, false)));

    // When
    told.client(Messages.query("select 1"));
    answer("SELECT 1");

    // Then
    assertEquals(List.of(), parents());
  }

  @Test
  void cutAnywhereTheSpansAreTheSame() {
    for (int round = 0; round < 100; round++) {
      // Given
      Told cut = new Told(new Random(round), 100);
      cut.spans(spans::add);
      cut.begin("alice", "shop", "app");

      // When
      cut.client(
          Messages.query("select 1 " + comment(1)),
          Messages.parse("s", "select 2 " + comment(2)),
          Messages.bind("", "s"),
          new Execute("", 0),
          Sync.INSTANCE);
      cut.upstream(
          Messages.done("SELECT 1"),
          Messages.READY,
          ParseComplete.INSTANCE,
          BindComplete.INSTANCE,
          Messages.done("SELECT 1"),
          Messages.READY);

      // Then
      assertEquals(List.of(1L, 2L), parents(), "round " + round);
    }
  }

  private KnownText text(String sql) {
    return told.loop.text(
        told.loop.unknown(),
        Unpooled.copiedBuffer(sql, StandardCharsets.UTF_8),
        0,
        sql.length(),
        true,
        true,
        0);
  }

  @Test
  void aTextIsKnownByWhateverCommentEndsIt() {
    // Given
    KnownText first = text("select 1; select 2 " + comment(1));

    // When
    KnownText other = text("select 1; select 2 " + comment(2));

    // Then
    assertSame(first, other);
    Traces traces = told.loop.traces();
    assertNotNull(traces);
    assertEquals(header(2, true), String.valueOf(traces.of(0)));

    // When: such a text will not come again
    KnownText before = text(comment(1) + "select 1; select 2");

    // Then
    assertNotSame(before, text(comment(1) + "select 1; select 2"));
    text("select 1; select 2");
    assertNull(told.loop.traces());
  }

  private Map<String, Exemplar> exemplars() {
    Map<String, Exemplar> exemplars = new TreeMap<>();
    for (MetricSnapshot metric : Exposition.of(told.totals())) {
      metric.getDataPoints().stream()
          .filter(HistogramDataPointSnapshot.class::isInstance)
          .map(HistogramDataPointSnapshot.class::cast)
          .filter(times -> times.getExemplars().size() > 0)
          .forEach(
              times -> exemplars.put(metric.getMetadata().getName(), times.getExemplars().get(0)));
    }
    return exemplars;
  }

  @Test
  void timesOfTracedQueriesAreExemplars() {
    for (boolean taken : List.of(false, true)) {
      // Given
      begin(Map.of());
      if (!taken) {
        told.spans(null);
      }
      told.client(Messages.query("select 1"));
      answer("SELECT 1");

      // When
      told.client(Messages.query("select 1 " + comment(taken ? 6 : 5)));
      told.pass(MILLI);
      told.upstream(Messages.row());
      told.pass(MILLI);
      answer("SELECT 1");
      told.client(Messages.query("select 1"));
      answer("SELECT 1");

      // Then: by the span of the client, or else by the one that is taken
      Map<String, Exemplar> exemplars = exemplars();
      assertEquals(
          List.of(
              "outrider_proxy_fingerprint_seconds",
              "outrider_proxy_first_row_seconds",
              "outrider_proxy_query_seconds",
              "outrider_proxy_transaction_seconds"),
          List.copyOf(exemplars.keySet()));
      String span = String.format("%016x", taken ? spans.getFirst().id() : 5);
      exemplars.forEach(
          (name, exemplar) -> {
            assertEquals(
                Labels.of("span_id", span, "trace_id", TRACE_ID), exemplar.getLabels(), name);
            assertEquals(name.contains("first_row") ? 0.001 : 0.002, exemplar.getValue(), name);
            assertEquals(Told.EPOCH * 1000 + (taken ? 4 : 2), exemplar.getTimestampMillis(), name);
          });
    }
  }
}
