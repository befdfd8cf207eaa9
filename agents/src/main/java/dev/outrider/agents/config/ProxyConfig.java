package dev.outrider.agents.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of the proxy.
 *
 * @param listen where clients connect
 * @param primary where clients connect that want a primary and nothing else, or null if there is no
 *     such listener
 * @param upstream the Postgres behind the proxy
 * @param instance the record of the instance by which the proxy is its fence, an absolute path;
 *     null: no fence
 * @param tls the TLS of the clients
 * @param refusedUsers users that are never let in, for example superusers; the proxy cannot know by
 *     itself who is one
 * @param access who is let in: the first rule that matches decides, and without one nobody is;
 *     empty: everybody
 * @param proxyProtocol the load balancers whose clients' addresses are told by the PROXY protocol,
 *     version 2: connections from there must begin with its header, and others must not
 * @param http the plain HTTP endpoint
 * @param status the endpoint of {@code /status}, or null to serve it on {@code http} if that
 *     listens on loopback
 * @param connectTimeout how long the upstream may take to accept a connection, 1ms to 1m
 * @param startupTimeout how long a client may take until Postgres has let it in, 1s to 10m
 * @param keepAlive when clients that have vanished are given up
 * @param cancelOnDisconnect whether the query of a client that vanishes is cancelled
 * @param logConnections whether a line is logged when a session is let in, is refused, and ends
 * @param drainTimeout how long open sessions may go on once the proxy drains, 0s to 1h
 * @param drainFolder where {@code proxy.drain} asks for a drain and {@code proxy.drained} tells
 *     that no session is left
 * @param maxConnections how many clients may be connected at once, 1 to 100000; one more is refused
 *     with SQLSTATE 53300
 * @param eventLoops threads that relay, 1 to 256, or 0 for one per available processor, at most 8
 * @param metrics what is told of the messages that are relayed
 * @param traces where spans of queries go, or null if they go nowhere
 * @param log what is logged
 */
public record ProxyConfig(
    HostPort listen,
    @Nullable PrimaryConfig primary,
    UpstreamAddress upstream,
    @Nullable Path instance,
    TlsConfig tls,
    List<String> refusedUsers,
    List<AccessRule> access,
    List<Network> proxyProtocol,
    HttpConfig http,
    @Nullable StatusConfig status,
    Duration connectTimeout,
    Duration startupTimeout,
    KeepAlive keepAlive,
    boolean cancelOnDisconnect,
    boolean logConnections,
    Duration drainTimeout,
    Path drainFolder,
    int maxConnections,
    int eventLoops,
    MetricsConfig metrics,
    @Nullable TracesConfig traces,
    LogConfig log)
    implements AgentConfig {

  static final String ABSOLUTE_PATH = "an absolute path";

  /**
   * What is in force where nothing is written: everything on loopback, Postgres on its socket
   * beside the proxy.
   */
  public static final ProxyConfig DEFAULTS =
      new ProxyConfig(
          new HostPort("127.0.0.1", 5432),
          null,
          new UpstreamAddress.UnixSocket(Path.of("/run/postgresql/.s.PGSQL.5433")),
          null,
          TlsConfig.DISABLED,
          List.of(),
          List.of(),
          List.of(),
          new HttpConfig(new HostPort("127.0.0.1", 9101)),
          null,
          Duration.ofSeconds(5),
          Duration.ofSeconds(60),
          new KeepAlive(Duration.ofSeconds(60), Duration.ofSeconds(10), 6),
          true,
          false,
          Duration.ofSeconds(30),
          Path.of("/tmp/outrider"),
          2000,
          0,
          MetricsConfig.DEFAULTS,
          null,
          new LogConfig(LogConfig.Level.INFO));

  /** Every key, for help and documentation. */
  public static final List<ConfigKey> KEYS =
      List.of(
          new ConfigKey("listen", "HOST:PORT", "where clients connect"),
          new ConfigKey(
              "primary.listen",
              "HOST:PORT",
              "where only sessions with a primary begin; without it there is no such listener"),
          new ConfigKey("upstream", "unix:PATH|HOST:PORT", "the Postgres behind the proxy"),
          new ConfigKey(
              "instance",
              "FILE",
              "what Patroni tells of the instance; without it every session is let through"),
          new ConfigKey("tls.mode", "MODE", "whether clients encrypt: require, allow or disable"),
          new ConfigKey(
              "tls.certificate",
              "FILE",
              "certificate chain of the proxy, PEM; with one, tls.mode is allow by default"),
          new ConfigKey("tls.key", "FILE", "its private key, PEM, PKCS#8"),
          new ConfigKey("tls.clientCa", "FILE", "authorities of clients' certificates, PEM"),
          new ConfigKey(
              "tls.clientCertificates",
              "DEMAND",
              "what clients must show: off, verify-ca or verify-full"),
          new ConfigKey("refusedUsers", "USER,…", "users that are never let in"),
          new ConfigKey(
              "access",
              "[{action: …},…]",
              "who is let in: the first rule that matches decides; without rules everybody is"),
          new ConfigKey(
              "proxyProtocol.trusted",
              "NETWORK,…",
              "load balancers that send the header of the PROXY protocol, version 2"),
          new ConfigKey(
              "http.listen", "HOST:PORT", "where /metrics, /livez and /readyz are served"),
          new ConfigKey(
              "status.listen",
              "HOST:PORT",
              "where /status is served; without it on http.listen if that is on loopback"),
          new ConfigKey("status.tls.certificate", "FILE", "certificate chain of /status, PEM"),
          new ConfigKey("status.tls.key", "FILE", "private key of /status, PEM, PKCS#8"),
          new ConfigKey(
              "status.tls.clientCa", "FILE", "authorities of the clients of /status, PEM"),
          new ConfigKey(
              "connectTimeout",
              "DURATION",
              "how long the upstream may take to accept a connection, 1ms to 1m"),
          new ConfigKey(
              "startupTimeout",
              "DURATION",
              "how long a client may take until Postgres has let it in, 1s to 10m"),
          new ConfigKey(
              "keepAlive.idle",
              "DURATION",
              "silence before a client is asked whether it is there, 1s to 2h"),
          new ConfigKey("keepAlive.interval", "DURATION", "between two questions, 1s to 1h"),
          new ConfigKey(
              "keepAlive.count", "NUMBER", "questions without an answer before the end, 1 to 100"),
          new ConfigKey(
              "cancelOnDisconnect",
              "true|false",
              "whether the query of a client that vanishes is cancelled"),
          new ConfigKey(
              "logConnections", "true|false", "whether sessions are logged, as log_connections"),
          new ConfigKey(
              "drainTimeout", "DURATION", "how long open sessions may go on in a drain, 0s to 1h"),
          new ConfigKey(
              "drainFolder",
              "FOLDER",
              "where proxy.drain asks for a drain, proxy.drained tells its end"),
          new ConfigKey(
              "maxConnections", "NUMBER", "clients that may be connected at once, 1 to 100000"),
          new ConfigKey(
              "eventLoops",
              "NUMBER",
              "threads that relay, 1 to 256; 0: one per processor, at most 8"),
          new ConfigKey(
              "metrics.enabled",
              "BOOLEAN",
              "whether messages, statements and times are counted: true or false"),
          new ConfigKey(
              "metrics.maxLabels",
              "NUMBER",
              "sets of database, user and application that are told apart, 4 to 200"),
          new ConfigKey(
              "metrics.maxFingerprints",
              "NUMBER",
              "fingerprints of statements that have figures of their own, 8 to 500"),
          new ConfigKey(
              "metrics.texts",
              "BOOLEAN",
              "whether /queries shows statements, without their values: true or false"),
          new ConfigKey(
              "traces.endpoint",
              "URL",
              "the collector that takes spans of queries, OTLP over HTTP; without it there are"
                  + " none"),
          new ConfigKey("traces.serviceName", "NAME", "service.name of the spans"),
          new ConfigKey("traces.attributes", "NAME=VALUE,…", "more about the proxy, in the spans"),
          new ConfigKey(
              "traces.headersFile", "FILE", "headers for the collector, NAME: VALUE a line"),
          new ConfigKey(
              "traces.timeout", "DURATION", "how long the collector may take, 100ms to 1m"),
          new ConfigKey("log.level", "LEVEL", "error, warn, info, debug or trace"));

  /** Checks every range. */
  public ProxyConfig {
    // Two listeners that leave the port open get two.
    if (primary != null && primary.listen().port() != 0 && primary.listen().equals(listen)) {
      throw ConfigException.problem(
          "primary.listen",
          "is " + listen + ", and so is listen (expected: an address of its own)");
    }
    duration("connectTimeout", connectTimeout, Duration.ofMillis(1), Duration.ofMinutes(1));
    duration("startupTimeout", startupTimeout, Duration.ofSeconds(1), Duration.ofMinutes(10));
    refusedUsers = List.copyOf(refusedUsers);
    access = List.copyOf(access);
    proxyProtocol = List.copyOf(proxyProtocol);
    duration("drainTimeout", drainTimeout, Duration.ZERO, Duration.ofHours(1));
    if (instance != null && !instance.isAbsolute()) {
      throw ConfigException.value("instance", instance.toString(), ABSOLUTE_PATH);
    }
    if (!drainFolder.isAbsolute()) {
      throw ConfigException.value("drainFolder", drainFolder.toString(), ABSOLUTE_PATH);
    }
    number("maxConnections", maxConnections, 1, 100_000);
    number("eventLoops", eventLoops, 0, 256);
    if (traces != null && !metrics.enabled()) {
      throw ConfigException.problem(
          "traces", "need what is counted, but metrics.enabled is false (expected: true)");
    }
  }

  static void duration(String key, Duration value, Duration least, Duration most) {
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw ConfigException.value(
          key,
          DurationText.format(value),
          DurationText.format(least) + " to " + DurationText.format(most));
    }
  }

  static void number(String key, int value, int least, int most) {
    if (value < least || value > most) {
      throw ConfigException.value(key, String.valueOf(value), least + " to " + most);
    }
  }

  /**
   * Binds a tree; keys that are not there have the value of {@link #DEFAULTS}.
   *
   * @throws ConfigException on an unknown key, a wrong type or a value out of range
   */
  public static ProxyConfig from(ConfigTree tree) {
    return tree.section()
        .bind(
            section ->
                new ProxyConfig(
                    section.value("listen", DEFAULTS.listen, HostPort::parse),
                    section.sectionOrNull("primary", PrimaryConfig::from),
                    section.value("upstream", DEFAULTS.upstream, UpstreamAddress::parse),
                    section.valueOrNull("instance", Path::of),
                    section.section("tls", DEFAULTS.tls, TlsConfig::from),
                    section.values("refusedUsers", DEFAULTS.refusedUsers, AccessRule::name),
                    section.sections("access", DEFAULTS.access, AccessRule::from),
                    section.section(
                        "proxyProtocol",
                        DEFAULTS.proxyProtocol,
                        protocol ->
                            protocol.values("trusted", DEFAULTS.proxyProtocol, Network::parse)),
                    section.section(
                        "http", DEFAULTS.http, http -> HttpConfig.from(http, DEFAULTS.http)),
                    section.sectionOrNull("status", StatusConfig::from),
                    section.value("connectTimeout", DEFAULTS.connectTimeout, DurationText::parse),
                    section.value("startupTimeout", DEFAULTS.startupTimeout, DurationText::parse),
                    section.section(
                        "keepAlive",
                        DEFAULTS.keepAlive,
                        keepAlive -> KeepAlive.from(keepAlive, DEFAULTS.keepAlive)),
                    section.value(
                        "cancelOnDisconnect", DEFAULTS.cancelOnDisconnect, ProxyConfig::truth),
                    section.value("logConnections", DEFAULTS.logConnections, ProxyConfig::truth),
                    section.value("drainTimeout", DEFAULTS.drainTimeout, DurationText::parse),
                    section.value("drainFolder", DEFAULTS.drainFolder, Path::of),
                    section.value("maxConnections", DEFAULTS.maxConnections, ProxyConfig::integer),
                    section.value("eventLoops", DEFAULTS.eventLoops, ProxyConfig::integer),
                    section.section("metrics", DEFAULTS.metrics, MetricsConfig::from),
                    section.sectionOrNull("traces", TracesConfig::from),
                    section.section(
                        "log", DEFAULTS.log, log -> LogConfig.from(log, DEFAULTS.log))));
  }

  static int integer(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("a whole number", e);
    }
  }

  private static boolean truth(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("true or false");
    };
  }

  /** The whole configuration as a tree, every key written out, always in the same order. */
  @Override
  public ConfigTree toTree() {
    return new ConfigTree.Builder()
        .put("listen", listen.toString())
        .put("primary", primary == null ? null : primary.toTree())
        .put("upstream", upstream.toString())
        .put("instance", instance == null ? null : instance.toString())
        .put("tls", tls.toTree())
        .put("refusedUsers", refusedUsers)
        .putSections("access", access.stream().map(AccessRule::toTree).toList())
        .put(
            "proxyProtocol",
            new ConfigTree.Builder()
                .put("trusted", proxyProtocol.stream().map(Network::toString).toList()))
        .put("http", http.toTree())
        .put("status", status == null ? null : status.toTree())
        .put("connectTimeout", DurationText.format(connectTimeout))
        .put("startupTimeout", DurationText.format(startupTimeout))
        .put("keepAlive", keepAlive.toTree())
        .put("cancelOnDisconnect", String.valueOf(cancelOnDisconnect))
        .put("logConnections", String.valueOf(logConnections))
        .put("drainTimeout", DurationText.format(drainTimeout))
        .put("drainFolder", drainFolder.toString())
        .put("maxConnections", String.valueOf(maxConnections))
        .put("eventLoops", String.valueOf(eventLoops))
        .put("metrics", metrics.toTree())
        .put("traces", traces == null ? null : traces.toTree())
        .put("log", log.toTree())
        .build();
  }

  /** The file that an agent reads: the same record always gives the same bytes. */
  public byte[] toYaml() {
    return toTree().toYaml();
  }
}
