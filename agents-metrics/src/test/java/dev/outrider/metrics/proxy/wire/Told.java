package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.backend.BackendMessage;
import dev.outrider.protocol.frame.Desync;
import dev.outrider.protocol.frame.Turns;
import dev.outrider.protocol.frontend.FrontendMessage;
import dev.outrider.protocol.frontend.StartupMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One event loop's figures, and a session that a test leads. */
final class Told {
  /** When time 0 was, in seconds since 1970. */
  static final long EPOCH = 1_000_000_000;

  final LoopFigures loop;
  final List<Desync> desyncs = new ArrayList<>();
  private final Random random;
  private final Spans spans;
  private long now = 1;
  private long ids;
  private WireSession session;
  private Turns turns;

  /** Cuts what is said at random, or not at all. */
  Told(Random random, int maxFingerprints) {
    this.random = random;
    this.spans = new Spans(true, () -> now, () -> Instant.ofEpochSecond(EPOCH, now), () -> ++ids);
    this.loop = new LoopFigures(new LabelSets(20), new Fingerprints(maxFingerprints), spans, 1);
    this.session = new WireSession(loop, () -> now);
    this.turns = new Turns(desyncs::add, session);
  }

  static Told whole() {
    return new Told(new Random(0), 100);
  }

  /** Another session of the same event loop, let in. */
  void begin(String user, String database, String application) {
    begin(user, database, application, Map.of());
  }

  /** The same with more in its start-up packet. */
  void begin(String user, String database, String application, Map<String, String> more) {
    session = new WireSession(loop, () -> now);
    turns = new Turns(desyncs::add, session);
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("user", user);
    parameters.put("database", database);
    parameters.put("application_name", application);
    parameters.putAll(more);
    ByteBuf startup = Unpooled.buffer();
    new StartupMessage(StartupMessage.PROTOCOL_3_0, parameters).encode(startup);
    client(startup);
    upstream(Messages.READY);
  }

  /** Whoever takes spans from now on. */
  void spans(@Nullable SpanSink taker) {
    spans.sink(taker);
  }

  WireSession session() {
    return session;
  }

  void pass(long nanos) {
    now += nanos;
  }

  void client(FrontendMessage... messages) {
    ByteBuf bytes = Unpooled.buffer();
    for (FrontendMessage message : messages) {
      message.encode(bytes);
    }
    client(bytes);
  }

  void upstream(BackendMessage... messages) {
    ByteBuf bytes = Unpooled.buffer();
    for (BackendMessage message : messages) {
      message.encode(bytes);
    }
    upstream(bytes);
  }

  void client(ByteBuf bytes) {
    while (bytes.isReadable()) {
      ByteBuf piece = piece(bytes);
      session.clientRead();
      turns.frontend(piece);
    }
  }

  void upstream(ByteBuf bytes) {
    while (bytes.isReadable()) {
      ByteBuf piece = piece(bytes);
      session.upstreamRead();
      turns.backend(piece);
    }
  }

  private ByteBuf piece(ByteBuf bytes) {
    int length =
        switch (random.nextInt(3)) {
          case 0 -> 1 + random.nextInt(bytes.readableBytes());
          case 1 -> 1 + random.nextInt(Math.min(8, bytes.readableBytes()));
          default -> bytes.readableBytes();
        };
    return bytes.readSlice(length);
  }

  Totals totals() {
    Totals totals = new Totals();
    loop.addTo(totals, now);
    totals.settle();
    return totals;
  }

  /** The figures of statements with a text, of all labels. */
  Figures figures(String text) {
    Figures sum = new Figures(null);
    for (Figures figures : totals().fingerprints()) {
      if (figures.fingerprint != null && text.equals(figures.fingerprint.text())) {
        sum.add(figures);
      }
    }
    return sum;
  }

  /** Every series as text: name and labels, and its value. */
  Map<String, String> series() {
    Map<String, String> series = new TreeMap<>();
    for (MetricSnapshot metric : Exposition.of(totals())) {
      for (DataPointSnapshot point : metric.getDataPoints()) {
        String name = metric.getMetadata().getName() + point.getLabels();
        switch (point) {
          case CounterDataPointSnapshot counter -> series.put(name, whole(counter.getValue()));
          case GaugeDataPointSnapshot gauge -> series.put(name, String.valueOf(gauge.getValue()));
          case HistogramDataPointSnapshot times ->
              series.put(
                  name,
                  times.getCount()
                      + " "
                      + times.getSum()
                      + " "
                      + times.getClassicBuckets().stream().map(bucket -> bucket.getCount()).toList()
                      + times.getNativeBucketsForPositiveValues().stream()
                          .map(bucket -> bucket.getBucketIndex() + ":" + bucket.getCount())
                          .toList());
          default -> throw new AssertionError(name);
        }
      }
    }
    return series;
  }

  private static String whole(double value) {
    return String.valueOf((long) value);
  }
}
