package dev.outrider.operator.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.outrider.operator.api.PostgresClusterSpec;
import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.Seed;
import dev.outrider.operator.pki.ServerCertificate;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.EndpointsBuilder;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.apps.StatefulSetBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The cluster {@code shop} of the tests, with secrets that never change. */
public final class Example {
  public static final Names NAMES = new Names("demo", "shop");
  public static final Images IMAGES =
      new Images(
          "registry/agents:1", Map.of(17, "registry/postgres:17", 18, "registry/postgres:18"));
  public static final OwnerReference OWNER =
      new OwnerReferenceBuilder()
          .withApiVersion("outrider.dev/v1alpha1")
          .withKind("PostgresCluster")
          .withName("shop")
          .withUid("11111111-1111-1111-1111-111111111111")
          .withController(true)
          .withBlockOwnerDeletion(true)
          .build();
  public static final Trust TRUST =
      new Trust(
          new CertificateAuthority("(the authority's certificate)", "(the authority's key)"),
          new CertificateAuthority.Issued("(the certificate)", "(the key)"),
          Seed.parse("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="));

  public static final ServedTls SERVED =
      new ServedTls(
          new ServerCertificate(
              "(the proxies' certificate)",
              "(the proxies' key)",
              "(the authority's certificate)",
              Instant.parse("2026-11-21T12:00:00Z"),
              Instant.parse("2027-02-19T12:00:00Z"),
              List.of("shop-rw.demo.svc")),
          ServedTls.OWN,
          null,
          List.of());

  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
  private static final Path VALID =
      Path.of("src/test/resources/dev/outrider/operator/model/valid").toAbsolutePath();

  private Example() {}

  /** The spec of a file among the valid ones. */
  static PostgresClusterSpec valid(String name) {
    try {
      return spec(Files.readString(VALID.resolve(name + ".yaml"), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A spec from YAML. */
  public static PostgresClusterSpec spec(String yaml) {
    try {
      return YAML.readValue(yaml, PostgresClusterSpec.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A spec with a volume of 10Gi and whatever else is in the YAML. */
  static PostgresClusterSpec small(String yaml) {
    return spec("storage: {size: 10Gi}\n" + yaml);
  }

  static Wanted wanted(String yaml) {
    return Wanted.of(small(yaml));
  }

  static ClusterObjects objects(PostgresClusterSpec spec) {
    return objects(spec, IMAGES);
  }

  static ClusterObjects objects(PostgresClusterSpec spec, Images images) {
    return objects(spec, images, SERVED);
  }

  static ClusterObjects objects(PostgresClusterSpec spec, Images images, ServedTls served) {
    Wanted wanted = Wanted.of(spec);
    return new ClusterObjects(
        NAMES,
        OWNER,
        wanted,
        images,
        TRUST,
        wanted.proxy() ? served : null,
        wanted.tls().issuer() != null);
  }

  /** What is there: the pods, a StatefulSet that keeps as many, and a leader lock. */
  static Observed observed(@Nullable String leader, Instance... instances) {
    return observed(instances.length, leader, instances);
  }

  static Observed observed(int replicas, @Nullable String leader, Instance... instances) {
    Map<String, Endpoints> endpoints = new HashMap<>();
    if (leader != null) {
      endpoints.put(NAMES.scope(), endpoints(NAMES.scope(), Map.of("leader", leader)));
      endpoints.put(
          NAMES.patroniConfig(),
          endpoints(NAMES.patroniConfig(), Map.of("initialize", "7575757575757575757")));
    }
    return new Observed(
        replicas < 0 ? null : statefulSet(replicas), List.of(instances), List.of(), endpoints);
  }

  static Endpoints endpoints(String name, Map<String, String> annotations) {
    return new EndpointsBuilder()
        .withNewMetadata()
        .withName(name)
        .withNamespace(NAMES.namespace())
        .withLabels(NAMES.patroniLabels())
        .withAnnotations(annotations)
        .endMetadata()
        .build();
  }

  static StatefulSet statefulSet(int replicas) {
    return new StatefulSetBuilder()
        .withNewMetadata()
        .withName(NAMES.cluster())
        .endMetadata()
        .withNewSpec()
        .withReplicas(replicas)
        .endSpec()
        .build();
  }
}
