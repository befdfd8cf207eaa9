package dev.outrider.agents.config;

import java.net.InetAddress;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Lets sessions in or keeps them out, as a {@code host} line of pg_hba.conf does. The first rule
 * that matches decides. See <a
 * href="https://www.postgresql.org/docs/18/auth-pg-hba-conf.html">pg_hba.conf</a>.
 *
 * @param action what it does with those that match
 * @param from the addresses of clients; empty: all
 * @param databases names of databases; {@code replication} matches physical replication, which
 *     nothing else matches; empty: all databases
 * @param users names of users; empty: all
 * @param tls whether the session must, or must not, be encrypted to match
 */
public record AccessRule(
    Action action, List<Network> from, List<String> databases, List<String> users, Tls tls) {
  /** What {@code databases} calls physical replication. */
  public static final String REPLICATION = "replication";

  /** What a rule does. */
  public enum Action {
    /** Lets in; Postgres's own login comes next. */
    ALLOW,
    /** Keeps out. */
    REJECT;

    /** As in configuration: lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The encryption of the sessions that match. */
  public enum Tls {
    /** With or without. */
    ANY,
    /** Only with. */
    REQUIRED,
    /** Only without. */
    OFF;

    /** As in configuration: lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Takes copies. */
  public AccessRule {
    from = List.copyOf(from);
    databases = List.copyOf(databases);
    users = List.copyOf(users);
  }

  /**
   * Whether it is for this session.
   *
   * @param address the client's
   * @param user whose session it is to be
   * @param database its database, {@link #REPLICATION} for physical replication
   * @param replication whether it is physical replication
   * @param encrypted whether it has TLS
   */
  public boolean matches(
      InetAddress address, String user, String database, boolean replication, boolean encrypted) {
    boolean encryption =
        switch (tls) {
          case ANY -> true;
          case REQUIRED -> encrypted;
          case OFF -> !encrypted;
        };
    boolean where =
        replication
            ? databases.contains(REPLICATION)
            // The word is not the name of a database, even where one is called so.
            : databases.isEmpty()
                || (databases.contains(database) && !database.equals(REPLICATION));
    return encryption
        && where
        && (users.isEmpty() || users.contains(user))
        && (from.isEmpty() || from.stream().anyMatch(network -> network.contains(address)));
  }

  static AccessRule from(ConfigSection section) {
    return new AccessRule(
        section.required("action", oneOf(Action.values(), "allow or reject")),
        section.values("from", List.of(), Network::parse),
        section.values("databases", List.of(), AccessRule::name),
        section.values("users", List.of(), AccessRule::name),
        section.value("tls", Tls.ANY, oneOf(Tls.values(), "any, required or off")));
  }

  static String name(String text) {
    if (text.isEmpty()) {
      throw new IllegalArgumentException("a name");
    }
    return text;
  }

  private static <E extends Enum<E>> Function<String, E> oneOf(E[] all, String allowed) {
    return text -> {
      for (E one : all) {
        if (one.toString().equals(text)) {
          return one;
        }
      }
      throw new IllegalArgumentException(allowed);
    };
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder()
        .put("action", action.toString())
        .put("from", from.stream().map(Network::toString).toList())
        .put("databases", databases)
        .put("users", users)
        .put("tls", tls.toString());
  }
}
