package dev.outrider.metrics.proxy.session;

import dev.outrider.agents.config.AccessRule;
import dev.outrider.metrics.proxy.ProxyMetrics.Refusal;
import dev.outrider.protocol.SqlState;
import dev.outrider.protocol.backend.ErrorResponse;
import dev.outrider.protocol.frontend.StartupMessage;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who is let in. Postgres sees only its socket, so the lines of its pg_hba.conf about hosts are for
 * the proxy.
 *
 * @param refusedUsers users that are never let in
 * @param rules the first that matches decides, without one nobody is let in; empty: everybody is
 */
record AccessRules(List<String> refusedUsers, List<AccessRule> rules) {
  // NAMEDATALEN - 1: Postgres cuts longer names off (process_startup_packet), so they are others'.
  private static final int NAME_BYTES = 63;

  /** Why somebody is not let in. */
  record Denial(Refusal reason, ErrorResponse error) {
    private Denial(Refusal reason, String message) {
      this(reason, new ErrorResponse(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, message));
    }
  }

  /**
   * Decides on a session.
   *
   * @param user the user that the message names
   * @return null if it may begin
   */
  @Nullable Denial denial(
      StartupMessage message, String user, InetAddress address, boolean encrypted) {
    for (String refused : refusedUsers) {
      if (isSame(refused, user)) {
        return new Denial(
            Refusal.USER, "role \"" + refused + "\" is not permitted to log in through the proxy");
      }
    }
    if (rules.isEmpty()) {
      return null;
    }
    boolean replication = message.replication() == StartupMessage.Replication.PHYSICAL;
    String database = String.valueOf(message.database());
    for (AccessRule rule : rules) {
      if (rule.matches(address, cut(user), cut(database), replication, encrypted)) {
        return switch (rule.action()) {
          case ALLOW -> null;
          case REJECT ->
              denial("the proxy's access rules reject", message, user, address, encrypted);
        };
      }
    }
    return denial("the proxy has no access rule for", message, user, address, encrypted);
  }

  private static Denial denial(
      String what, StartupMessage message, String user, InetAddress address, boolean encrypted) {
    boolean replication = message.replication() == StartupMessage.Replication.PHYSICAL;
    return new Denial(
        Refusal.ACCESS,
        what
            + (replication ? " replication" : "")
            + " connection from host \""
            + address.getHostAddress()
            + "\", user \""
            + user
            + (replication ? "" : "\", database \"" + message.database())
            + "\", "
            + (encrypted ? "TLS" : "no encryption"));
  }

  private static boolean isSame(String refused, String user) {
    return refused.equals(user) || cut(refused).equals(cut(user));
  }

  private static String cut(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    return bytes.length <= NAME_BYTES
        ? name
        : new String(Arrays.copyOf(bytes, NAME_BYTES), StandardCharsets.UTF_8);
  }
}
