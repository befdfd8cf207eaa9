package dev.outrider.operator.reconcile;

import dev.outrider.operator.model.CertManager;
import dev.outrider.operator.model.Names;
import dev.outrider.operator.model.ServedTls;
import dev.outrider.operator.model.Wanted;
import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.reconcile.NamedObjects.Kind;
import dev.outrider.operator.reconcile.NamedObjects.Ref;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what the proxies of a cluster are to serve: reads the Secrets that its spec names, and asks
 * cert-manager where the spec names an issuer.
 */
final class Certificates {
  private static final Logger LOG = LoggerFactory.getLogger(Certificates.class);

  /** HTTP 404: the API server does not know the kind. */
  private static final int NOT_FOUND = 404;

  private final KubernetesClient client;
  private final Applier applier;
  private final InstantSource clock;
  private final SecureRandom random;
  private final NamedObjects named;

  /**
   * @param named finds what specs name
   */
  Certificates(
      KubernetesClient client,
      Applier applier,
      InstantSource clock,
      SecureRandom random,
      NamedObjects named) {
    this.client = client;
    this.applier = applier;
    this.clock = clock;
    this.random = random;
    this.named = named;
  }

  /**
   * What is to be served now.
   *
   * @param secrets those of the cluster as they were last seen, by name
   * @param ours whether an existing object belongs to the cluster
   */
  ServedTls of(
      Names names,
      OwnerReference owner,
      Wanted.Tls wanted,
      CertificateAuthority authority,
      Map<String, Secret> secrets,
      Predicate<HasMetadata> ours) {
    Ref certificate = new Ref(Kind.CERTIFICATE, names.certificate());
    Set<Ref> refs = new HashSet<>();
    if (wanted.certificateSecret() != null) {
      refs.add(new Ref(Kind.SECRET, wanted.certificateSecret()));
    }
    if (wanted.clientCa() != null) {
      refs.add(new Ref(Kind.SECRET, wanted.clientCa()));
    }
    if (wanted.issuer() != null) {
      refs.add(certificate);
    }
    Map<Ref, HasMetadata> found = named.of(names, refs);
    Map<String, Secret> there = new HashMap<>();
    found.forEach(
        (ref, object) -> {
          if (object instanceof Secret secret) {
            there.put(ref.name(), secret);
          }
        });
    ServedTls.Fault fault = null;
    if (wanted.issuer() != null) {
      Secret written = secrets.get(names.certificate());
      if (written != null) {
        there.put(names.certificate(), written);
      }
      fault = ask(names, owner, wanted, found.get(certificate), written, ours);
    } else {
      withdraw(names, secrets, ours);
    }
    return ServedTls.next(
        new ServedTls.Facts(names, wanted, authority, secrets.get(names.tls()), there, fault),
        clock.instant(),
        random);
  }

  /** Of a cluster without a proxy: nothing is served, and nobody is asked for anything. */
  void none(Names names, Map<String, Secret> secrets, Predicate<HasMetadata> ours) {
    named.forget(names);
    withdraw(names, secrets, ours);
  }

  /** To be called when a cluster is gone. */
  void forget(Names names) {
    named.forget(names);
  }

  private ServedTls.@Nullable Fault ask(
      Names names,
      OwnerReference owner,
      Wanted.Tls wanted,
      @Nullable HasMetadata cached,
      @Nullable Secret written,
      Predicate<HasMetadata> ours) {
    try {
      if (cached == null) {
        // cert-manager would write over a Secret that it finds there.
        Secret secret =
            written != null
                ? written
                : client
                    .secrets()
                    .inNamespace(names.namespace())
                    .withName(names.certificate())
                    .get();
        if (secret != null && !CertManager.isWriterOf(secret, names)) {
          return CertManager.foreign(names);
        }
      }
      GenericKubernetesResource made =
          applier.apply(
              CertManager.certificate(names, owner, wanted),
              at(names),
              (GenericKubernetesResource) cached,
              ours);
      named.made(names, new Ref(Kind.CERTIFICATE, names.certificate()), made);
      return CertManager.fault(made);
    } catch (ForeignObjectException e) {
      return new ServedTls.Fault(ServedTls.SECRET_UNUSABLE, String.valueOf(e.getMessage()));
    } catch (KubernetesClientException e) {
      return e.getCode() == NOT_FOUND
          ? CertManager.missing(wanted)
          : new ServedTls.Fault(
              ServedTls.PENDING,
              "the Certificate "
                  + names.certificate()
                  + " could not be applied: "
                  + e.getMessage());
    }
  }

  /** What was asked for and is not needed any more would be renewed for as long as it is there. */
  private void withdraw(Names names, Map<String, Secret> secrets, Predicate<HasMetadata> ours) {
    Secret tls = secrets.get(names.tls());
    Map<String, String> annotations = tls == null ? null : tls.getMetadata().getAnnotations();
    if (annotations == null || !annotations.containsKey(ServedTls.REQUESTED)) {
      return;
    }
    try {
      GenericKubernetesResource certificate = at(names).get();
      if (certificate != null && ours.test(certificate)) {
        at(names).delete();
      }
    } catch (KubernetesClientException e) {
      // It goes with the cluster at the latest.
      LOG.atWarn()
          .addKeyValue("namespace", names.namespace())
          .addKeyValue("certificate", names.certificate())
          .addKeyValue("problem", String.valueOf(e.getMessage()))
          .log("a Certificate that is not needed any more could not be deleted");
    }
  }

  private Resource<GenericKubernetesResource> at(Names names) {
    return NamedObjects.certificate(client, names.namespace(), names.certificate());
  }
}
