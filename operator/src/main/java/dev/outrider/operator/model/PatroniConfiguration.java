package dev.outrider.operator.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.outrider.operator.api.ReplicationSpec;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Patroni's configuration: the local file, and the dynamic configuration that all instances share
 * (Patroni documentation, "YAML Configuration Settings" and "Dynamic Configuration Settings").
 *
 * <p>What may change while the cluster lives is dynamic: Patroni brings it to every instance in the
 * right order, also where standbys must not have less than the primary.
 */
public final class PatroniConfiguration {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  /** How long a leader lock lives without being renewed, seconds. */
  static final int TTL = 20;

  /** A replica that is further behind, in bytes, does not become primary. */
  static final long MAXIMUM_LAG = Bytes.MIB;

  /** The roles that Patroni logs in with. */
  static final String SUPERUSER = "postgres";

  static final String REPLICATION = "replicator";
  static final String REWIND = "rewind";

  private PatroniConfiguration() {}

  /**
   * The dynamic configuration, JSON. The lock lives 20 s and is renewed every 2 s; an API server
   * that does not answer is tried again for 9 s, since 2 + 2 × 9 must fit into 20.
   */
  public static String dynamic(Wanted wanted) {
    Map<String, String> parameters = new TreeMap<>(wanted.parameters());
    // Local: where they are is a matter of the container, not of the cluster.
    parameters.remove("unix_socket_directories");
    Map<String, Object> c = new TreeMap<>();
    c.put("ttl", TTL);
    c.put("loop_wait", 2);
    c.put("retry_timeout", 9);
    c.put("maximum_lag_on_failover", MAXIMUM_LAG);
    // An API server that hiccups must not demote a primary that all its replicas can see.
    c.put("failsafe_mode", true);
    // The slot of a replica that is away is kept for a while, so that a restart of a node ends in
    // no new copy.
    c.put("member_slots_ttl", "30min");
    Wanted.Replication replication = wanted.replication();
    if (replication.synchronous()) {
      c.put("synchronous_mode", true);
      c.put("synchronous_mode_strict", replication.mode() == ReplicationSpec.Mode.STRICT_SYNC);
      c.put("synchronous_node_count", replication.syncInstances());
    }
    c.put(
        "postgresql",
        Map.of(
            "use_pg_rewind",
            true,
            "use_slots",
            true,
            "remove_data_directory_on_rewind_failure",
            true,
            "remove_data_directory_on_diverged_timelines",
            true,
            "parameters",
            parameters));
    return json(c);
  }

  /** The local file. Passwords and what differs from pod to pod come by environment. */
  public static String local(Names names, Wanted wanted) {
    Map<String, Object> c = new TreeMap<>();
    c.put("scope", names.scope());
    c.put(
        "kubernetes",
        Map.of(
            "use_endpoints",
            true,
            "labels",
            Map.of(Names.CLUSTER_LABEL, names.cluster()),
            "scope_label",
            Names.SCOPE_LABEL,
            "role_label",
            Names.ROLE_LABEL));
    // One line at each turn of a healthy cluster tells nobody anything.
    c.put("log", Map.of("level", "INFO", "deduplicate_heartbeat_logs", true));
    c.put(
        "restapi",
        Map.of(
            "listen",
            "*:8008",
            "certfile",
            ClusterObjects.TLS_FOLDER + "/tls.crt",
            "keyfile",
            ClusterObjects.TLS_FOLDER + "/tls.key",
            "cafile",
            ClusterObjects.TLS_FOLDER + "/ca.crt",
            // Probes of the kubelet have no certificate; whatever changes something needs one.
            "verify_client",
            "optional"));
    c.put(
        "ctl",
        Map.of(
            // Instances are reached by address: the certificate proves that the peer belongs to
            // this cluster, its name is not looked at.
            "insecure",
            true,
            "certfile",
            ClusterObjects.TLS_FOLDER + "/tls.crt",
            "keyfile",
            ClusterObjects.TLS_FOLDER + "/tls.key",
            "cacert",
            ClusterObjects.TLS_FOLDER + "/ca.crt"));
    c.put("bootstrap", bootstrap(wanted));
    c.put("postgresql", postgresql(wanted));
    if (wanted.maximumReadLag() != null) {
      // Not Patroni's: for the readiness of a replica, which its launcher in the image answers.
      c.put("outrider", Map.of("maximum_read_lag", wanted.maximumReadLag()));
    }
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(c) + "\n";
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Object> bootstrap(Wanted wanted) {
    Wanted.Initdb initdb = wanted.initdb();
    List<Object> options = new ArrayList<>();
    options.add("data-checksums");
    options.add(Map.of("encoding", initdb.encoding()));
    options.add(Map.of("locale-provider", initdb.localeProvider()));
    switch (initdb.localeProvider()) {
      case "builtin" -> {
        options.add(Map.of("builtin-locale", initdb.locale()));
        // Messages, numbers and money stay in the C library's hands, where C cannot change.
        options.add(Map.of("locale", initdb.encoding().equalsIgnoreCase("UTF8") ? "C.UTF-8" : "C"));
      }
      case "icu" -> {
        options.add(Map.of("icu-locale", initdb.locale()));
        options.add(Map.of("locale", "C.UTF-8"));
      }
      default -> options.add(Map.of("locale", initdb.locale()));
    }
    options.add(Map.of("waldir", ClusterObjects.walFolder(wanted.version())));
    return Map.of("initdb", options, "post_bootstrap", "/usr/local/bin/outrider-post-bootstrap");
  }

  private static Map<String, Object> postgresql(Wanted wanted) {
    Map<String, Object> p = new TreeMap<>();
    p.put("listen", "*:5433");
    p.put("data_dir", ClusterObjects.dataFolder(wanted.version()));
    p.put("bin_dir", "/usr/lib/postgresql/" + wanted.version() + "/bin");
    // It has the patience that Patroni's own pause of a second lacks.
    p.put("bin_name", Map.of("pg_isready", "/usr/local/bin/outrider-pg-isready"));
    p.put("pgpass", "/tmp/pgpass");
    p.put("use_unix_socket", true);
    p.put("use_unix_socket_repl", true);
    p.put(
        "parameters",
        Map.of("unix_socket_directories", wanted.parameters().get("unix_socket_directories")));
    p.put(
        "authentication",
        Map.of(
            "superuser",
            Map.of("username", SUPERUSER),
            "replication",
            withTls(REPLICATION),
            "rewind",
            withTls(REWIND)));
    p.put("create_replica_methods", List.of("basebackup"));
    p.put(
        "basebackup",
        List.of(
            Map.of("waldir", ClusterObjects.walFolder(wanted.version())),
            // Waiting for the next checkpoint could take a quarter of an hour.
            Map.of("checkpoint", "fast")));
    p.put("pg_hba", hba(wanted));
    return p;
  }

  private static Map<String, String> withTls(String user) {
    return Map.of(
        "username",
        user,
        "sslmode",
        "verify-ca",
        "sslrootcert",
        ClusterObjects.TLS_FOLDER + "/ca.crt",
        "sslcert",
        ClusterObjects.TLS_FOLDER + "/tls.crt",
        "sslkey",
        ClusterObjects.TLS_FOLDER + "/tls.key");
  }

  /**
   * Who may log in. Everybody on the socket is a stranger, since the proxy brings remote clients
   * there: SCRAM for all, no trust, no peer. TCP is for instances of this cluster, which show a
   * certificate of its authority beside the password.
   */
  private static List<String> hba(Wanted wanted) {
    List<String> lines = new ArrayList<>();
    lines.add("local all all scram-sha-256");
    lines.add("local replication all scram-sha-256");
    lines.add("hostssl replication replicator all scram-sha-256 clientcert=verify-ca");
    lines.add("hostssl postgres replicator all scram-sha-256 clientcert=verify-ca");
    lines.add("hostssl postgres rewind all scram-sha-256 clientcert=verify-ca");
    if (!wanted.proxy()) {
      // "all" does not mean replication connections.
      lines.add("host all,replication postgres,replicator,rewind all reject");
      lines.add("host all all all scram-sha-256");
      lines.add("host replication all all scram-sha-256");
    }
    return lines;
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
