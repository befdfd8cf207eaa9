package dev.outrider.e2e.bench.proxy;

import dev.outrider.e2e.bench.Conditions;
import dev.outrider.e2e.bench.Figures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Whether the proxy's memory stays flat over many queries, and whether new certificates disturb
 * nobody.
 *
 * <p>Arguments: the file to write, queries, replacements of the certificate, the images of
 * PostgreSQL and of the agents. Ends with an error if a line of the table is not as it should be.
 */
public final class ProxySoak {
  private static final int CLIENTS = 16;
  private static final int LEGS = 48;
  // Connections cost so much more than queries that of one for each query there are fewer.
  private static final int QUERIES_OF_A_CONNECTION = 20;
  private static final double MOST_GROWTH_MIB = 2;
  private static final long SAMPLE_MILLIS = 200;
  private static final int PATIENCE_SECONDS = 30;
  private static final Pattern DONE =
      Pattern.compile("number of transactions actually processed: ([0-9]+)");

  /** What one leg does. */
  private enum Kind {
    PREPARED("prepared", "-S -M prepared"),
    LITERALS("many literals", "-M simple -f /bench/literals.sql"),
    EXTENDED("extended", "-S -M extended"),
    FINGERPRINTS("many fingerprints", "-M simple -f /bench/fingerprints.sql"),
    // More than there is room for.
    APPLICATIONS("many applications", "-M simple -f /bench/applications.sql"),
    CONNECTIONS("a connection for each query", "-S -C");

    private final String title;
    private final String options;

    Kind(String title, String options) {
      this.title = title;
      this.options = options;
    }
  }

  private final Stand stand;
  private final List<String> lines = new ArrayList<>();
  private boolean good = true;

  private ProxySoak(Stand stand) {
    this.stand = stand;
  }

  /** Runs both parts. */
  public static void main(String[] arguments) throws Exception {
    Path file = Path.of(arguments[0]);
    boolean good;
    try (Stand stand = Stand.ofTheProxy(arguments[3], arguments[4])) {
      ProxySoak soak = new ProxySoak(stand);
      soak.lines.add("# The proxy, for long");
      soak.lines.add("");
      soak.lines.addAll(Conditions.lines());
      soak.lines.add("- Outrider: `" + arguments[4] + "`, PostgreSQL: `" + arguments[3] + "`");
      soak.lines.add("");
      soak.lines.add("| | should be | is | |");
      soak.lines.add("|---|---|---|---|");
      soak.queries(Long.parseLong(arguments[1]));
      soak.certificates(Integer.parseInt(arguments[2]));
      Files.write(file, soak.lines);
      good = soak.good;
    }
    System.out.println("\n" + Files.readString(file));
    if (!good) {
      System.exit(1);
    }
  }

  private void line(String what, String wanted, String is, boolean asWanted) {
    good &= asWanted;
    lines.add("| %s | %s | %s | %s |".formatted(what, wanted, is, asWanted ? "yes" : "**no**"));
  }

  private static String mib(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private void queries(long queries) throws Exception {
    Files.writeString(
        stand.scripts().resolve("literals.sql"),
        """
        \\set aid random(1, 2000000)
        \\set value random(1, 1000000000)
        select abalance + :value from pgbench_accounts where aid = :aid and 'x:value' <> 'y';
        """);
    Files.writeString(
        stand.scripts().resolve("fingerprints.sql"),
        """
        \\set name random(1, 1000000)
        select :name as n:name, ':name' as t:name;
        """);
    Files.writeString(
        stand.scripts().resolve("applications.sql"),
        """
        \\set name random(1, 150)
        set application_name = 'app :name';
        """);
    long each = Math.max(1, queries / LEGS / CLIENTS);
    long done = 0;
    long pid = stand.outriderPid();
    List<List<Double>> quarters = new ArrayList<>();
    ExecutorService thread = Executors.newSingleThreadExecutor();
    long started = System.nanoTime();
    try {
      for (int leg = 0; leg < LEGS; leg++) {
        if (leg % (LEGS / 4) == 0) {
          quarters.add(new ArrayList<>());
        }
        Kind kind = Kind.values()[leg % Kind.values().length];
        List<String> names = List.of("PGSSLMODE=disable", "PGAPPNAME=leg " + leg);
        List<String> options =
            new ArrayList<>(List.of("-n", "-c", String.valueOf(CLIENTS), "-j", "2"));
        options.addAll(List.of(kind.options.split(" ", -1)));
        long times = kind == Kind.CONNECTIONS ? Math.max(1, each / QUERIES_OF_A_CONNECTION) : each;
        options.addAll(List.of("-t", String.valueOf(times)));
        Future<Long> running = thread.submit(() -> processed(stand.pgbench(names, options)));
        List<Double> samples = new ArrayList<>();
        while (!running.isDone()) {
          samples.add(privateMib(pid));
          try {
            long _ = running.get(SAMPLE_MILLIS, TimeUnit.MILLISECONDS);
          } catch (TimeoutException e) {
            // Goes on.
          }
        }
        samples.add(privateMib(pid));
        done += running.get();
        quarters.getLast().addAll(samples);
        System.out.printf(
            Locale.ROOT,
            "leg %d of %d: %s: %,d queries, RssAnon %.1f MiB, after %d s%n",
            leg + 1,
            LEGS,
            kind.title,
            done,
            new Figures(samples).median(),
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - started));
      }
    } finally {
      thread.shutdownNow();
    }
    double second = new Figures(quarters.get(1)).median();
    double last = new Figures(quarters.get(3)).median();
    line(
        "private memory (RssAnon) over %,d queries, the medians of the quarters, MiB"
            .formatted(done),
        "the last ≤ the second + " + mib(MOST_GROWTH_MIB),
        String.join(", ", quarters.stream().map(all -> mib(new Figures(all).median())).toList()),
        last <= second + MOST_GROWTH_MIB);
    line(
        "the same, at most, MiB",
        "–",
        mib(quarters.stream().mapToDouble(all -> new Figures(all).worst()).max().orElseThrow()),
        true);
  }

  private static long processed(String report) {
    Matcher done = DONE.matcher(report);
    if (!done.find() || !report.contains("number of failed transactions: 0 ")) {
      throw new IllegalStateException(report);
    }
    return Long.parseLong(done.group(1));
  }

  private static double privateMib(long pid) throws IOException {
    try (Stream<String> status = Files.lines(Path.of("/proc", String.valueOf(pid), "status"))) {
      return status
              .filter(line -> line.startsWith("RssAnon:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
              .findFirst()
              .orElseThrow()
          / 1024.0;
    }
  }

  /**
   * Clients work on sessions of some seconds, and connect all the time, while each new certificate
   * is put in the place of the one before.
   */
  private void certificates(int replacements) throws Exception {
    Authority authority = new Authority(stand.certificates());
    authority.replace();
    awaitSerial(authority.serial());
    AtomicBoolean stopping = new AtomicBoolean();
    AtomicLong queries = new AtomicLong();
    AtomicLong connections = new AtomicLong();
    ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    List<String> environment = List.of("PGSSLMODE=verify-full", "PGSSLROOTCERT=/tls/ca.crt");
    int seen = 0;
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Future<?> working =
          threads.submit(
              () ->
                  load(
                      environment,
                      List.of("-n", "-S", "-M", "prepared", "-c", "8", "-T", "10"),
                      stopping,
                      queries,
                      failures));
      Future<?> connecting =
          threads.submit(
              () ->
                  load(
                      environment,
                      List.of("-n", "-S", "-C", "-c", "4", "-T", "10"),
                      stopping,
                      connections,
                      failures));
      try {
        for (int i = 1; i <= replacements; i++) {
          authority.replace();
          double seconds = awaitSerial(authority.serial());
          seen++;
          System.out.printf(
              Locale.ROOT,
              "certificate %d of %d: seen after %.1f s, %d failures%n",
              i,
              replacements,
              seconds,
              failures.size());
        }
      } finally {
        stopping.set(true);
        await(working);
        await(connecting);
      }
    }
    failures.forEach(System.out::println);
    line(
        "certificates replaced, and seen in a handshake",
        replacements + " of " + replacements,
        seen + " of " + replacements,
        seen == replacements);
    line(
        "errors of clients meanwhile, in %,d queries of sessions that stayed and %,d connections"
            .formatted(queries.get(), connections.get()),
        "0",
        String.valueOf(failures.size()),
        failures.isEmpty() && queries.get() > 0 && connections.get() > 0);
    String reloads = "outrider_proxy_tls_reloads_total{result=\"%s\"} ";
    String taken = value(reloads.formatted("success"));
    String refused = value(reloads.formatted("failure"));
    line(
        "certificates taken up; looks that came between key and certificate",
        (replacements + 1) + "; –",
        taken + "; " + refused,
        taken.equals(String.valueOf(replacements + 1)));
  }

  private static void await(Future<?> load) throws InterruptedException {
    try {
      load.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  /** The value of a series as a whole number; 0 if it is not there. */
  private String value(String series) {
    return stand
        .metrics()
        .lines()
        .filter(line -> line.startsWith(series))
        .map(line -> line.substring(series.length()).replaceFirst("\\.0$", ""))
        .findFirst()
        .orElse("0");
  }

  private void load(
      List<String> environment,
      List<String> options,
      AtomicBoolean stopping,
      AtomicLong done,
      ConcurrentLinkedQueue<String> failures) {
    while (!stopping.get()) {
      try {
        done.addAndGet(processed(stand.pgbench(environment, options)));
      } catch (IllegalStateException e) {
        failures.add(String.valueOf(e.getMessage()));
      }
    }
  }

  /** How many seconds it took. */
  private double awaitSerial(String serial) throws InterruptedException {
    long started = System.nanoTime();
    while (!stand.shownSerial().equals("serial=" + serial)) {
      if (System.nanoTime() - started > TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)) {
        throw new IllegalStateException(
            "the certificate " + serial + " is not shown after " + PATIENCE_SECONDS + " s");
      }
      Thread.sleep(SAMPLE_MILLIS);
    }
    return (System.nanoTime() - started) / 1e9;
  }

  /** Makes certificates of one authority, and puts each where the proxy looks. */
  private static final class Authority {
    private final Path folder;
    private int made;

    Authority(Path folder) throws IOException {
      this.folder = folder;
      shell(
          "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
              + " -subj /CN=soak -keyout ca.key -out ca.crt && chmod 644 ca.crt");
      Files.writeString(folder.resolve("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    }

    private void shell(String script) {
      Command.run("sh", "-c", "cd '" + folder + "' && { " + script + "; } 2>&1");
    }

    /** The key first: until its certificate is there, too, the two are not taken up. */
    void replace() throws IOException {
      made++;
      shell(
          "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
              + " -keyout new.key -out new.csr && openssl x509 -req -in new.csr -CA ca.crt"
              + " -CAkey ca.key -set_serial 0x"
              + serial()
              + " -days 2 -extfile names -out new.crt && chown 5432:5432 new.key new.crt");
      Files.setPosixFilePermissions(
          folder.resolve("new.key"), PosixFilePermissions.fromString("rw-------"));
      Files.move(
          folder.resolve("new.key"), folder.resolve("tls.key"), StandardCopyOption.ATOMIC_MOVE);
      Files.move(
          folder.resolve("new.crt"), folder.resolve("tls.crt"), StandardCopyOption.ATOMIC_MOVE);
    }

    /** As openssl writes it. */
    String serial() {
      return String.format(Locale.ROOT, "%04X", 0x1000 + made);
    }
  }
}
