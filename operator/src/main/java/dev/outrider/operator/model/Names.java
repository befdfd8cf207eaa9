package dev.outrider.operator.model;

import java.util.Map;
import java.util.TreeMap;

/**
 * The names of everything that belongs to one cluster.
 *
 * @param namespace its namespace
 * @param cluster its name, at most 50 characters
 */
public record Names(String namespace, String cluster) {
  public static final String CLUSTER_LABEL = "outrider.dev/cluster";
  public static final String ROLE_LABEL = "outrider.dev/role";

  /** Patroni's scope stands here, which is the name of the Service of the primary. */
  public static final String SCOPE_LABEL = "outrider.dev/patroni-scope";

  public static final String PRIMARY = "primary";
  public static final String REPLICA = "replica";

  /** Container, database role and port names that several objects share. */
  public static final String POSTGRES_CONTAINER = "postgres";

  public static final String PROXY_CONTAINER = "proxy";

  /**
   * The Service of the primary. It has no selector: Patroni keeps its leader lock in the Endpoints
   * of this name and writes the address of the leader in the same update, so that no client is sent
   * to an instance that does not hold the lock.
   */
  public String rw() {
    return cluster + "-rw";
  }

  /** Patroni's scope. */
  public String scope() {
    return rw();
  }

  public String ro() {
    return cluster + "-ro";
  }

  public String r() {
    return cluster + "-r";
  }

  /** The headless Service that gives each pod a name. */
  public String pods() {
    return cluster + "-pods";
  }

  /** Endpoints with Patroni's dynamic configuration, and the Service that keeps them alive. */
  public String patroniConfig() {
    return scope() + "-config";
  }

  /** Endpoints in which Patroni is asked for a switchover. */
  public String patroniFailover() {
    return scope() + "-failover";
  }

  /**
   * Endpoints in which Patroni keeps who is synchronous, and the Service that keeps them alive: who
   * deletes them makes every replica one that may become primary.
   */
  public String patroniSync() {
    return scope() + "-sync";
  }

  /** ConfigMap with Patroni's local configuration. */
  public String patroni() {
    return cluster + "-patroni";
  }

  /** ConfigMap with the proxy's configuration. */
  public String proxy() {
    return cluster + "-proxy";
  }

  /** Secret for applications. */
  public String app() {
    return cluster + "-app";
  }

  /** Secret with the passwords of the roles that Patroni uses. */
  public String credentials() {
    return cluster + "-credentials";
  }

  /** Secret with the certificate authority's key and the seed of all passwords. */
  public String keys() {
    return cluster + "-keys";
  }

  /** Secret with the certificate that instances show each other. */
  public String tls() {
    return cluster + "-tls";
  }

  /** The Certificate that cert-manager is asked for, and the Secret that it writes. */
  public String certificate() {
    return cluster + "-certificate";
  }

  public String pod(int ordinal) {
    return cluster + "-" + ordinal;
  }

  /** The claim of an instance's volume. */
  public String claim(int ordinal) {
    return ClusterObjects.VOLUME + "-" + pod(ordinal);
  }

  /** The ordinal in a pod's or claim's name, or -1 where there is none. */
  public static int ordinal(String name) {
    int dash = name.lastIndexOf('-');
    String digits = name.substring(dash + 1);
    return dash < 0 || !digits.matches("[0-9]{1,9}") ? -1 : Integer.parseInt(digits);
  }

  /** Labels of every object of the cluster. */
  public Map<String, String> labels() {
    Map<String, String> labels = new TreeMap<>();
    labels.put("app.kubernetes.io/managed-by", "outrider");
    labels.put("app.kubernetes.io/name", "postgresql");
    labels.put("app.kubernetes.io/instance", cluster);
    labels.put(CLUSTER_LABEL, cluster);
    return labels;
  }

  /** Labels by which Patroni finds its pods and Endpoints. */
  public Map<String, String> patroniLabels() {
    Map<String, String> labels = new TreeMap<>();
    labels.put(CLUSTER_LABEL, cluster);
    labels.put(SCOPE_LABEL, scope());
    return labels;
  }

  /** Selects the pods, as text. */
  public String selector() {
    return CLUSTER_LABEL + "=" + cluster + "," + SCOPE_LABEL + "=" + scope();
  }
}
