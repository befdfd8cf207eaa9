package dev.outrider.operator.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outrider.agents.config.ConfigHash;
import dev.outrider.agents.config.HostPort;
import dev.outrider.agents.config.StatusConfig;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.ContainerPortBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.HTTPGetActionBuilder;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContextBuilder;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.TolerationBuilder;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraintBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The pod of an instance: PostgreSQL with Patroni, and the agents as native sidecars. */
final class PodTemplate {
  private static final long UID = 5432;

  /** Where the proxy lets clients in on a primary only; 5433 is PostgreSQL itself. */
  static final int PRIMARY_PORT = 5434;

  private static final String NOT_READY = "node.kubernetes.io/not-ready";
  private static final String UNREACHABLE = "node.kubernetes.io/unreachable";
  private static final String NO_EXECUTE = "NoExecute";

  /** Seconds after which a node that does not answer is given up. */
  private static final long LOST_AFTER = 30;

  private static final String APP_FOLDER = "/etc/outrider/app";
  // Written only, so it needs no list of all kinds.
  private static final KubernetesSerialization JSON =
      new KubernetesSerialization(new ObjectMapper(), false);

  private final Names names;
  private final Wanted wanted;
  private final Images images;
  private final String configHash;

  PodTemplate(Names names, Wanted wanted, Images images, String configHash) {
    this.names = names;
    this.wanted = wanted;
    this.images = images;
    this.configHash = configHash;
  }

  /** Where agents serve their status, with mutual TLS. */
  static StatusConfig status() {
    return new StatusConfig(
        new HostPort("0.0.0.0", 9201),
        new StatusConfig.MutualTls(
            Path.of(ClusterObjects.TLS_FOLDER, "tls.crt"),
            Path.of(ClusterObjects.TLS_FOLDER, "tls.key"),
            Path.of(ClusterObjects.TLS_FOLDER, "ca.crt")));
  }

  PodTemplateSpec build() {
    Map<String, String> labels = new TreeMap<>();
    Optional.ofNullable(wanted.pod().labels()).ifPresent(labels::putAll);
    labels.putAll(names.labels());
    labels.putAll(names.patroniLabels());
    Map<String, String> annotations = new TreeMap<>();
    Optional.ofNullable(wanted.pod().annotations()).ifPresent(annotations::putAll);
    annotations.put("kubectl.kubernetes.io/default-container", Names.POSTGRES_CONTAINER);
    annotations.put(ClusterObjects.CONFIG_HASH, configHash);
    PodTemplateSpec template =
        new PodTemplateSpecBuilder()
            .withNewMetadata()
            .withLabels(labels)
            .withAnnotations(annotations)
            .endMetadata()
            .withNewSpec()
            .withServiceAccountName(names.patroni())
            // Only the container with Patroni gets a token, by a volume of its own.
            .withAutomountServiceAccountToken(false)
            .withEnableServiceLinks(false)
            .withTerminationGracePeriodSeconds(60L)
            .withNewSecurityContext()
            .withRunAsNonRoot(true)
            .withRunAsUser(UID)
            .withRunAsGroup(UID)
            .withFsGroup(UID)
            .withFsGroupChangePolicy("OnRootMismatch")
            .withNewSeccompProfile()
            .withType("RuntimeDefault")
            .endSeccompProfile()
            .endSecurityContext()
            .withNodeSelector(wanted.pod().nodeSelector())
            .withAffinity(wanted.pod().affinity())
            .withTolerations(tolerations())
            .withTopologySpreadConstraints(spread())
            .withPriorityClassName(wanted.pod().priorityClassName())
            .withImagePullSecrets(
                Objects.requireNonNullElse(wanted.pod().imagePullSecrets(), List.of()))
            .withInitContainers(wanted.proxy() ? List.of(proxy()) : List.of())
            .withContainers(postgres())
            .withVolumes(volumes())
            .endSpec()
            .build();
    template.getMetadata().getAnnotations().put(ClusterObjects.TEMPLATE_HASH, hash(template));
    return template;
  }

  /**
   * The hash of what only a new pod can take on: the pod's spec without the agents' image, which is
   * patched into running pods.
   */
  private static String hash(PodTemplateSpec template) {
    PodTemplateSpec copy = new PodTemplateSpecBuilder(template).build();
    copy.getSpec().getInitContainers().forEach(container -> container.setImage(null));
    return ConfigHash.of(JSON.asJson(copy.getSpec()).getBytes(StandardCharsets.UTF_8))
        .substring(0, 16);
  }

  /**
   * The user's, and ours for a node that is lost: Kubernetes' own wait five minutes before such a
   * pod may be replaced (its documentation, "Taint based evictions").
   */
  private List<Toleration> tolerations() {
    List<Toleration> all =
        new ArrayList<>(Objects.requireNonNullElse(wanted.pod().tolerations(), List.of()));
    for (String taint : List.of(NOT_READY, UNREACHABLE)) {
      if (all.stream().noneMatch(toleration -> covers(toleration, taint))) {
        all.add(
            new TolerationBuilder()
                .withKey(taint)
                .withOperator("Exists")
                .withEffect(NO_EXECUTE)
                .withTolerationSeconds(LOST_AFTER)
                .build());
      }
    }
    return all;
  }

  private static boolean covers(Toleration toleration, String taint) {
    boolean key = toleration.getKey() == null || toleration.getKey().isEmpty();
    boolean effect = toleration.getEffect() == null || toleration.getEffect().isEmpty();
    return (key || toleration.getKey().equals(taint))
        && (effect || toleration.getEffect().equals(NO_EXECUTE));
  }

  private List<TopologySpreadConstraint> spread() {
    List<TopologySpreadConstraint> constraints = wanted.pod().topologySpreadConstraints();
    if (constraints == null) {
      constraints =
          List.of(
              new TopologySpreadConstraintBuilder()
                  .withMaxSkew(1)
                  .withTopologyKey("kubernetes.io/hostname")
                  .withWhenUnsatisfiable("ScheduleAnyway")
                  .build());
    }
    List<TopologySpreadConstraint> complete = new ArrayList<>();
    for (TopologySpreadConstraint constraint : constraints) {
      complete.add(
          constraint.getLabelSelector() != null
              ? constraint
              : new TopologySpreadConstraintBuilder(constraint)
                  .withNewLabelSelector()
                  .withMatchLabels(names.patroniLabels())
                  .endLabelSelector()
                  .build());
    }
    return complete;
  }

  private Container proxy() {
    return new ContainerBuilder()
        .withName(Names.PROXY_CONTAINER)
        .withImage(images.agents())
        .withRestartPolicy("Always")
        .withArgs("proxy", "--config", "/etc/outrider/proxy/proxy.yaml")
        .addNewPort()
        .withName("proxy-metrics")
        .withContainerPort(9101)
        .withProtocol("TCP")
        .endPort()
        .addNewPort()
        .withName(Names.PROXY_CONTAINER + Instance.STATUS_PORT)
        .withContainerPort(9201)
        .withProtocol("TCP")
        .endPort()
        .withResources(wanted.proxyResources())
        .withSecurityContext(security())
        .withNewReadinessProbe()
        .withNewHttpGet()
        .withPath("/readyz")
        .withPort(new IntOrString("proxy-metrics"))
        .endHttpGet()
        .withPeriodSeconds(1)
        .withTimeoutSeconds(2)
        .withFailureThreshold(2)
        .endReadinessProbe()
        .withNewLivenessProbe()
        .withNewHttpGet()
        .withPath("/livez")
        .withPort(new IntOrString("proxy-metrics"))
        .endHttpGet()
        .withPeriodSeconds(10)
        .withTimeoutSeconds(5)
        .withFailureThreshold(3)
        .endLivenessProbe()
        .withNewLifecycle()
        .withNewPreStop()
        .withNewExec()
        .withCommand(
            "/usr/local/bin/outrider",
            "drain",
            "proxy",
            "--timeout",
            "25s",
            "--folder",
            ClusterObjects.DRAIN_FOLDER.toString())
        .endExec()
        .endPreStop()
        .endLifecycle()
        .withVolumeMounts(
            mount("socket", "/run/postgresql", null),
            mount("proxy-config", "/etc/outrider/proxy", null),
            mount("tls", ClusterObjects.TLS_FOLDER, null),
            mount("proxy-tmp", "/tmp", null))
        .build();
  }

  private Container postgres() {
    ContainerBuilder builder =
        new ContainerBuilder()
            .withName(Names.POSTGRES_CONTAINER)
            .withImage(
                Objects.requireNonNull(
                    images.postgres().get(wanted.version()),
                    () -> "no image for PostgreSQL " + wanted.version()))
            .withEnv(environment())
            .withResources(wanted.postgresResources())
            .withSecurityContext(security())
            .addNewPort()
            .withName("patroni")
            .withContainerPort(8008)
            .withProtocol("TCP")
            .endPort()
            // The proxy's, where there is one. It is named here because Services find no named port
            // on a native sidecar before Kubernetes 1.33.
            .addNewPort()
            .withName("postgres")
            .withContainerPort(wanted.proxy() ? 5432 : 5433)
            .withProtocol("TCP")
            .endPort()
            .addAllToPorts(wanted.proxy() ? List.of(primary()) : List.of())
            // An API server that is away lets Patroni wait for it; no restart would help.
            .withNewStartupProbe()
            .withHttpGet(patroni("/liveness"))
            .withPeriodSeconds(1)
            .withTimeoutSeconds(3)
            .withFailureThreshold(3600)
            .endStartupProbe()
            // Patroni's own view of itself (its REST API, "Health check endpoints").
            .withNewReadinessProbe()
            .withHttpGet(patroni("/readiness"))
            .withPeriodSeconds(1)
            .withTimeoutSeconds(3)
            .withFailureThreshold(3)
            .endReadinessProbe()
            // 18 to 23 s after Patroni has frozen: about when its lease of 20 s has ended, and the
            // fence is shut. PostgreSQL gets little time, since another one may be the primary.
            .withNewLivenessProbe()
            .withHttpGet(patroni("/liveness"))
            .withPeriodSeconds(5)
            .withTimeoutSeconds(3)
            .withFailureThreshold(4)
            .withTerminationGracePeriodSeconds(5L)
            .endLivenessProbe()
            .withVolumeMounts(
                mount(ClusterObjects.VOLUME, ClusterObjects.FOLDER + "/pgdata", "pgdata"),
                mount(ClusterObjects.VOLUME, ClusterObjects.FOLDER + "/wal", "wal"),
                mount(ClusterObjects.VOLUME, ClusterObjects.FOLDER + "/log", "log"),
                mount(ClusterObjects.VOLUME, ClusterObjects.FOLDER + "/extensions", "extensions"),
                mount(ClusterObjects.VOLUME, ClusterObjects.FOLDER + "/spool", "spool"),
                mount("socket", "/run/postgresql", null),
                mount("patroni-config", "/etc/outrider/patroni", null),
                mount("tls", ClusterObjects.TLS_FOLDER, null),
                mount("app", APP_FOLDER, null),
                mount("postgres-tmp", "/tmp", null),
                mount("shm", "/dev/shm", null),
                mount("token", "/var/run/secrets/kubernetes.io/serviceaccount", null));
    if (wanted.proxy()) {
      // The proxy's sessions end before PostgreSQL does.
      builder
          .withNewLifecycle()
          .withNewPreStop()
          .withNewExec()
          .withCommand("/usr/local/bin/outrider-prestop")
          .endExec()
          .endPreStop()
          .endLifecycle();
    }
    return builder.build();
  }

  private static ContainerPort primary() {
    return new ContainerPortBuilder()
        .withName("primary")
        .withContainerPort(PRIMARY_PORT)
        .withProtocol("TCP")
        .build();
  }

  private static HTTPGetAction patroni(String path) {
    return new HTTPGetActionBuilder()
        .withPath(path)
        .withPort(new IntOrString("patroni"))
        .withScheme("HTTPS")
        .build();
  }

  private List<EnvVar> environment() {
    Wanted.Initdb initdb = wanted.initdb();
    return List.of(
        field("PATRONI_NAME", "metadata.name"),
        field("OUTRIDER_POD_UID", "metadata.uid"),
        field("PATRONI_KUBERNETES_NAMESPACE", "metadata.namespace"),
        field("PATRONI_KUBERNETES_POD_IP", "status.podIP"),
        // Which port of a primary clients are sent to belongs to the pod: one with a proxy has
        // another than one without. The name is that of the Service's port.
        value(
            "PATRONI_KUBERNETES_PORTS",
            "[{\"name\": \"postgres\", \"port\": " + (wanted.proxy() ? PRIMARY_PORT : 5433) + "}]"),
        value("PATRONI_POSTGRESQL_CONNECT_ADDRESS", "$(PATRONI_KUBERNETES_POD_IP):5433"),
        value("PATRONI_RESTAPI_CONNECT_ADDRESS", "$(PATRONI_KUBERNETES_POD_IP):8008"),
        secret("PATRONI_SUPERUSER_PASSWORD", names.credentials(), "superuser-password"),
        secret("PATRONI_REPLICATION_PASSWORD", names.credentials(), "replication-password"),
        secret("PATRONI_REWIND_PASSWORD", names.credentials(), "rewind-password"),
        value("PATRONI_RESTAPI_USERNAME", "patroni"),
        secret("PATRONI_RESTAPI_PASSWORD", names.credentials(), "restapi-password"),
        value("OUTRIDER_PROXY", String.valueOf(wanted.proxy())),
        value("OUTRIDER_APP_DATABASE", initdb.database()),
        value("OUTRIDER_APP_OWNER", initdb.owner()),
        // A file: the postmaster inherits the environment, though not what begins with PATRONI_.
        value("OUTRIDER_APP_PASSWORD_FILE", APP_FOLDER + "/password"));
  }

  private List<Volume> volumes() {
    List<Volume> volumes = new ArrayList<>();
    // The socket is a file; memory spares the node's disk and is gone with the pod.
    volumes.add(memory("socket", "1Mi"));
    // PostgreSQL's dynamic shared memory; the container's default of 64 MiB ends parallel queries.
    volumes.add(
        new VolumeBuilder()
            .withName("shm")
            .withNewEmptyDir()
            .withMedium("Memory")
            .endEmptyDir()
            .build());
    volumes.add(scratch("postgres-tmp"));
    volumes.add(
        new VolumeBuilder()
            .withName("patroni-config")
            .withNewConfigMap()
            .withName(names.patroni())
            .endConfigMap()
            .build());
    volumes.add(
        new VolumeBuilder()
            .withName("tls")
            .withNewSecret()
            .withSecretName(names.tls())
            // PostgreSQL takes a key of root's that its group may read, and no other shared one.
            .withDefaultMode(0440)
            .endSecret()
            .build());
    volumes.add(
        new VolumeBuilder()
            .withName("app")
            .withNewSecret()
            .withSecretName(names.app())
            .withDefaultMode(0440)
            .addNewItem("password", null, "password")
            .endSecret()
            .build());
    volumes.add(token());
    if (wanted.proxy()) {
      volumes.add(
          new VolumeBuilder()
              .withName("proxy-config")
              .withNewConfigMap()
              .withName(names.proxy())
              .endConfigMap()
              .build());
      volumes.add(scratch("proxy-tmp"));
    }
    return volumes;
  }

  private static Volume token() {
    return new VolumeBuilder()
        .withName("token")
        .withNewProjected()
        .withDefaultMode(0440)
        .addNewSource()
        .withNewServiceAccountToken()
        .withPath("token")
        .withExpirationSeconds(3607L)
        .endServiceAccountToken()
        .endSource()
        .addNewSource()
        .withNewConfigMap()
        .withName("kube-root-ca.crt")
        .addNewItem("ca.crt", null, "ca.crt")
        .endConfigMap()
        .endSource()
        .addNewSource()
        .withNewDownwardAPI()
        .addNewItem()
        .withPath("namespace")
        .withNewFieldRef(null, "metadata.namespace")
        .endItem()
        .endDownwardAPI()
        .endSource()
        .endProjected()
        .build();
  }

  private static Volume memory(String name, String size) {
    return new VolumeBuilder()
        .withName(name)
        .withNewEmptyDir()
        .withMedium("Memory")
        .withSizeLimit(new Quantity(size))
        .endEmptyDir()
        .build();
  }

  private static Volume scratch(String name) {
    return new VolumeBuilder()
        .withName(name)
        .withNewEmptyDir()
        .withSizeLimit(new Quantity("64Mi"))
        .endEmptyDir()
        .build();
  }

  private static VolumeMount mount(String volume, String path, @Nullable String subPath) {
    return new VolumeMountBuilder()
        .withName(volume)
        .withMountPath(path)
        .withSubPath(subPath)
        .build();
  }

  private static EnvVar value(String name, String value) {
    return new EnvVarBuilder().withName(name).withValue(value).build();
  }

  private static EnvVar field(String name, String path) {
    return new EnvVarBuilder()
        .withName(name)
        .withNewValueFrom()
        .withNewFieldRef(null, path)
        .endValueFrom()
        .build();
  }

  private static EnvVar secret(String name, String secret, String key) {
    return new EnvVarBuilder()
        .withName(name)
        .withNewValueFrom()
        .withNewSecretKeyRef(key, secret, false)
        .endValueFrom()
        .build();
  }

  private static SecurityContext security() {
    return new SecurityContextBuilder()
        .withAllowPrivilegeEscalation(false)
        .withReadOnlyRootFilesystem(true)
        .withNewCapabilities()
        .addToDrop("ALL")
        .endCapabilities()
        .build();
  }
}
