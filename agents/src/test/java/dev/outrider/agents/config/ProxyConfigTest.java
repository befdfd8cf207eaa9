package dev.outrider.agents.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProxyConfigTest {
  private static final ProxyConfig FULL =
      new ProxyConfig(
          HostPort.parse("0.0.0.0:5432"),
          new PrimaryConfig(HostPort.parse("0.0.0.0:5434")),
          UpstreamAddress.parse("unix:/run/postgresql/.s.PGSQL.5433"),
          Path.of("/run/postgresql/instance.json"),
          new TlsConfig(
              TlsConfig.Mode.REQUIRE,
              Path.of("/etc/outrider/server/tls.crt"),
              Path.of("/etc/outrider/server/tls.key"),
              Path.of("/etc/outrider/clients/ca.crt"),
              TlsConfig.ClientCertificates.VERIFY_FULL),
          List.of("postgres", "agent"),
          List.of(
              new AccessRule(
                  AccessRule.Action.REJECT,
                  List.of(Network.parse("10.9.0.0/16"), Network.parse("2001:db8::1")),
                  List.of(),
                  List.of(),
                  AccessRule.Tls.ANY),
              new AccessRule(
                  AccessRule.Action.ALLOW,
                  List.of(),
                  List.of("shop", "replication"),
                  List.of("shop"),
                  AccessRule.Tls.REQUIRED)),
          List.of(Network.parse("192.0.2.0/24")),
          new HttpConfig(HostPort.parse("0.0.0.0:9101")),
          new StatusConfig(
              HostPort.parse("0.0.0.0:9201"),
              new StatusConfig.MutualTls(
                  Path.of("/etc/outrider/tls/tls.crt"),
                  Path.of("/etc/outrider/tls/tls.key"),
                  Path.of("/etc/outrider/tls/ca.crt"))),
          Duration.ofMillis(1500),
          Duration.ofSeconds(20),
          new KeepAlive(Duration.ofSeconds(30), Duration.ofSeconds(5), 3),
          false,
          true,
          Duration.ofMinutes(2),
          Path.of("/tmp/outrider"),
          100,
          4,
          new MetricsConfig(true, 10, 20, false),
          new TracesConfig(
              TracesConfig.endpoint("https://collector.example.org/v1/traces"),
              "shop-db",
              Map.of("k8s.namespace.name", "shop"),
              Path.of("/etc/outrider/traces/headers"),
              Duration.ofSeconds(3)),
          new LogConfig(LogConfig.Level.DEBUG));

  private static ProxyConfig parse(String yaml) {
    return ProxyConfig.from(ConfigTree.parse("proxy.yaml", yaml.getBytes(UTF_8)));
  }

  @Test
  void recordsEveryDefault() {
    // When
    String yaml = new String(parse("").toYaml(), UTF_8);

    // Then
    assertEquals(
        """
        listen: "127.0.0.1:5432"
        upstream: "unix:/run/postgresql/.s.PGSQL.5433"
        tls:
          mode: "disable"
          clientCertificates: "off"
        refusedUsers: []
        access: []
        proxyProtocol:
          trusted: []
        http:
          listen: "127.0.0.1:9101"
        connectTimeout: "5s"
        startupTimeout: "1m"
        keepAlive:
          idle: "1m"
          interval: "10s"
          count: "6"
        cancelOnDisconnect: "true"
        logConnections: "false"
        drainTimeout: "30s"
        drainFolder: "/tmp/outrider"
        maxConnections: "2000"
        eventLoops: "0"
        metrics:
          enabled: "true"
          maxLabels: "100"
          maxFingerprints: "100"
          texts: "true"
        log:
          level: "info"
        """,
        yaml);
  }

  @Test
  void isReadAsItWasWritten() {
    // When
    byte[] yaml = FULL.toYaml();

    // Then
    assertEquals(FULL, ProxyConfig.from(ConfigTree.parse("proxy.yaml", yaml)));
    assertEquals(ConfigHash.of(yaml), ConfigHash.of(FULL.toYaml()));
  }

  @Test
  void readsWhatTheContractShows() {
    // Given
    String yaml =
        """
        listen: 0.0.0.0:5432
        primary: {listen: 0.0.0.0:5434}
        upstream: unix:/run/postgresql/.s.PGSQL.5433      # or HOST:PORT
        instance: /run/postgresql/instance.json
        tls: {mode: require, certificate: /etc/outrider/server/tls.crt, \
        key: /etc/outrider/server/tls.key, clientCa: /etc/outrider/clients/ca.crt, \
        clientCertificates: verify-full}
        refusedUsers: [postgres, agent]
        access:
          - {action: reject, from: [10.9.0.0/16, '2001:db8::1/128']}
          - {action: allow, databases: [shop, replication], users: shop, tls: required}
        proxyProtocol: {trusted: [192.0.2.0/24]}
        http: {listen: "0.0.0.0:9101"}
        status: {listen: "0.0.0.0:9201", tls: {certificate: /etc/outrider/tls/tls.crt, \
        key: /etc/outrider/tls/tls.key, clientCa: /etc/outrider/tls/ca.crt}}
        connectTimeout: 1500ms
        startupTimeout: 20s
        keepAlive: {idle: 30s, interval: 5s, count: 3}
        cancelOnDisconnect: false
        logConnections: true
        drainTimeout: 120s
        maxConnections: 100
        eventLoops: 4
        metrics: {enabled: true, maxLabels: 10, maxFingerprints: 20, texts: false}
        traces: {endpoint: "https://collector.example.org", serviceName: shop-db, \
        attributes: [k8s.namespace.name=shop], headersFile: /etc/outrider/traces/headers, \
        timeout: 3s}
        log: {level: debug}
        """;

    // When
    ProxyConfig config = parse(yaml);

    // Then
    assertEquals(FULL, config);
  }

  @Test
  void bothListenersMayLeaveThePortOpen() {
    // When
    ProxyConfig config = parse("{listen: '127.0.0.1:0', primary: {listen: '127.0.0.1:0'}}");

    // Then
    assertEquals(new PrimaryConfig(config.listen()), config.primary());
  }

  @Test
  void whoGivesACertificateWantsItUsed() {
    assertEquals(TlsConfig.Mode.ALLOW, parse("tls: {certificate: /a, key: /b}").tls().mode());
  }

  @Test
  void everyKeyIsDescribed() {
    // Given
    Set<String> described = new LinkedHashSet<>();
    ProxyConfig.KEYS.forEach(key -> described.add(key.path()));

    // Then
    assertEquals(FULL.toTree().options().keySet(), described);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          lisen: a                              | proxy.yaml:1: lisen: is not a key here (known: access, cancelOnDisconnect, connectTimeout, drainFolder, drainTimeout, eventLoops, http, instance, keepAlive, listen, log, logConnections, maxConnections, metrics, primary, proxyProtocol, refusedUsers, startupTimeout, status, tls, traces, upstream)
          http: {port: 1}                       | proxy.yaml:1: http.port: is not a key here (known: listen)
          http: {listen: 1}                     | proxy.yaml:1: http.listen: "1" (expected: HOST:PORT, for example 127.0.0.1:5432 or [::1]:5432, with a port of 0 to 65535)
          http: [1]                             | proxy.yaml:1: http: is a list (expected: a mapping)
          http: x                               | proxy.yaml:1: http: is "x" (expected: a mapping)
          listen: {a: b}                        | proxy.yaml:1: listen: is a mapping (expected: one value)
          listen:                               | proxy.yaml:1: listen: is nothing (expected: one value)
          primary: {}                           | proxy.yaml:1: primary.listen: is missing
          primary: {listen: 1}                  | proxy.yaml:1: primary.listen: "1" (expected: HOST:PORT, for example 127.0.0.1:5432 or [::1]:5432, with a port of 0 to 65535)
          primary: {listen: '127.0.0.1:5432'}   | proxy.yaml:1: primary.listen: is 127.0.0.1:5432, and so is listen (expected: an address of its own)
          upstream: unix:relative               | proxy.yaml:1: upstream: "unix:relative" (expected: unix:/ABSOLUTE/PATH of at most 107 bytes, for example unix:/run/postgresql/.s.PGSQL.5433, or HOST:PORT)
          drainTimeout: 30                      | proxy.yaml:1: drainTimeout: "30" (expected: a whole number and a unit (ms, s, m, h), for example 30s)
          drainTimeout: 2h                      | proxy.yaml:1: drainTimeout: "2h" (expected: 0s to 1h)
          connectTimeout: 0                     | proxy.yaml:1: connectTimeout: "0s" (expected: 1ms to 1m)
          maxConnections: 0                     | proxy.yaml:1: maxConnections: "0" (expected: 1 to 100000)
          maxConnections: many                  | proxy.yaml:1: maxConnections: "many" (expected: a whole number)
          eventLoops: 257                       | proxy.yaml:1: eventLoops: "257" (expected: 0 to 256)
          log: {level: loud}                    | proxy.yaml:1: log.level: "loud" (expected: error, warn, info, debug or trace)
          metrics: {maxLabels: 3}               | proxy.yaml:1: metrics.maxLabels: "3" (expected: 4 to 200)
          traces: {serviceName: a}              | proxy.yaml:1: traces.endpoint: is missing
          traces: {endpoint: a}                 | proxy.yaml:1: traces.endpoint: "a" (expected: http:// or https://HOST[:PORT][/PATH], for example http://collector:4318)
          traces: {endpoint: 'grpc://a:4317'}   | proxy.yaml:1: traces.endpoint: "grpc://a:4317" (expected: http:// or https://HOST[:PORT][/PATH], for example http://collector:4318)
          traces: {endpoint: 'http://a:b@c'}    | proxy.yaml:1: traces.endpoint: "http://a:b@c" (expected: http:// or https://HOST[:PORT][/PATH], for example http://collector:4318)
          traces: {endpoint: 'http://a', attributes: 'b c=d'} | proxy.yaml:1: traces.attributes: "b c=d" (expected: NAME=VALUE, the name of letters, digits, . _ and -)
          traces: {endpoint: 'http://a', timeout: 2m} | proxy.yaml:1: traces.timeout: "2m" (expected: 100ms to 1m)
          traces: {endpoint: 'http://a', headersFile: b} | proxy.yaml:1: traces.headersFile: "b" (expected: an absolute path)
          metrics: {enabled: yes}               | proxy.yaml:1: metrics.enabled: "yes" (expected: true or false)
          drainFolder: here                     | proxy.yaml:1: drainFolder: "here" (expected: an absolute path)
          instance: here                        | proxy.yaml:1: instance: "here" (expected: an absolute path)
          status: {}                            | proxy.yaml:1: status.listen: is missing
          status: {listen: '0.0.0.0:1'}         | proxy.yaml:1: status.tls: is missing, but listen is 0.0.0.0:1 (expected: tls, or listen on loopback)
          status: {listen: '0.0.0.0:1', tls: {certificate: /a, key: b, clientCa: /c}} | proxy.yaml:1: status.tls.key: "b" (expected: an absolute path)
          tls: {mode: yes}                      | proxy.yaml:1: tls.mode: "yes" (expected: require, allow or disable)
          tls: {mode: allow}                    | proxy.yaml:1: tls.certificate: is missing, but mode is allow
          tls: {certificate: /a}                | proxy.yaml:1: tls.key: is missing, but mode is allow
          tls: {certificate: a, key: /b}        | proxy.yaml:1: tls.certificate: "a" (expected: an absolute path)
          tls: {clientCertificates: on}         | proxy.yaml:1: tls.clientCertificates: "on" (expected: off, verify-ca or verify-full)
          tls: {certificate: /a, key: /b, mode: require, clientCertificates: verify-ca} | proxy.yaml:1: tls.clientCa: is missing, but clientCertificates is verify-ca
          tls: {certificate: /a, key: /b, clientCa: /c, clientCertificates: verify-ca} | proxy.yaml:1: tls.clientCertificates: is verify-ca, but a session without TLS shows none, and mode is allow (expected: mode require)
          access: [{}]                          | proxy.yaml:1: access[0].action: is missing
          access: [{action: allow}, {action: let}] | proxy.yaml:1: access[1].action: "let" (expected: allow or reject)
          access: [{action: allow, from: [10.0.0.0/8, 10.0.0.1/8]}] | proxy.yaml:1: access[0].from[1]: "10.0.0.1/8" (expected: ADDRESS or ADDRESS/BITS, for example 10.0.0.0/8 or 2001:db8::/32, no bit set behind BITS)
          access: [{action: allow, from: db.example}] | proxy.yaml:1: access[0].from: "db.example" (expected: ADDRESS or ADDRESS/BITS, for example 10.0.0.0/8 or 2001:db8::/32, no bit set behind BITS)
          access: [{action: allow, from: 999.1.1.1}] | proxy.yaml:1: access[0].from: "999.1.1.1" (expected: ADDRESS or ADDRESS/BITS, for example 10.0.0.0/8 or 2001:db8::/32, no bit set behind BITS)
          access: [{action: allow, tls: yes}]   | proxy.yaml:1: access[0].tls: "yes" (expected: any, required or off)
          access: [{action: allow, user: x}]    | proxy.yaml:1: access[0].user: is not a key here (known: action, databases, from, tls, users)
          access: [allow]                       | proxy.yaml:1: access[0]: is no mapping
          access: {action: allow}               | proxy.yaml:1: access: is a mapping (expected: a list of mappings)
          access: allow                         | proxy.yaml:1: access: is "allow" (expected: a list)
          refusedUsers: [{}]                    | proxy.yaml:1: refusedUsers[0]: is no plain text
          refusedUsers: 'postgres,'             | proxy.yaml:1: refusedUsers: "" (expected: a name)
          proxyProtocol: {trusted: 10.0.0.0/33} | proxy.yaml:1: proxyProtocol.trusted: "10.0.0.0/33" (expected: ADDRESS or ADDRESS/BITS, for example 10.0.0.0/8 or 2001:db8::/32, no bit set behind BITS)
          cancelOnDisconnect: yes               | proxy.yaml:1: cancelOnDisconnect: "yes" (expected: true or false)
          startupTimeout: 0s                    | proxy.yaml:1: startupTimeout: "0s" (expected: 1s to 10m)
          keepAlive: {count: 0}                 | proxy.yaml:1: keepAlive.count: "0" (expected: 1 to 100)
          just text                             | proxy.yaml: the document is not a mapping of keys to values
          '{a: 1, a: 2}'                        | proxy.yaml:1: a: is there twice
          '{a: '                                | proxy.yaml:1: is not YAML: expected the node content, but found '<stream end>'
          '<<: {listen: 1.2.3.4:5}'             | proxy.yaml:1: <<: is not a key here (known: access, cancelOnDisconnect, connectTimeout, drainFolder, drainTimeout, eventLoops, http, instance, keepAlive, listen, log, logConnections, maxConnections, metrics, primary, proxyProtocol, refusedUsers, startupTimeout, status, tls, traces, upstream)
          """)
  void errorsNameFilePathValueAndWhatIsAllowed(String yaml, String message) {
    // When
    ConfigException error = assertThrows(ConfigException.class, () -> parse(yaml));

    // Then
    assertEquals(message, error.getMessage());
    assertEquals(0, error.getStackTrace().length);
  }

  @Test
  void anErrorNamesTheLine() {
    // Given
    String yaml =
        """
        listen: 0.0.0.0:5432
        log:
          level: loud
        """;

    // When
    ConfigException error = assertThrows(ConfigException.class, () -> parse(yaml));

    // Then
    assertEquals(
        "proxy.yaml:3: log.level: \"loud\" (expected: error, warn, info, debug or trace)",
        error.getMessage());
  }

  @Test
  void aListFitsIntoOneOption() {
    // Given
    String rules = "[{action: reject, users: [postgres]}, {action: allow, from: 10.0.0.0/8}]";

    // When
    ProxyConfig config =
        ProxyConfig.from(
            ConfigTree.empty()
                .with("refusedUsers", "postgres, agent", "--refused-users")
                .with("access", rules, "--access"));

    // Then
    assertEquals(List.of("postgres", "agent"), config.refusedUsers());
    assertEquals(List.of("postgres"), config.access().get(0).users());
    assertEquals(List.of(Network.parse("10.0.0.0/8")), config.access().get(1).from());
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.1.2, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "10.1.2.3, 10.1.2.3, true",
    "10.1.2.2/31, 10.1.2.3, true",
    "10.1.2.2/31, 10.1.2.4, false",
    "0.0.0.0/0, 1.2.3.4, true",
    "0.0.0.0/0, 2001:db8::1, false",
    "::/0, 2001:db8::1, true",
    "2001:db8::/33, 2001:db8:7fff::1, true",
    "2001:db8::/33, 2001:db8:8000::1, false",
    "10.0.0.0/8, ::ffff:10.1.1.1, true"
  })
  void aNetworkContainsItsAddresses(String network, String address, boolean contained)
      throws Exception {
    assertEquals(contained, Network.parse(network).contains(InetAddress.getByName(address)));
  }

  @Test
  void anOptionWinsOverTheFileAndIsNamedInItsError() {
    // Given
    ConfigTree file = ConfigTree.parse("proxy.yaml", "http: {listen: '1.2.3.4:5'}".getBytes(UTF_8));

    // When
    ProxyConfig config = ProxyConfig.from(file.with("http.listen", "[::1]:6", "--http-listen"));
    ConfigException error =
        assertThrows(
            ConfigException.class,
            () -> ProxyConfig.from(file.with("http.listen", "x", "--http-listen")));

    // Then
    assertEquals(new HostPort("::1", 6), config.http().listen());
    assertEquals("http.listen", error.path());
    assertEquals(
        0, String.valueOf(error.getMessage()).indexOf("--http-listen: http.listen: \"x\""));
  }

  @Test
  void aRecordChecksItselfWithoutAFile() {
    // When
    ConfigException error =
        assertThrows(
            ConfigException.class, () -> new StatusConfig(HostPort.parse("0.0.0.0:9201"), null));

    // Then
    assertEquals("tls", error.path());
  }

  @ParameterizedTest
  @ValueSource(strings = {"500ms", "0s", "30s", "90s", "5m", "1h", "25h"})
  void durationsAreWrittenAsTheyAreRead(String text) {
    assertEquals(text, DurationText.format(DurationText.parse(text)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "s", "-1s", "1 s", "1.5s", "1d", "1S", "9999999999s", "+1s"})
  void noOtherTextIsADuration(String text) {
    assertThrows(IllegalArgumentException.class, () -> DurationText.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1:0", "localhost:5432", "[::1]:65535", "db-1.shop.svc:5432"})
  void addressesAreWrittenAsTheyAreRead(String text) {
    assertEquals(text, HostPort.parse(text).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":1",
        "a",
        "a:",
        "a:65536",
        "a:-1",
        "::1:5",
        "[a]:1",
        "a b:1",
        "a:1x",
        "[]:1",
        "a:000001"
      })
  void noOtherTextIsAnAddress(String text) {
    assertThrows(IllegalArgumentException.class, () -> HostPort.parse(text));
  }

  @Test
  void anyTextSurvivesWritingAndReading() {
    // Given
    Random random = new Random(42);
    for (int round = 0; round < 2000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(20); i > 0; i--) {
        text.append((char) (random.nextBoolean() ? random.nextInt(128) : random.nextInt(0xd800)));
      }

      // When
      byte[] yaml = ConfigTree.empty().with("a.b", text.toString(), "").toYaml();

      // Then
      assertEquals(text.toString(), ConfigTree.parse("f", yaml).leaves().get("a.b"));
    }
  }

  @Test
  void damagedFilesGiveNothingButConfigExceptions() {
    // Given
    byte[] good = FULL.toYaml();
    Random random = new Random(42);
    for (int round = 0; round < 5000; round++) {
      byte[] bad = good.clone();
      for (int i = random.nextInt(4); i >= 0; i--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }

      // When
      try {
        ProxyConfig.from(ConfigTree.parse("f", bad));
      } catch (ConfigException e) {
        // Then
        assertEquals("f", String.valueOf(e.getMessage()).substring(0, 1));
      }
    }
  }
}
