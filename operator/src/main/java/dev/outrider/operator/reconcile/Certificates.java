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

  /** HTTP 409: the object is gone, or another one of its name is there. */
  private static final int CONFLICT = 409;

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
   * What is to be served now. What the spec names and cannot be had is a fault in it, and throws
   * nothing.
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
    NamedObjects.Found found = named.of(names, refs);
    Map<String, Secret> there = new HashMap<>();
    found
        .there()
        .forEach(
            (ref, object) -> {
              if (object instanceof Secret secret) {
                there.put(ref.name(), secret);
              }
            });
    Map<String, String> unread = new HashMap<>();
    found
        .unread()
        .forEach(
            (ref, problem) -> {
              if (ref.kind() == Kind.SECRET) {
                unread.put(ref.name(), words(problem));
              }
            });
    ServedTls.Fault fault = null;
    if (wanted.issuer() != null) {
      Secret written = secrets.get(names.certificate());
      if (written != null) {
        there.put(names.certificate(), written);
        own(names, owner, written);
      }
      RuntimeException problem = found.unread().get(certificate);
      fault =
          problem == null
              ? ask(names, owner, wanted, found.there().get(certificate), written, ours)
              : pending(names, "read", problem);
    }
    return ServedTls.next(
        new ServedTls.Facts(
            names, wanted, authority, inForce(names, secrets, ours), there, unread, fault),
        clock.instant(),
        random);
  }

  /** To be called when a cluster is gone, or has no proxy. */
  void forget(Names names) {
    named.forget(names);
  }

  /** One that somebody else put there must not choose what clients are shown. */
  private static @Nullable Secret inForce(
      Names names, Map<String, Secret> secrets, Predicate<HasMetadata> ours) {
    Secret tls = secrets.get(names.tls());
    return tls != null && ours.test(tls) ? tls : null;
  }

  private static ServedTls.Fault pending(Names names, String verb, RuntimeException e) {
    return new ServedTls.Fault(
        ServedTls.PENDING,
        "the Certificate " + names.certificate() + " could not be " + verb + ": " + words(e));
  }

  /** As the API server has it, without the address that was asked. */
  private static String words(RuntimeException e) {
    String said =
        e instanceof KubernetesClientException failed && failed.getStatus() != null
            ? failed.getStatus().getMessage()
            : null;
    return said != null ? said : String.valueOf(e.getMessage());
  }

  /** A key must not outlive the cluster that it was made for. */
  private void own(Names names, OwnerReference owner, Secret written) {
    try {
      handTo(owner, names, written);
    } catch (KubernetesClientException e) {
      LOG.atWarn()
          .addKeyValue("namespace", names.namespace())
          .addKeyValue("secret", names.certificate())
          .addKeyValue("problem", words(e))
          .log("a Secret of cert-manager's may outlive its cluster");
    }
  }

  private void handTo(OwnerReference owner, Names names, Secret written) {
    if (!CertManager.isWriterOf(written, names) || CertManager.isControlled(written)) {
      return;
    }
    try {
      applier.apply(CertManager.ownedBy(owner, written), written, object -> true);
    } catch (KubernetesClientException e) {
      if (e.getCode() != CONFLICT) {
        throw e;
      }
    }
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
    } catch (RuntimeException e) {
      return e instanceof KubernetesClientException failed && failed.getCode() == NOT_FOUND
          ? CertManager.missing(wanted)
          : pending(names, "applied", e);
    }
  }

  /**
   * Deletes a Certificate that was asked for and is not needed any more: it would be renewed for as
   * long as it is there. What cert-manager wrote for it goes with it, unless the spec names it now.
   *
   * @param wanted what the spec says now
   * @return whether none is left; if not, it must be remembered that there was one
   */
  boolean withdraw(
      Names names, Wanted.Tls wanted, Map<String, Secret> secrets, Predicate<HasMetadata> ours) {
    Secret tls = inForce(names, secrets, ours);
    Map<String, String> annotations = tls == null ? null : tls.getMetadata().getAnnotations();
    if (annotations == null || !annotations.containsKey(ServedTls.REQUESTED)) {
      return true;
    }
    try {
      GenericKubernetesResource certificate = at(names).get();
      if (certificate == null || !ours.test(certificate)) {
        return true;
      }
      Secret written = secrets.get(names.certificate());
      if (written != null
          && !names.certificate().equals(wanted.certificateSecret())
          && !names.certificate().equals(wanted.clientCa())) {
        handTo(CertManager.asOwner(certificate), names, written);
      }
      at(names).delete();
      return true;
    } catch (KubernetesClientException e) {
      // The next run tries again, and it goes with the cluster at the latest.
      LOG.atWarn()
          .addKeyValue("namespace", names.namespace())
          .addKeyValue("certificate", names.certificate())
          .addKeyValue("problem", words(e))
          .log("a Certificate that is not needed any more could not be deleted");
      return false;
    }
  }

  private Resource<GenericKubernetesResource> at(Names names) {
    return NamedObjects.certificate(client, names.namespace(), names.certificate());
  }
}
