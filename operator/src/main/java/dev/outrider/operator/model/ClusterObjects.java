package dev.outrider.operator.model;

import dev.outrider.agents.config.ConfigHash;
import dev.outrider.agents.config.HostPort;
import dev.outrider.agents.config.HttpConfig;
import dev.outrider.agents.config.PrimaryConfig;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.config.TlsConfig;
import dev.outrider.agents.config.TracesConfig;
import dev.outrider.agents.config.UpstreamAddress;
import dev.outrider.operator.api.DeletionPolicy;
import dev.outrider.operator.api.ServiceSpec;
import dev.outrider.operator.api.TracesSpec;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.EndpointsBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.ServicePortBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.apps.StatefulSetBuilder;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudgetBuilder;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.PolicyRuleBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBuilder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster is made of: every object that the operator applies, from spec and secrets alone.
 */
public final class ClusterObjects {
  public static final String VOLUME = "data";
  static final String TLS_FOLDER = "/etc/outrider/tls";
  static final String FOLDER = "/var/lib/outrider";

  /** On the volume that the proxy and PostgreSQL share: outrider-prestop looks here too. */
  static final Path DRAIN_FOLDER = Path.of("/run/postgresql/drain");

  /** Written by outrider-patroni on the same volume. */
  private static final Path INSTANCE_RECORD = Path.of("/run/postgresql/instance.json");

  static final int INSTANCES_LIMIT = 32;

  /** On a pod: the hash of all mounted configuration, so that the kubelet syncs it at once. */
  public static final String CONFIG_HASH = "outrider.dev/config-hash";

  /** On a pod: the hash of the part of its template that only a new pod can take on. */
  public static final String TEMPLATE_HASH = "outrider.dev/template-hash";

  /**
   * On the StatefulSet: the last spec that was found good, for as long as the present one is not.
   */
  public static final String APPLIED_SPEC = "outrider.dev/applied-spec";

  private final Names names;
  private final OwnerReference owner;
  private final Wanted wanted;
  private final Images images;
  private final Trust trust;
  private final @Nullable ServedTls served;
  private final boolean certificateRequested;

  /**
   * @param served what the proxies show their clients; null where there is no proxy
   * @param certificateRequested whether cert-manager has been asked for a Certificate that may
   *     still be there
   */
  public ClusterObjects(
      Names names,
      OwnerReference owner,
      Wanted wanted,
      Images images,
      Trust trust,
      @Nullable ServedTls served,
      boolean certificateRequested) {
    this.names = names;
    this.owner = owner;
    this.wanted = wanted;
    this.images = images;
    this.trust = trust;
    this.served = served;
    this.certificateRequested = certificateRequested;
  }

  static String dataFolder(int version) {
    return FOLDER + "/pgdata/" + version;
  }

  static String walFolder(int version) {
    return FOLDER + "/wal/" + version;
  }

  /**
   * Everything but the StatefulSet, in the order in which it is applied: what a pod needs comes
   * first.
   */
  public List<HasMetadata> surroundings() {
    return surroundings(null);
  }

  /**
   * The same for a cluster that has a database, maybe of an earlier life.
   *
   * @param systemIdentifier PostgreSQL's, or null: as long as Patroni sees it, an instance without
   *     data copies it from another and makes no database of its own
   */
  public List<HasMetadata> surroundings(@Nullable String systemIdentifier) {
    List<HasMetadata> objects = new ArrayList<>();
    objects.add(
        new ServiceAccountBuilder()
            .withMetadata(metadata(names.patroni()))
            .withAutomountServiceAccountToken(false)
            .build());
    objects.add(
        new RoleBuilder()
            .withMetadata(metadata(names.patroni()))
            .withRules(patroniRules())
            .build());
    objects.add(
        new RoleBindingBuilder()
            .withMetadata(metadata(names.patroni()))
            .withNewRoleRef("rbac.authorization.k8s.io", "Role", names.patroni())
            .addNewSubject(null, "ServiceAccount", names.patroni(), names.namespace())
            .build());
    objects.add(credentials());
    objects.add(tls());
    objects.add(app());
    objects.add(
        new ConfigMapBuilder()
            .withMetadata(metadata(names.patroni()))
            .withData(Map.of("patroni.yaml", PatroniConfiguration.local(names, wanted)))
            .build());
    if (wanted.proxy()) {
      objects.add(
          new ConfigMapBuilder()
              .withMetadata(metadata(names.proxy()))
              .withData(Map.of("proxy.yaml", new String(proxyYaml(), StandardCharsets.UTF_8)))
              .build());
    }
    objects.add(headless(names.patroniConfig(), Map.of()));
    objects.add(patroniConfig(systemIdentifier));
    // Kubernetes may delete Endpoints without a Service when its controllers start, which is just
    // when Patroni may have to elect: without this state, any replica could win.
    objects.add(headless(names.patroniSync(), Map.of()));
    objects.add(headless(names.pods(), names.patroniLabels()));
    objects.add(service(names.rw(), wanted.rw(), Map.of(), writers()));
    objects.add(service(names.ro(), wanted.ro(), selector(Names.REPLICA), "postgres"));
    objects.add(service(names.r(), wanted.r(), names.patroniLabels(), "postgres"));
    objects.add(
        new PodDisruptionBudgetBuilder()
            .withMetadata(metadata(names.cluster()))
            .withNewSpec()
            .withMaxUnavailable(new IntOrString(1))
            .withNewSelector()
            .withMatchLabels(names.patroniLabels())
            .endSelector()
            .endSpec()
            .build());
    return objects;
  }

  /** Names that certificates of instances are for. */
  public static List<String> certificateNames(Names names) {
    return List.of(
        "*." + names.pods() + "." + names.namespace() + ".svc",
        names.rw() + "." + names.namespace() + ".svc",
        names.ro() + "." + names.namespace() + ".svc",
        names.r() + "." + names.namespace() + ".svc");
  }

  /** The proxy's configuration file. */
  byte[] proxyYaml() {
    ProxyConfig defaults = ProxyConfig.DEFAULTS;
    return new ProxyConfig(
            new HostPort("0.0.0.0", 5432),
            new PrimaryConfig(new HostPort("0.0.0.0", PodTemplate.PRIMARY_PORT)),
            new UpstreamAddress.UnixSocket(Path.of("/run/postgresql/.s.PGSQL.5433")),
            INSTANCE_RECORD,
            clientTls(),
            refusedUsers(),
            defaults.access(),
            defaults.proxyProtocol(),
            new HttpConfig(new HostPort("0.0.0.0", 9101)),
            PodTemplate.status(),
            defaults.connectTimeout(),
            defaults.startupTimeout(),
            defaults.keepAlive(),
            // Not where commits wait for replicas: it would end the wait of a commit, and show a
            // row
            // that only the primary has.
            defaults.cancelOnDisconnect() && !wanted.replication().synchronous(),
            defaults.logConnections(),
            // Within the 20 s for which PostgreSQL waits for it (outrider-prestop).
            Duration.ofSeconds(15),
            DRAIN_FOLDER,
            defaults.maxConnections(),
            defaults.eventLoops(),
            defaults.metrics(),
            traces(),
            defaults.log())
        .toYaml();
  }

  private @Nullable TracesConfig traces() {
    TracesSpec traces = wanted.traces();
    return traces == null
        ? null
        : new TracesConfig(
            TracesConfig.endpoint(traces.endpoint()),
            Objects.requireNonNullElse(traces.serviceName(), TracesConfig.SERVICE),
            // The pod the proxy knows by itself.
            Map.of("k8s.namespace.name", names.namespace()),
            null,
            TracesConfig.TIMEOUT);
  }

  /**
   * The roles of Patroni. All that comes through the proxy is local to PostgreSQL, so that its own
   * rules about hosts cannot tell them from strangers.
   */
  private List<String> refusedUsers() {
    return wanted.superuserAccess()
        ? List.of(PatroniConfiguration.REPLICATION, PatroniConfiguration.REWIND)
        : List.of(
            PatroniConfiguration.SUPERUSER,
            PatroniConfiguration.REPLICATION,
            PatroniConfiguration.REWIND);
  }

  private TlsConfig clientTls() {
    if (served == null || wanted.tls().mode() == TlsConfig.Mode.DISABLE) {
      return TlsConfig.DISABLED;
    }
    Path folder = Path.of(TLS_FOLDER);
    TlsConfig.ClientCertificates demand = served.clientCertificates(wanted.tls());
    return new TlsConfig(
        wanted.tls().mode(),
        folder.resolve(ServedTls.CERTIFICATE),
        folder.resolve(ServedTls.KEY),
        demand == TlsConfig.ClientCertificates.OFF
            ? null
            : folder.resolve(ServedTls.CLIENT_AUTHORITY),
        demand);
  }

  /** By agent: the hash by which it names the configuration that it should have in force. */
  public Map<String, String> agentConfigHashes() {
    return wanted.proxy() ? Map.of(Names.PROXY_CONTAINER, ConfigHash.of(proxyYaml())) : Map.of();
  }

  /** The hash of everything that is mounted into a pod. */
  public String configHash() {
    StringBuilder all = new StringBuilder(PatroniConfiguration.local(names, wanted));
    all.append(trust.authority().certificate()).append(trust.instance().certificate());
    if (wanted.proxy()) {
      all.append(new String(proxyYaml(), StandardCharsets.UTF_8));
    }
    if (served != null) {
      all.append(served.certificate().chain()).append(served.clientAuthority());
    }
    return ConfigHash.of(all.toString().getBytes(StandardCharsets.UTF_8)).substring(0, 16);
  }

  /** The template of the pods. */
  public PodTemplateSpec podTemplate() {
    return new PodTemplate(names, wanted, images, configHash()).build();
  }

  /**
   * The StatefulSet.
   *
   * @param replicas how many pods now, which is not always what the spec says: see {@link Scaling}
   * @param existing as it is, for the fields that cannot be changed, or null
   * @param appliedSpec the spec as JSON, kept for the time when a newer one is bad
   */
  public StatefulSet statefulSet(int replicas, @Nullable StatefulSet existing, String appliedSpec) {
    List<PersistentVolumeClaim> claims =
        existing == null ? List.of(claim()) : existing.getSpec().getVolumeClaimTemplates();
    ObjectMeta metadata = metadata(names.cluster());
    metadata.setAnnotations(new TreeMap<>(Map.of(APPLIED_SPEC, appliedSpec)));
    return new StatefulSetBuilder()
        .withMetadata(metadata)
        .withNewSpec()
        .withReplicas(replicas)
        .withServiceName(names.pods())
        .withPodManagementPolicy("Parallel")
        .withNewUpdateStrategy()
        .withType("OnDelete")
        .endUpdateStrategy()
        .withNewSelector()
        .withMatchLabels(names.patroniLabels())
        .endSelector()
        .withTemplate(podTemplate())
        .withVolumeClaimTemplates(claims)
        // Claims go with the cluster, if they do (see claim()), not with a StatefulSet that
        // somebody
        // deletes and the operator puts back.
        .withNewPersistentVolumeClaimRetentionPolicy()
        .withWhenDeleted("Retain")
        .withWhenScaled("Retain")
        .endPersistentVolumeClaimRetentionPolicy()
        .endSpec()
        .build();
  }

  private PersistentVolumeClaim claim() {
    return new PersistentVolumeClaimBuilder()
        .withNewMetadata()
        .withName(VOLUME)
        .withLabels(names.labels())
        .endMetadata()
        .withNewSpec()
        .withAccessModes("ReadWriteOnce")
        .withStorageClassName(wanted.storageClass())
        .withNewResources()
        .addToRequests("storage", new Quantity(wanted.storageSize()))
        .endResources()
        .endSpec()
        .build();
  }

  /**
   * The part of an existing claim that the operator keeps: its size where the wanted one is larger,
   * and, with {@code deletionPolicy: Delete}, that it goes with the cluster.
   */
  public PersistentVolumeClaim kept(PersistentVolumeClaim claim) {
    Quantity now = claim.getSpec().getResources().getRequests().get("storage");
    Quantity size = new Quantity(wanted.storageSize());
    boolean larger =
        now == null
            || Quantity.getAmountInBytes(size).compareTo(Quantity.getAmountInBytes(now)) > 0;
    return new PersistentVolumeClaimBuilder()
        .withNewMetadata()
        .withName(claim.getMetadata().getName())
        .withNamespace(names.namespace())
        .withUid(claim.getMetadata().getUid())
        .withOwnerReferences(
            wanted.deletionPolicy() == DeletionPolicy.Delete ? List.of(owner) : List.of())
        .endMetadata()
        .withNewSpec()
        .withNewResources()
        .addToRequests("storage", larger ? size : now)
        .endResources()
        .endSpec()
        .build();
  }

  /**
   * Patroni's state of synchronous replication as it was last known, for the same case: should the
   * last primary not come, only a replica that has every acknowledged row may take its place.
   */
  public static Endpoints lastSynchronous(Names names, OwnerReference owner, LastKnown lastKnown) {
    Map<String, String> state = new TreeMap<>();
    state.put("leader", Objects.requireNonNull(lastKnown.primary()));
    if (lastKnown.synchronous() != null && !lastKnown.synchronous().isEmpty()) {
      state.put("sync_standby", lastKnown.synchronous());
    }
    return new EndpointsBuilder()
        .withNewMetadata()
        .withName(names.patroniSync())
        .withNamespace(names.namespace())
        .withLabels(names.patroniLabels())
        .withAnnotations(state)
        .withOwnerReferences(owner)
        .endMetadata()
        .build();
  }

  /**
   * The Secret with the authority's key and the seed. Beside the cluster it belongs to the claims,
   * so that it lives as long as the volumes that its passwords open.
   */
  public static Secret keys(
      Names names,
      OwnerReference owner,
      Trust trust,
      List<PersistentVolumeClaim> claims,
      LastKnown lastKnown) {
    return keys(names, List.of(owner), trust, claims, lastKnown);
  }

  /** The same Secret when the cluster is gone and its volumes stay. */
  public static Secret keysLeft(
      Names names, Trust trust, List<PersistentVolumeClaim> claims, LastKnown lastKnown) {
    return keys(names, List.of(), trust, claims, lastKnown);
  }

  private static Secret keys(
      Names names,
      List<OwnerReference> cluster,
      Trust trust,
      List<PersistentVolumeClaim> claims,
      LastKnown lastKnown) {
    List<OwnerReference> owners = new ArrayList<>(cluster);
    for (PersistentVolumeClaim claim : claims) {
      OwnerReference reference = new OwnerReference();
      reference.setApiVersion("v1");
      reference.setKind("PersistentVolumeClaim");
      reference.setName(claim.getMetadata().getName());
      reference.setUid(claim.getMetadata().getUid());
      owners.add(reference);
    }
    return new SecretBuilder()
        .withNewMetadata()
        .withName(names.keys())
        .withNamespace(names.namespace())
        .withLabels(names.labels())
        .withAnnotations(lastKnown.annotations())
        .withOwnerReferences(owners)
        .endMetadata()
        .withType("Opaque")
        .withData(
            encoded(
                Map.of(
                    "ca.crt", trust.authority().certificate(),
                    "ca.key", trust.authority().key(),
                    "seed", trust.seed().text())))
        .build();
  }

  /** Endpoints with the dynamic configuration, which Patroni finds there before its first start. */
  private HasMetadata patroniConfig(@Nullable String systemIdentifier) {
    ObjectMeta metadata = metadata(names.patroniConfig());
    metadata.getLabels().putAll(names.patroniLabels());
    metadata.setAnnotations(new TreeMap<>(Map.of("config", PatroniConfiguration.dynamic(wanted))));
    if (systemIdentifier != null) {
      metadata.getAnnotations().put("initialize", systemIdentifier);
    }
    return new EndpointsBuilder().withMetadata(metadata).build();
  }

  private Secret credentials() {
    return new SecretBuilder()
        .withMetadata(metadata(names.credentials()))
        .withType("Opaque")
        .withData(
            encoded(
                Map.of(
                    "superuser-password", trust.superuserPassword(),
                    "replication-password", trust.replicationPassword(),
                    "rewind-password", trust.rewindPassword(),
                    "restapi-password", trust.restApiPassword(),
                    // Should the Secret with the keys be deleted, the passwords must not change.
                    "seed", trust.seed().text())))
        .build();
  }

  /**
   * What instances show each other and, under other keys, what the proxies show clients. One Secret
   * for both, mounted whole: another source of the latter changes no pod.
   */
  private Secret tls() {
    ObjectMeta metadata = metadata(names.tls());
    Map<String, String> data = new TreeMap<>();
    data.put("ca.crt", trust.authority().certificate());
    data.put("tls.crt", trust.instance().certificate());
    data.put("tls.key", trust.instance().key());
    Map<String, String> annotations = new TreeMap<>();
    if (certificateRequested) {
      annotations.put(ServedTls.REQUESTED, names.certificate());
    }
    if (served != null) {
      annotations.put(ServedTls.SOURCE, served.source());
      data.put(ServedTls.CERTIFICATE, served.certificate().chain());
      data.put(ServedTls.KEY, served.certificate().key());
      put(data, ServedTls.AUTHORITY, served.certificate().authority());
      if (served.clientAuthority() != null) {
        annotations.put(ServedTls.VERIFIES_CLIENTS, "true");
      }
      data.put(
          ServedTls.CLIENT_AUTHORITY,
          Objects.requireNonNullElse(served.clientAuthority(), trust.authority().certificate()));
    }
    if (!annotations.isEmpty()) {
      metadata.setAnnotations(annotations);
    }
    return new SecretBuilder()
        .withMetadata(metadata)
        .withType("kubernetes.io/tls")
        .withData(encoded(data))
        .build();
  }

  private static void put(Map<String, String> data, String key, @Nullable String value) {
    if (value != null) {
      data.put(key, value);
    }
  }

  private Secret app() {
    Wanted.Initdb initdb = wanted.initdb();
    String host = names.rw() + "." + names.namespace() + ".svc";
    String password = trust.applicationPassword();
    // No more than must be: with allow, drivers encrypt by themselves, and one that takes any
    // sslmode as a demand to verify goes on without.
    boolean required = served != null && wanted.tls().mode() == TlsConfig.Mode.REQUIRE;
    Map<String, String> data = new TreeMap<>();
    data.put("host", host);
    data.put("port", "5432");
    data.put("dbname", initdb.database());
    data.put("username", initdb.owner());
    data.put("password", password);
    data.put(
        "uri",
        "postgresql://"
            + initdb.owner()
            + ":"
            + password
            + "@"
            + host
            + ":5432/"
            + initdb.database()
            + (required ? "?sslmode=require" : ""));
    data.put(
        "jdbc-uri",
        "jdbc:postgresql://"
            + host
            + ":5432/"
            + initdb.database()
            + "?user="
            + initdb.owner()
            + "&password="
            + password
            + (required ? "&sslmode=require" : ""));
    put(
        data,
        "ca.crt",
        served == null ? trust.authority().certificate() : served.certificate().authority());
    return new SecretBuilder()
        .withMetadata(metadata(names.app()))
        .withType("Opaque")
        .withData(encoded(data))
        .build();
  }

  private static Map<String, String> encoded(Map<String, String> data) {
    Map<String, String> encoded = new TreeMap<>();
    data.forEach(
        (key, value) ->
            encoded.put(
                key, Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8))));
    return encoded;
  }

  private Map<String, String> selector(String role) {
    Map<String, String> selector = names.patroniLabels();
    selector.put(Names.ROLE_LABEL, role);
    return selector;
  }

  /**
   * The port of the primary's Service, as Patroni enters it into the Endpoints too: where the proxy
   * lets nobody in on a standby, since routes may lead to the primary of before, and lead to a new
   * one before its promotion is over.
   */
  private String writers() {
    return wanted.proxy() ? "primary" : "postgres";
  }

  /** Where clients connect, by the name that each pod gives its own port. */
  private static ServicePort clients(String port) {
    return new ServicePortBuilder()
        .withName("postgres")
        .withPort(5432)
        .withTargetPort(new IntOrString(port))
        .withProtocol("TCP")
        .build();
  }

  private Service headless(String name, Map<String, String> selector) {
    return new ServiceBuilder()
        .withMetadata(metadata(name))
        .withNewSpec()
        .withClusterIP("None")
        // Instances talk to each other before they are ready.
        .withPublishNotReadyAddresses(true)
        .withSelector(selector.isEmpty() ? null : selector)
        .withPorts(clients("postgres"))
        .endSpec()
        .build();
  }

  private Service service(
      String name, ServiceSpec spec, Map<String, String> selector, String port) {
    ObjectMeta metadata = metadata(name);
    if (spec.labels() != null) {
      spec.labels().forEach(metadata.getLabels()::putIfAbsent);
    }
    if (spec.annotations() != null) {
      metadata.setAnnotations(new TreeMap<>(spec.annotations()));
    }
    return new ServiceBuilder()
        .withMetadata(metadata)
        .withNewSpec()
        .withType(spec.type() == null ? "ClusterIP" : spec.type().name())
        .withLoadBalancerSourceRanges(spec.loadBalancerSourceRanges())
        .withSelector(selector.isEmpty() ? null : selector)
        .withPorts(clients(port))
        .endSpec()
        .build();
  }

  /**
   * What Patroni may do: see and change the Endpoints and pods of its own cluster. Listing and
   * creating cannot be limited to names (Kubernetes documentation, "Referring to resources").
   */
  private List<PolicyRule> patroniRules() {
    List<String> endpoints =
        List.of(names.scope(), names.patroniConfig(), names.patroniFailover(), names.patroniSync());
    List<String> pods = IntStream.range(0, INSTANCES_LIMIT).mapToObj(names::pod).toList();
    return List.of(
        new PolicyRuleBuilder()
            .withApiGroups("")
            .withResources("endpoints")
            .withVerbs("list", "watch", "create")
            .build(),
        // Where addresses of pods in Endpoints are restricted (OpenShift).
        new PolicyRuleBuilder()
            .withApiGroups("")
            .withResources("endpoints/restricted")
            .withVerbs("create")
            .build(),
        new PolicyRuleBuilder()
            .withApiGroups("")
            .withResources("endpoints")
            .withResourceNames(endpoints)
            .withVerbs("get", "patch", "update", "delete")
            .build(),
        new PolicyRuleBuilder()
            .withApiGroups("")
            .withResources("pods")
            .withVerbs("list", "watch")
            .build(),
        new PolicyRuleBuilder()
            .withApiGroups("")
            .withResources("pods")
            .withResourceNames(pods)
            .withVerbs("get", "patch", "update")
            .build());
  }

  private ObjectMeta metadata(String name) {
    return new ObjectMetaBuilder()
        .withName(name)
        .withNamespace(names.namespace())
        .withLabels(names.labels())
        .withOwnerReferences(owner)
        .build();
  }
}
