package dev.outrider.operator.model;

import dev.outrider.agents.config.TlsConfig;
import dev.outrider.operator.api.BootstrapSpec;
import dev.outrider.operator.api.DeletionPolicy;
import dev.outrider.operator.api.InitdbSpec;
import dev.outrider.operator.api.IssuerReference;
import dev.outrider.operator.api.PodSpec;
import dev.outrider.operator.api.PostgresClusterSpec;
import dev.outrider.operator.api.PostgresSpec;
import dev.outrider.operator.api.ProxySpec;
import dev.outrider.operator.api.ReadServiceSpec;
import dev.outrider.operator.api.RecoverySpec;
import dev.outrider.operator.api.ReplicationSpec;
import dev.outrider.operator.api.SecretReference;
import dev.outrider.operator.api.ServiceSpec;
import dev.outrider.operator.api.ServicesSpec;
import dev.outrider.operator.api.TlsSpec;
import dev.outrider.operator.api.TracesSpec;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A spec with every default resolved.
 *
 * @param parameters PostgreSQL's parameters: tuned, then the user's, then Outrider's own
 * @param postgresResources of the container, ours where the spec has none
 * @param superuserAccess whether the proxy lets {@code postgres} in
 * @param traces where the proxy sends spans; null for nowhere
 * @param maximumReadLag bytes of WAL that a replica may have left to replay and still get clients;
 *     null for any amount
 * @param newVolumeAfter a duration, or {@link #NEVER}
 * @param initdb never null inside, but for {@code locale} of a provider that has its own default
 */
public record Wanted(
    int instances,
    int version,
    String storageSize,
    @Nullable String storageClass,
    Map<String, String> parameters,
    ResourceRequirements postgresResources,
    ResourceRequirements proxyResources,
    boolean proxy,
    boolean superuserAccess,
    Tls tls,
    @Nullable TracesSpec traces,
    Replication replication,
    ServiceSpec rw,
    ServiceSpec ro,
    ServiceSpec r,
    @Nullable Long maximumReadLag,
    Initdb initdb,
    DeletionPolicy deletionPolicy,
    String newVolumeAfter,
    PodSpec pod) {

  public static final int DEFAULT_VERSION = 18;

  /** As {@code newVolumeAfter}: an instance waits for its node for as long as it takes. */
  static final String NEVER = "never";

  private static final String DEFAULT_NEW_VOLUME_AFTER = "10m";

  /** The API group of cert-manager. */
  static final String CERT_MANAGER = "cert-manager.io";

  /** Declared for a PostgreSQL whose spec has no resources; the parameters follow from it. */
  static final ResourceRequirements DEFAULT_POSTGRES_RESOURCES =
      new ResourceRequirementsBuilder()
          .addToRequests("cpu", new Quantity("200m"))
          .addToRequests("memory", new Quantity("512Mi"))
          .build();

  static final ResourceRequirements DEFAULT_PROXY_RESOURCES =
      new ResourceRequirementsBuilder()
          .addToRequests("cpu", new Quantity("50m"))
          .addToRequests("memory", new Quantity("64Mi"))
          .addToLimits("memory", new Quantity("256Mi"))
          .build();

  /** What {@code initdb} makes and the first database in it. */
  public record Initdb(
      String database, String owner, String encoding, String localeProvider, String locale) {}

  /**
   * When a commit is acknowledged.
   *
   * @param syncInstances how many replicas confirm it; 0 with {@code async}
   */
  public record Replication(ReplicationSpec.Mode mode, int syncInstances) {
    /** Whether commits wait for replicas. */
    public boolean synchronous() {
      return mode != ReplicationSpec.Mode.ASYNC;
    }
  }

  /**
   * TLS of clients.
   *
   * @param certificateSecret the user's own certificate; never there together with an issuer
   * @param issuer who issues it by cert-manager, with kind and group; without both it is the
   *     operator's
   * @param clientCa the Secret with the authority of clients
   * @param dnsNames more names of the certificate
   */
  public record Tls(
      TlsConfig.Mode mode,
      @Nullable String certificateSecret,
      @Nullable IssuerReference issuer,
      @Nullable String clientCa,
      TlsConfig.ClientCertificates clientCertificates,
      List<String> dnsNames) {
    static Tls of(Optional<TlsSpec> spec) {
      return new Tls(
          switch (spec.map(TlsSpec::mode).orElse(TlsSpec.Mode.ALLOW)) {
            case REQUIRE -> TlsConfig.Mode.REQUIRE;
            case ALLOW -> TlsConfig.Mode.ALLOW;
            case DISABLE -> TlsConfig.Mode.DISABLE;
          },
          spec.map(TlsSpec::certificateSecret).map(SecretReference::name).orElse(null),
          spec.map(TlsSpec::issuer)
              .map(
                  issuer ->
                      new IssuerReference(
                          issuer.name(),
                          Objects.requireNonNullElse(issuer.kind(), "Issuer"),
                          Objects.requireNonNullElse(issuer.group(), CERT_MANAGER)))
              .orElse(null),
          spec.map(TlsSpec::clientCa).map(SecretReference::name).orElse(null),
          switch (spec.map(TlsSpec::clientCertificates).orElse(TlsSpec.ClientCertificates.NONE)) {
            case NONE -> TlsConfig.ClientCertificates.OFF;
            case VERIFY_CA -> TlsConfig.ClientCertificates.VERIFY_CA;
            case VERIFY_FULL -> TlsConfig.ClientCertificates.VERIFY_FULL;
          },
          List.copyOf(spec.map(TlsSpec::dnsNames).orElse(List.of())));
    }

    /** The same as a spec in which nothing is left out. */
    TlsSpec resolved() {
      return new TlsSpec(
          switch (mode) {
            case REQUIRE -> TlsSpec.Mode.REQUIRE;
            case ALLOW -> TlsSpec.Mode.ALLOW;
            case DISABLE -> TlsSpec.Mode.DISABLE;
          },
          certificateSecret == null ? null : new SecretReference(certificateSecret),
          issuer,
          clientCa == null ? null : new SecretReference(clientCa),
          switch (clientCertificates) {
            case OFF -> TlsSpec.ClientCertificates.NONE;
            case VERIFY_CA -> TlsSpec.ClientCertificates.VERIFY_CA;
            case VERIFY_FULL -> TlsSpec.ClientCertificates.VERIFY_FULL;
          },
          dnsNames.isEmpty() ? null : dnsNames);
    }
  }

  /** The same with another replication, for the time of a step. */
  public Wanted with(Replication other) {
    return new Wanted(
        instances,
        version,
        storageSize,
        storageClass,
        parameters,
        postgresResources,
        proxyResources,
        proxy,
        superuserAccess,
        tls,
        traces,
        other,
        rw,
        ro,
        r,
        maximumReadLag,
        initdb,
        deletionPolicy,
        newVolumeAfter,
        pod);
  }

  /** Resolves the defaults of a spec that was validated. */
  public static Wanted of(PostgresClusterSpec spec) {
    Optional<PostgresSpec> postgres = Optional.ofNullable(spec.postgres());
    int version = version(spec);
    ResourceRequirements resources =
        postgres.map(PostgresSpec::resources).orElse(DEFAULT_POSTGRES_RESOURCES);
    // PostgreSQL does not mind the case of names: the user's WORK_MEM replaces our work_mem.
    Map<String, String> parameters = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    parameters.putAll(TunedParameters.of(version, size(spec, resources)));
    userParameters(spec).forEach(parameters::put);
    parameters.putAll(TunedParameters.owned());
    Optional<ProxySpec> proxy = Optional.ofNullable(spec.proxy());
    Optional<ServicesSpec> services = Optional.ofNullable(spec.services());
    ServiceSpec plain = new ServiceSpec(null, null, null, null);
    return new Wanted(
        Optional.ofNullable(spec.instances()).orElse(1),
        version,
        spec.storage().size(),
        spec.storage().storageClass(),
        parameters,
        resources,
        proxy.map(ProxySpec::resources).orElse(DEFAULT_PROXY_RESOURCES),
        proxy.map(ProxySpec::enabled).orElse(true),
        proxy.map(ProxySpec::superuserAccess).orElse(false),
        Tls.of(proxy.map(ProxySpec::tls)),
        proxy.map(ProxySpec::traces).orElse(null),
        replication(spec.replication()),
        services.map(ServicesSpec::rw).orElse(plain),
        services.map(ServicesSpec::ro).map(ReadServiceSpec::service).orElse(plain),
        services.map(ServicesSpec::r).orElse(plain),
        services
            .map(ServicesSpec::ro)
            .map(ReadServiceSpec::maximumLag)
            .map(Wanted::bytes)
            .orElse(null),
        initdb(Optional.ofNullable(spec.bootstrap()).map(BootstrapSpec::initdb)),
        Optional.ofNullable(spec.deletionPolicy()).orElse(DeletionPolicy.Retain),
        Optional.ofNullable(spec.recovery())
            .map(RecoverySpec::newVolumeAfter)
            .orElse(DEFAULT_NEW_VOLUME_AFTER),
        Optional.ofNullable(spec.pod())
            .orElse(new PodSpec(null, null, null, null, null, null, null, null)));
  }

  private static Replication replication(@Nullable ReplicationSpec spec) {
    ReplicationSpec.Mode mode =
        Optional.ofNullable(spec).map(ReplicationSpec::mode).orElse(ReplicationSpec.Mode.ASYNC);
    return new Replication(
        mode,
        mode == ReplicationSpec.Mode.ASYNC
            ? 0
            : Optional.ofNullable(spec).map(ReplicationSpec::syncInstances).orElse(1));
  }

  /** At least one byte: 0 is not allowed, and a fraction of a byte is not meant as 0. */
  private static long bytes(String quantity) {
    return Math.max(1, Quantity.getAmountInBytes(new Quantity(quantity)).longValue());
  }

  static int version(PostgresClusterSpec spec) {
    return Optional.ofNullable(spec.postgres()).map(PostgresSpec::version).orElse(DEFAULT_VERSION);
  }

  /** The user's parameters as text. */
  static Map<String, String> userParameters(PostgresClusterSpec spec) {
    Map<String, String> parameters = new TreeMap<>();
    Optional.ofNullable(spec.postgres())
        .map(PostgresSpec::parameters)
        .orElse(Map.<String, IntOrString>of())
        .forEach((name, value) -> parameters.put(name, text(value)));
    return parameters;
  }

  private static String text(IntOrString value) {
    return value.getStrVal() != null ? value.getStrVal() : String.valueOf(value.getIntVal());
  }

  private static Initdb initdb(Optional<InitdbSpec> spec) {
    String database = spec.map(InitdbSpec::database).orElse("app");
    String provider = spec.map(InitdbSpec::localeProvider).map(Enum::name).orElse("builtin");
    return new Initdb(
        database,
        spec.map(InitdbSpec::owner).orElse(database),
        spec.map(InitdbSpec::encoding).orElse("UTF8"),
        provider,
        spec.map(InitdbSpec::locale).orElse(provider.equals("icu") ? "und" : "C.UTF-8"));
  }

  private static TunedParameters.Size size(
      PostgresClusterSpec spec, ResourceRequirements resources) {
    return new TunedParameters.Size(
        amount(resources, "memory").longValue(),
        amount(resources, "cpu").multiply(BigDecimal.valueOf(1000)).longValue(),
        Quantity.getAmountInBytes(new Quantity(spec.storage().size())).longValue());
  }

  /** Limit, else request, else our own default request: never what the node has. */
  private static BigDecimal amount(ResourceRequirements resources, String name) {
    Quantity quantity = null;
    if (resources.getLimits() != null) {
      quantity = resources.getLimits().get(name);
    }
    if (quantity == null && resources.getRequests() != null) {
      quantity = resources.getRequests().get(name);
    }
    if (quantity == null) {
      quantity = DEFAULT_POSTGRES_RESOURCES.getRequests().get(name);
    }
    return Quantity.getAmountInBytes(quantity);
  }
}
