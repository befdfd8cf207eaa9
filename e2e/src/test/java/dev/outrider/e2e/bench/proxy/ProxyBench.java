package dev.outrider.e2e.bench.proxy;

import dev.outrider.e2e.bench.Conditions;
import dev.outrider.e2e.bench.Figures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Measures what the proxy costs, beside PgBouncer, HAProxy, stunnel and PostgreSQL's own TLS, in
 * turn on one machine, and writes the tables.
 *
 * <p>Arguments: the file to write, rounds, seconds of each run, the images of PostgreSQL and of the
 * agents.
 */
public final class ProxyBench {
  private static final Pattern TPS = Pattern.compile("tps = ([0-9.]+)");
  // psql's, in milliseconds; of several commands the last.
  private static final Pattern TOOK = Pattern.compile("COPY \\d+\\s+Time: ([0-9.]+) ms");
  private static final Pattern DONE =
      Pattern.compile("number of transactions actually processed: ([0-9]+)");

  private final Path file;
  private final int rounds;
  private final int seconds;
  private final Stand stand;
  private final Map<What, Map<String, List<Measured>>> results = new LinkedHashMap<>();

  /** One table. */
  private record What(Load load, boolean tls) {
    String title() {
      return load.title() + (tls ? ", TLS" : "");
    }

    @Override
    public String toString() {
      return load.title() + ", " + load.clients() + (tls ? ", TLS" : "");
    }
  }

  private ProxyBench(Path file, int rounds, int seconds, Stand stand) {
    this.file = file;
    this.rounds = rounds;
    this.seconds = seconds;
    this.stand = stand;
  }

  /** Ends with an error if something could not be measured. */
  public static void main(String[] arguments) throws IOException {
    try (Stand stand = Stand.build(arguments[3], arguments[4])) {
      ProxyBench bench =
          new ProxyBench(
              Path.of(arguments[0]),
              Integer.parseInt(arguments[1]),
              Integer.parseInt(arguments[2]),
              stand);
      bench.run();
      System.out.println("\n" + Files.readString(bench.file));
    }
  }

  private void run() throws IOException {
    warmUp();
    for (int round = 1; round <= rounds; round++) {
      for (boolean tls : new boolean[] {false, true}) {
        for (Load load : Load.ALL) {
          for (Rival rival : stand.rivals(tls)) {
            Measured measured = measure(rival, load);
            What what = new What(load, tls);
            results
                .computeIfAbsent(what, any -> new LinkedHashMap<>())
                .computeIfAbsent(rival.name(), any -> new ArrayList<>())
                .add(measured);
            System.out.printf(
                Locale.ROOT,
                "round %d: %s: %s: %.0f/s, %.1f µs, PostgreSQL %.1f µs%n",
                round,
                what,
                rival.name(),
                measured.perSecond(),
                measured.proxyMicros(),
                measured.postgresMicros());
          }
        }
      }
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, text());
    }
  }

  /** A proxy runs for months: its first seconds, with its compiler beside, are not measured. */
  private void warmUp() {
    for (boolean tls : new boolean[] {false, true}) {
      for (Load load : Load.ALL) {
        for (Rival rival : stand.rivals(tls)) {
          if (rival.warmsUp()) {
            System.out.printf("warming up: %s: %s%n", load.title(), rival.name());
            stand.run(rival, load, seconds);
          }
        }
      }
    }
  }

  private Measured measure(Rival rival, Load load) throws IOException {
    Path logs = stand.emptyLogs();
    long proxyBefore = rival.time().nanos();
    long postgresBefore = stand.postgresTime().nanos();
    String told = stand.run(rival, load, seconds);
    double proxy = rival.time().nanos() - proxyBefore;
    double postgres = stand.postgresTime().nanos() - postgresBefore;
    return switch (load) {
      case Load.Transactions transactions -> {
        double done = number(DONE, told);
        yield new Measured(
            number(TPS, told),
            proxy / 1e3 / done,
            postgres / 1e3 / done,
            transactions.rate() == null ? null : latency(logs));
      }
      case Load.Copy _ -> {
        double megabytes = stand.copiedMegabytes();
        yield new Measured(
            megabytes / number(TOOK, told) * 1e3,
            proxy / 1e3 / megabytes,
            postgres / 1e3 / megabytes,
            null);
      }
    };
  }

  private static double number(Pattern pattern, String told) {
    Matcher matcher = pattern.matcher(told);
    if (!matcher.find()) {
      throw new IllegalStateException("pgbench said: " + told);
    }
    return Double.parseDouble(matcher.group(1));
  }

  /** From pgbench's log of each transaction, whose third field is its time in microseconds. */
  private static Measured.Latency latency(Path logs) throws IOException {
    List<Double> millis = new ArrayList<>();
    try (Stream<Path> files = Files.list(logs)) {
      for (Path log : files.toList()) {
        for (String line : Files.readAllLines(log)) {
          millis.add(Long.parseLong(line.split(" ", 4)[2]) / 1000.0);
        }
      }
    }
    millis.sort(Comparator.naturalOrder());
    return new Measured.Latency(rank(millis, 0.5), rank(millis, 0.99), rank(millis, 0.999));
  }

  private static double rank(List<Double> sorted, double part) {
    return sorted.get(Math.max(0, (int) Math.ceil(sorted.size() * part) - 1));
  }

  private String text() throws IOException {
    List<String> lines = new ArrayList<>(Conditions.lines());
    lines.addAll(stand.versions());
    lines.add(
        ("- %d rounds, %d s each, after one that only warms up; the medians of the rounds and of their"
                + " ratios are shown")
            .formatted(rounds, seconds));
    lines.addAll(besidePgBouncer());
    lines.addAll(besideTheChain());
    lines.addAll(latencies());
    results.forEach(
        (what, rivals) -> {
          lines.add("");
          lines.add("**" + what + "**");
          lines.add("");
          lines.add(
              "| | %s/s | its CPU, µs/%1$s | PostgreSQL's CPU, µs/%1$s | p50, ms | p99, ms |"
                      .formatted(what.load().unit())
                  + " p99.9, ms |");
          lines.add("|---|---|---|---|---|---|---|");
          rivals.forEach((name, all) -> lines.add(line(name, all)));
        });
    return String.join("\n", lines) + "\n";
  }

  private List<String> besidePgBouncer() {
    List<String> lines =
        new ArrayList<>(
            List.of(
                "",
                "| | clients | Outrider, µs | PgBouncer, µs | ratio | throughput, ratio |"
                    + " metrics off, µs | throughput by metrics |",
                "|---|---|---|---|---|---|---|---|"));
    results.forEach(
        (what, rivals) -> {
          List<Measured> ours = of(rivals, Stand.OURS);
          List<Measured> theirs = of(rivals, Stand.PGBOUNCER_NAME);
          List<Measured> quiet = of(rivals, Stand.OURS_QUIET);
          lines.add(
              String.format(
                  Locale.ROOT,
                  "| %s | %d | %.1f | %.1f | %.2f | %.2f | %.1f | %+.1f %% |",
                  what.title(),
                  what.load().clients(),
                  median(ours, Measured::proxyMicros),
                  median(theirs, Measured::proxyMicros),
                  ratio(ours, theirs, Measured::proxyMicros),
                  ratio(ours, theirs, Measured::perSecond),
                  median(quiet, Measured::proxyMicros),
                  100 * (ratio(ours, quiet, Measured::perSecond) - 1)));
        });
    return lines;
  }

  private List<String> besideTheChain() {
    List<String> lines =
        new ArrayList<>(
            List.of(
                "",
                "| | clients | Outrider, µs | stunnel + PgBouncer, µs | ratio | throughput, ratio |"
                    + " HAProxy, µs | stunnel, µs |",
                "|---|---|---|---|---|---|---|---|"));
    results.forEach(
        (what, rivals) -> {
          if (what.tls()) {
            List<Measured> ours = of(rivals, Stand.OURS);
            List<Measured> chain = of(rivals, Stand.CHAIN_NAME);
            lines.add(
                String.format(
                    Locale.ROOT,
                    "| %s | %d | %.1f | %.1f | %.2f | %.2f | %.1f | %.1f |",
                    what.title(),
                    what.load().clients(),
                    median(ours, Measured::proxyMicros),
                    median(chain, Measured::proxyMicros),
                    ratio(ours, chain, Measured::proxyMicros),
                    ratio(ours, chain, Measured::perSecond),
                    median(of(rivals, Stand.HAPROXY_NAME), Measured::proxyMicros),
                    median(of(rivals, Stand.STUNNEL_NAME), Measured::proxyMicros)));
          }
        });
    return lines;
  }

  private List<String> latencies() {
    List<String> lines =
        new ArrayList<>(
            List.of(
                "", "| at a fixed rate | p50, ms | p99, ms | p99.9, ms |", "|---|---|---|---|"));
    results.forEach(
        (what, rivals) ->
            rivals.forEach(
                (name, all) -> {
                  if (all.getFirst().latency() != null) {
                    lines.add(
                        "| %s | %s | %s | %s |"
                            .formatted(
                                what.tls() ? name + ", TLS" : name,
                                millis(all, Measured.Latency::p50),
                                millis(all, Measured.Latency::p99),
                                millis(all, Measured.Latency::p999)));
                  }
                }));
    return lines;
  }

  private static List<Measured> of(Map<String, List<Measured>> rivals, String name) {
    return Objects.requireNonNull(rivals.get(name), name);
  }

  /** The median of the rounds' ratios: what a machine does beside lasts for longer than a run. */
  private static double ratio(
      List<Measured> ours, List<Measured> theirs, ToDoubleFunction<Measured> which) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < ours.size(); i++) {
      ratios.add(which.applyAsDouble(ours.get(i)) / which.applyAsDouble(theirs.get(i)));
    }
    return new Figures(ratios).median();
  }

  private static String line(String name, List<Measured> all) {
    boolean timed = all.getFirst().latency() != null;
    return String.format(
        Locale.ROOT,
        "| %s | %.0f | %.1f | %.1f | %s | %s | %s |",
        name,
        median(all, Measured::perSecond),
        median(all, Measured::proxyMicros),
        median(all, Measured::postgresMicros),
        timed ? millis(all, Measured.Latency::p50) : "",
        timed ? millis(all, Measured.Latency::p99) : "",
        timed ? millis(all, Measured.Latency::p999) : "");
  }

  private static double median(List<Measured> all, ToDoubleFunction<Measured> which) {
    return new Figures(all.stream().map(which::applyAsDouble).toList()).median();
  }

  private static String millis(List<Measured> all, ToDoubleFunction<Measured.Latency> which) {
    return String.format(
        Locale.ROOT,
        "%.2f",
        median(
            all,
            one -> {
              Measured.Latency latency = one.latency();
              return latency == null ? Double.NaN : which.applyAsDouble(latency);
            }));
  }
}
