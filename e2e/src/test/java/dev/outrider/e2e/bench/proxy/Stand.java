package dev.outrider.e2e.bench.proxy;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * PostgreSQL, and what stands before it: all on loopback, each on a port of its own, running
 * throughout.
 *
 * <pre>
 *   pgbench ──▶ Outrider (metrics on, off) ──▶ Unix socket ─┐
 *           ──▶ PgBouncer (session) ─────────▶ Unix socket ─┼─▶ PostgreSQL
 *           ──▶ stunnel ──▶ PgBouncer ───────▶ Unix socket ─┤
 *           ──▶ HAProxy, stunnel ────────────▶ TCP ─────────┤
 *           ──▶ directly ────────────────────▶ TCP ─────────┘
 * </pre>
 *
 * <p>HAProxy knows nothing of PostgreSQL's request for TLS: its clients begin with TLS at once.
 */
final class Stand implements AutoCloseable {
  static final String OURS = "Outrider";
  static final String OURS_QUIET = "Outrider, metrics off";
  static final String PGBOUNCER_NAME = "PgBouncer";
  static final String HAPROXY_NAME = "HAProxy";
  static final String STUNNEL_NAME = "stunnel";
  static final String CHAIN_NAME = "stunnel + PgBouncer";

  private static final String PASSWORD = "bench";
  private static final String PREFIX = "outrider-bench-";
  private static final int POSTGRES = 15433;
  private static final int OUTRIDER = 15434;
  private static final int OUTRIDER_QUIET = 15435;
  private static final int PGBOUNCER = 15436;
  private static final int HAPROXY = 15437;
  private static final int STUNNEL = 15438;
  private static final int CHAIN = 15439;
  private static final int HTTP = 15440;
  private static final int HAPROXY_TLS = 15442;

  private final Path folder;
  private final String postgresImage;
  private final String agentsImage;
  private final List<Process> processes = new ArrayList<>();
  private final List<String> containers = new ArrayList<>();
  private final List<Rival> plain = new ArrayList<>();
  private final List<Rival> encrypted = new ArrayList<>();
  private ProcessorTime postgresTime = () -> 0;

  private Stand(Path folder, String postgresImage, String agentsImage) {
    this.folder = folder;
    this.postgresImage = postgresImage;
    this.agentsImage = agentsImage;
  }

  static Stand build(String postgresImage, String agentsImage) throws IOException {
    Stand stand =
        new Stand(Files.createTempDirectory("outrider-bench"), postgresImage, agentsImage);
    try {
      stand.prepare();
      stand.postgres();
      stand.outrider(OUTRIDER, HTTP, "");
      stand.outrider(OUTRIDER_QUIET, HTTP + 1, "metrics: {enabled: false}\n");
      stand.pgBouncer();
      stand.haProxy();
      stand.stunnel();
      stand.line();
      return stand;
    } catch (IOException | RuntimeException e) {
      stand.close();
      throw e;
    }
  }

  /** Only PostgreSQL and Outrider, whose certificate is in {@link #certificates}. */
  static Stand ofTheProxy(String postgresImage, String agentsImage) throws IOException {
    Stand stand = new Stand(Files.createTempDirectory("outrider-soak"), postgresImage, agentsImage);
    try {
      stand.prepare();
      stand.postgres();
      stand.outrider(OUTRIDER, HTTP, "");
      stand.await(OUTRIDER);
      return stand;
    } catch (IOException | RuntimeException e) {
      stand.close();
      throw e;
    }
  }

  /** The process of Outrider. */
  long outriderPid() {
    return Long.parseLong(
        Command.run(
            "docker", "inspect", "--format", "{{.State.Pid}}", PREFIX + "proxy-" + OUTRIDER));
  }

  /** The folder of {@code tls.crt} and {@code tls.key}, which clients have as {@code /tls}. */
  Path certificates() {
    return folder.resolve("tls");
  }

  /** The folder of scripts, which clients have as {@code /bench}. */
  Path scripts() {
    return folder.resolve("bench");
  }

  /** What Outrider tells of itself. */
  String metrics() {
    return Command.run("curl", "-sf", "http://127.0.0.1:" + HTTP + "/metrics");
  }

  /** The serial number of the certificate that Outrider shows to who connects now. */
  String shownSerial() {
    return Command.run(
        "sh",
        "-c",
        "openssl s_client -starttls postgres -connect 127.0.0.1:"
            + OUTRIDER
            + " < /dev/null 2> /dev/null | openssl x509 -noout -serial");
  }

  /** Runs pgbench through Outrider. */
  String pgbench(List<String> environment, List<String> options) {
    List<String> all = new ArrayList<>(environment);
    all.add("PGPORT=" + OUTRIDER);
    return client(all, "pgbench", options);
  }

  /** In the order in which they are measured. */
  List<Rival> rivals(boolean tls) {
    return tls ? encrypted : plain;
  }

  ProcessorTime postgresTime() {
    return postgresTime;
  }

  List<String> versions() {
    return List.of(
        "- Outrider: `" + agentsImage + "`, PostgreSQL: `" + postgresImage + "`",
        "- "
            + Command.run("pgbouncer", "--version").lines().findFirst().orElseThrow()
            + "; "
            + Command.run("haproxy", "-v").lines().findFirst().orElseThrow()
            + "; "
            + Command.run("sh", "-c", "stunnel4 -version 2>&1 | grep -m 1 -o 'stunnel [0-9.]*'"));
  }

  private void prepare() throws IOException {
    open(folder);
    for (String name : List.of("socket", "tls", "logs", "bench")) {
      open(Files.createDirectory(folder.resolve(name)));
    }
    Path key = folder.resolve("tls/tls.key");
    Path certificate = folder.resolve("tls/tls.crt");
    Command.run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key.toString(),
        "-out",
        certificate.toString());
    Files.writeString(
        folder.resolve("tls/both.pem"), Files.readString(certificate) + Files.readString(key));
    Command.run("chown", "-R", "5432:5432", folder.resolve("tls").toString());
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
    Files.writeString(
        folder.resolve("bench/large.sql"),
        "select repeat('x', 1000) from generate_series(1, 1000);\n");
  }

  private static void open(Path folder) throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
  }

  private void container(String name, List<String> options, String image, List<String> command) {
    String full = PREFIX + name;
    Command.run("sh", "-c", "docker rm -f " + full + " > /dev/null 2>&1 || true");
    List<String> words =
        new ArrayList<>(List.of("docker", "run", "-d", "--name", full, "--network", "host"));
    words.addAll(options);
    words.add(image);
    words.addAll(command);
    containers.add(full);
    Command.run(words);
  }

  private void postgres() throws IOException {
    container(
        "postgres",
        List.of(
            "-e",
            "POSTGRES_PASSWORD=" + PASSWORD,
            "--shm-size",
            "1g",
            "-v",
            folder.resolve("socket") + ":/run/postgresql",
            "-v",
            folder.resolve("tls") + ":/tls:ro"),
        postgresImage,
        List.of(
            "standalone",
            "-c",
            "port=" + POSTGRES,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=600",
            "-c",
            "shared_buffers=512MB",
            "-c",
            "ssl=on",
            "-c",
            "ssl_cert_file=/tls/tls.crt",
            "-c",
            "ssl_key_file=/tls/tls.key"));
    await(POSTGRES);
    long end = System.nanoTime() + 60_000_000_000L;
    while (true) {
      try {
        client(List.of("PGPORT=" + POSTGRES), "psql", List.of("-c", "select 1"));
        break;
      } catch (IllegalStateException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
      }
    }
    client(List.of("PGPORT=" + POSTGRES), "pgbench", List.of("-q", "-i", "-s", "20"));
    client(
        List.of("PGPORT=" + POSTGRES),
        "psql",
        List.of(
            "-c",
            "create unlogged table copied (like pgbench_accounts)",
            "-c",
            "\\copy pgbench_accounts to '/logs/rows'"));
    Files.move(folder.resolve("logs/rows"), rows());
    postgresTime = ProcessorTime.ofContainer(PREFIX + "postgres");
  }

  private void outrider(int port, int http, String more) throws IOException {
    String name = "proxy-" + port;
    Files.writeString(
        folder.resolve(name + ".yaml"),
        """
        listen: 127.0.0.1:%d
        upstream: unix:/run/postgresql/.s.PGSQL.%d
        http: {listen: "127.0.0.1:%d"}
        tls: {mode: allow, certificate: /tls/tls.crt, key: /tls/tls.key}
        %s\
        """
            .formatted(port, POSTGRES, http, more));
    container(
        name,
        List.of(
            // The others run outside of containers, where no filter looks at each system call.
            "--security-opt",
            "seccomp=unconfined",
            "-v",
            folder.resolve("socket") + ":/run/postgresql",
            "-v",
            folder.resolve("tls") + ":/tls:ro",
            "-v",
            folder.resolve(name + ".yaml") + ":/proxy.yaml:ro"),
        agentsImage,
        List.of("proxy", "--config", "/proxy.yaml"));
  }

  private void pgBouncer() throws IOException {
    Files.writeString(folder.resolve("users.txt"), "\"postgres\" \"" + PASSWORD + "\"\n");
    Files.writeString(
        folder.resolve("pgbouncer.ini"),
        """
        [databases]
        postgres = host=%s port=%d
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = %d
        unix_socket_dir =
        auth_type = scram-sha-256
        auth_file = %s
        pool_mode = session
        max_client_conn = 1000
        default_pool_size = 500
        client_tls_sslmode = allow
        client_tls_cert_file = %s
        client_tls_key_file = %s
        log_connections = 0
        log_disconnections = 0
        """
            .formatted(
                folder.resolve("socket"),
                POSTGRES,
                PGBOUNCER,
                folder.resolve("users.txt"),
                folder.resolve("tls/tls.crt"),
                folder.resolve("tls/tls.key")));
    start(
        "pgbouncer",
        List.of(
            "setpriv",
            "--reuid=5432",
            "--regid=5432",
            "--clear-groups",
            "pgbouncer",
            folder.resolve("pgbouncer.ini").toString()));
  }

  private void haProxy() throws IOException {
    Files.writeString(
        folder.resolve("haproxy.cfg"),
        """
        global
          maxconn 2000
        defaults
          mode tcp
          timeout connect 5s
          timeout client 1h
          timeout server 1h
        frontend plain
          bind 127.0.0.1:%d
          default_backend postgres
        frontend tls
          bind 127.0.0.1:%d ssl crt %s alpn postgresql
          default_backend postgres
        backend postgres
          server one 127.0.0.1:%d
        """
            .formatted(HAPROXY, HAPROXY_TLS, folder.resolve("tls/both.pem"), POSTGRES));
    start("haproxy", List.of("haproxy", "-db", "-f", folder.resolve("haproxy.cfg").toString()));
  }

  private void stunnel() throws IOException {
    for (int port : new int[] {STUNNEL, CHAIN}) {
      Path configuration = folder.resolve("stunnel-" + port + ".conf");
      Files.writeString(
          configuration,
          """
          foreground = yes
          pid =
          debug = err
          cert = %s
          [postgres]
          protocol = pgsql
          accept = 127.0.0.1:%d
          connect = 127.0.0.1:%d
          """
              .formatted(
                  folder.resolve("tls/both.pem"), port, port == STUNNEL ? POSTGRES : PGBOUNCER));
      start("stunnel-" + port, List.of("stunnel4", configuration.toString()));
    }
  }

  private Process start(String name, List<String> words) {
    Process process = Command.start(folder.resolve(name + ".log").toFile(), words);
    processes.add(process);
    return process;
  }

  /** All are up; who is measured how. */
  private void line() {
    for (int port :
        new int[] {OUTRIDER, OUTRIDER_QUIET, PGBOUNCER, HAPROXY, HAPROXY_TLS, STUNNEL, CHAIN}) {
      await(port);
    }
    ProcessorTime none = () -> 0;
    ProcessorTime outrider = ProcessorTime.ofContainer(PREFIX + "proxy-" + OUTRIDER);
    ProcessorTime quiet = ProcessorTime.ofContainer(PREFIX + "proxy-" + OUTRIDER_QUIET);
    ProcessorTime bouncer = ProcessorTime.ofProcess(processes.get(0).pid());
    ProcessorTime haProxy = ProcessorTime.ofProcess(processes.get(1).pid());
    ProcessorTime stunnel = ProcessorTime.ofProcess(processes.get(2).pid());
    ProcessorTime chain =
        ProcessorTime.sum(ProcessorTime.ofProcess(processes.get(3).pid()), bouncer);
    List<String> off = List.of("PGSSLMODE=disable");
    List<String> on = List.of("PGSSLMODE=require");
    plain.add(new Rival("direct", POSTGRES, off, none, false));
    plain.add(new Rival(OURS, OUTRIDER, off, outrider, true));
    plain.add(new Rival(OURS_QUIET, OUTRIDER_QUIET, off, quiet, true));
    plain.add(new Rival(PGBOUNCER_NAME, PGBOUNCER, off, bouncer, false));
    plain.add(new Rival(HAPROXY_NAME, HAPROXY, off, haProxy, false));
    encrypted.add(new Rival("direct, PostgreSQL's TLS", POSTGRES, on, none, false));
    encrypted.add(new Rival(OURS, OUTRIDER, on, outrider, true));
    encrypted.add(new Rival(OURS_QUIET, OUTRIDER_QUIET, on, quiet, true));
    encrypted.add(new Rival(PGBOUNCER_NAME, PGBOUNCER, on, bouncer, false));
    encrypted.add(
        new Rival(
            HAPROXY_NAME,
            HAPROXY_TLS,
            List.of("PGSSLMODE=require", "PGSSLNEGOTIATION=direct"),
            haProxy,
            false));
    encrypted.add(new Rival(STUNNEL_NAME, STUNNEL, on, stunnel, false));
    encrypted.add(new Rival(CHAIN_NAME, CHAIN, on, chain, false));
  }

  /** Runs the clients in a container of their own, so that their time is nobody else's. */
  String run(Rival rival, Load load, int seconds) {
    List<String> environment = new ArrayList<>(rival.environment());
    environment.add("PGPORT=" + rival.port());
    return switch (load) {
      case Load.Transactions transactions ->
          client(environment, "pgbench", options(transactions, seconds));
      case Load.Copy copy ->
          client(
              environment,
              "psql",
              List.of("-c", "truncate copied", "-c", "\\timing on", "-c", copy.command()));
    };
  }

  /** How much is copied, in millions of bytes. */
  double copiedMegabytes() throws IOException {
    return Files.size(rows()) / 1e6;
  }

  private Path rows() {
    return folder.resolve("bench/rows");
  }

  private static List<String> options(Load.Transactions load, int seconds) {
    List<String> options =
        new ArrayList<>(
            List.of(
                "-c",
                String.valueOf(load.clients()),
                "-j",
                String.valueOf(Math.min(2, load.clients())),
                "-T",
                String.valueOf(seconds)));
    options.addAll(load.options());
    if (load.rate() != null) {
      options.addAll(List.of("-R", load.rate().toString(), "-l", "--log-prefix=/logs/log"));
    }
    return options;
  }

  private String client(List<String> environment, String program, List<String> options) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "docker",
                "run",
                "--rm",
                "--network",
                "host",
                "-v",
                folder.resolve("logs") + ":/logs",
                "-v",
                folder.resolve("bench") + ":/bench:ro",
                "-v",
                folder.resolve("tls") + ":/tls:ro",
                "-e",
                "PGHOST=127.0.0.1",
                "-e",
                "PGUSER=postgres",
                "-e",
                "PGDATABASE=postgres",
                "-e",
                "PGPASSWORD=" + PASSWORD));
    for (String one : environment) {
      words.addAll(List.of("-e", one));
    }
    words.addAll(List.of("--entrypoint", "/usr/lib/postgresql/18/bin/" + program, postgresImage));
    words.addAll(options);
    return Command.run(words);
  }

  Path emptyLogs() throws IOException {
    Path logs = folder.resolve("logs");
    try (Stream<Path> files = Files.list(logs)) {
      for (Path one : files.toList()) {
        Files.delete(one);
      }
    }
    return logs;
  }

  private void await(int port) {
    long end = System.nanoTime() + 60_000_000_000L;
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
        return;
      } catch (IOException e) {
        if (System.nanoTime() > end) {
          throw new UncheckedIOException("nobody listens on " + port + "; see " + folder, e);
        }
        pause();
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    processes.forEach(Command::end);
    for (String name : containers) {
      Command.run("sh", "-c", "docker rm -f " + name + " > /dev/null 2>&1 || true");
    }
    try (Stream<Path> all = Files.walk(folder)) {
      all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
