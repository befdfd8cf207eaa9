package dev.outrider.metrics.proxy.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.protocol.frontend.StartupMessage;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AccessRulesTest {
  private static final String LONG = "a".repeat(63);

  private static AccessRules rules(String refused, String access) {
    ProxyConfig config =
        ProxyConfig.from(
            ConfigTree.empty()
                .with("refusedUsers", refused, "test")
                .with("access", access, "test"));
    return new AccessRules(config.refusedUsers(), config.access());
  }

  private static String decide(
      AccessRules rules,
      String from,
      String user,
      @Nullable String database,
      @Nullable String replication,
      boolean encrypted)
      throws Exception {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("user", user);
    if (database != null) {
      parameters.put("database", database);
    }
    if (replication != null) {
      parameters.put("replication", replication);
    }
    AccessRules.Denial denial =
        rules.denial(
            new StartupMessage(StartupMessage.PROTOCOL_3_0, parameters),
            user,
            InetAddress.getByName(from),
            encrypted);
    return denial == null ? "-" : denial.error().fields().message();
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      textBlock =
          """
          10.0.0.1,    shop,  shop, -,        true,  -
          10.0.0.1,    shop,  -,    -,        true,  -
          10.0.0.1,    shop,  shop, -,        false, 'the proxy has no access rule for connection from host "10.0.0.1", user "shop", database "shop", no encryption'
          10.0.0.1,    shop,  else, -,        true,  'the proxy has no access rule for connection from host "10.0.0.1", user "shop", database "else", TLS'
          10.9.0.1,    shop,  shop, -,        true,  'the proxy''s access rules reject connection from host "10.9.0.1", user "shop", database "shop", TLS'
          10.9.0.1,    admin, shop, -,        false, -
          192.168.0.1, shop,  shop, -,        true,  'the proxy has no access rule for connection from host "192.168.0.1", user "shop", database "shop", TLS'
          2001:db8::7, shop,  x,    -,        false, -
          10.0.0.2,    copy,  -,    true,     false, -
          10.0.0.2,    copy,  shop, database, false, 'the proxy has no access rule for connection from host "10.0.0.2", user "copy", database "shop", no encryption'
          10.0.0.2,    copy,  replication, -, false, 'the proxy has no access rule for connection from host "10.0.0.2", user "copy", database "replication", no encryption'
          10.0.0.1,    shop,  shop, on,       true,  'the proxy has no access rule for replication connection from host "10.0.0.1", user "shop", TLS'
          """)
  void theFirstRuleThatMatchesDecides(
      String from,
      String user,
      @Nullable String database,
      @Nullable String replication,
      boolean encrypted,
      @Nullable String error)
      throws Exception {
    // Given
    AccessRules rules =
        rules(
            "postgres",
            """
            [{action: allow, users: [admin]},
             {action: reject, from: [10.9.0.0/16]},
             {action: allow, from: [10.0.0.0/8], databases: [shop], tls: required},
             {action: allow, from: ['2001:db8::/32'], tls: off},
             {action: allow, databases: [replication], users: [copy]}]
            """);

    // Then
    assertEquals(
        error == null ? "-" : error, decide(rules, from, user, database, replication, encrypted));
  }

  @ParameterizedTest
  @CsvSource({"postgres,true", "postgre,false", "Postgres,false", "postgres2,false"})
  void usersAreRefusedByTheirNameAndNoOther(String user, boolean refused) throws Exception {
    // Given
    AccessRules rules = rules("agent,postgres", "[]");

    // Then
    assertEquals(
        refused ? "role \"postgres\" is not permitted to log in through the proxy" : "-",
        decide(rules, "10.0.0.1", user, null, null, true));
  }

  @ParameterizedTest
  @CsvSource({"'',true", "x,true", "yz,true"})
  void postgresCutsNamesOffAndSoDoTheRules(String tail, boolean refused) throws Exception {
    // Given
    AccessRules rules = rules(LONG, "[]");

    // Then
    assertEquals(refused, !decide(rules, "10.0.0.1", LONG + tail, null, null, true).equals("-"));
  }
}
