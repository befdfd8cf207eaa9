package dev.outrider.operator.model;

import dev.outrider.operator.api.IssuerReference;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceBuilder;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The Certificate that cert-manager is asked for where a spec names an issuer (its documentation,
 * "Certificate resource"), and what becomes of it.
 */
public final class CertManager {
  public static final String GROUP = Wanted.CERT_MANAGER;
  public static final String VERSION = "v1";
  public static final String KIND = "Certificate";
  public static final String PLURAL = "certificates";

  /** On a Secret that cert-manager writes: for which Certificate. */
  private static final String WRITTEN_FOR = "cert-manager.io/certificate-name";

  private CertManager() {}

  /** The Certificate. Its Secret is labelled as ours, so that a change of it is seen at once. */
  public static GenericKubernetesResource certificate(
      Names names, OwnerReference owner, Wanted.Tls wanted) {
    IssuerReference issuer = Objects.requireNonNull(wanted.issuer());
    return new GenericKubernetesResourceBuilder()
        .withApiVersion(GROUP + "/" + VERSION)
        .withKind(KIND)
        .withNewMetadata()
        .withName(names.certificate())
        .withNamespace(names.namespace())
        .withLabels(names.labels())
        .withOwnerReferences(owner)
        .endMetadata()
        .addToAdditionalProperties(
            "spec",
            Map.of(
                "secretName",
                names.certificate(),
                "secretTemplate",
                Map.of("labels", names.labels()),
                "dnsNames",
                ServedTls.dnsNames(names, wanted),
                "issuerRef",
                Map.of(
                    "name",
                    issuer.name(),
                    "kind",
                    Objects.requireNonNull(issuer.kind()),
                    "group",
                    Objects.requireNonNull(issuer.group())),
                "privateKey",
                Map.of(
                    "algorithm", "ECDSA",
                    "size", 256,
                    "encoding", "PKCS8",
                    "rotationPolicy", "Always"),
                "usages",
                List.of("digital signature", "server auth")))
        .build();
  }

  /** Whether cert-manager wrote a Secret for our Certificate. */
  public static boolean isWriterOf(Secret secret, Names names) {
    Map<String, String> annotations = secret.getMetadata().getAnnotations();
    return annotations != null && names.certificate().equals(annotations.get(WRITTEN_FOR));
  }

  /** The Certificate as an owner. */
  public static OwnerReference asOwner(GenericKubernetesResource certificate) {
    return new OwnerReferenceBuilder()
        .withApiVersion(certificate.getApiVersion())
        .withKind(certificate.getKind())
        .withName(certificate.getMetadata().getName())
        .withUid(certificate.getMetadata().getUid())
        .build();
  }

  /** Whether a Secret goes with its controller anyway, as of a cert-manager that owns its own. */
  public static boolean isControlled(Secret secret) {
    return secret.getMetadata().getOwnerReferences().stream()
        .anyMatch(reference -> Boolean.TRUE.equals(reference.getController()));
  }

  /**
   * What makes a Secret that cert-manager wrote go with an owner. Nobody becomes its controller:
   * that place is cert-manager's, should it be told to own its Secrets.
   */
  public static Secret ownedBy(OwnerReference owner, Secret written) {
    return new SecretBuilder()
        .withNewMetadata()
        .withName(written.getMetadata().getName())
        .withNamespace(written.getMetadata().getNamespace())
        // One that is gone meanwhile must not be made by this.
        .withUid(written.getMetadata().getUid())
        .addNewOwnerReference()
        .withApiVersion(owner.getApiVersion())
        .withKind(owner.getKind())
        .withName(owner.getName())
        .withUid(owner.getUid())
        .endOwnerReference()
        .endMetadata()
        .build();
  }

  /** The Secret that cert-manager would write is somebody's already. */
  public static ServedTls.Fault foreign(Names names) {
    return new ServedTls.Fault(
        ServedTls.SECRET_UNUSABLE,
        "Secret "
            + names.certificate()
            + " is not cert-manager's; cert-manager writes the certificate there, so delete it or"
            + " name it in certificateSecret");
  }

  /** The API server knows no Certificates. */
  public static ServedTls.Fault missing(Wanted.Tls wanted) {
    return new ServedTls.Fault(
        ServedTls.NO_CERT_MANAGER,
        "spec.proxy.tls.issuer: cert-manager is not installed, so nobody asks "
            + Objects.requireNonNull(wanted.issuer()).name()
            + " for a certificate; install it, or name a Secret in certificateSecret");
  }

  /** What cert-manager says of a Certificate that is not ready, or null. */
  public static ServedTls.@Nullable Fault fault(GenericKubernetesResource certificate) {
    if (certificate.get("status", "conditions") instanceof List<?> conditions) {
      for (Object condition : conditions) {
        if (condition instanceof Map<?, ?> map
            && "Ready".equals(map.get("type"))
            && "False".equals(map.get("status"))) {
          return new ServedTls.Fault(
              ServedTls.PENDING,
              "cert-manager says of the Certificate "
                  + certificate.getMetadata().getName()
                  + ": "
                  + map.get("message"));
        }
      }
    }
    return null;
  }
}
