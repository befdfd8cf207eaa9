package dev.outrider.operator.reconcile;

import dev.outrider.operator.model.ClusterObjects;
import dev.outrider.operator.model.Names;
import dev.outrider.operator.model.Trust;
import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.Seed;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds the secrets of a cluster, or makes them.
 *
 * <p>The seed and the authority's key are made once. They are read from the API server itself when
 * the cache has none, since a cache that lags must not end in a second seed: the passwords of a
 * database do not change because a Secret does.
 */
final class Trusts {
  private final KubernetesClient client;
  private final InstantSource clock;
  private final SecureRandom random;
  private final Map<String, Kept> kept = new ConcurrentHashMap<>();

  Trusts(KubernetesClient client, InstantSource clock, SecureRandom random) {
    this.client = client;
    this.clock = clock;
    this.random = random;
  }

  /** What must not change while a cluster lives, in whatever state its Secrets are. */
  private record Kept(CertificateAuthority authority, Seed seed) {}

  /**
   * The secrets of a cluster.
   *
   * <p>What this operator has seen before counts most, so that a Secret that somebody deleted or
   * edited is set right; then the Secret with the keys; then the copy of the seed beside the
   * passwords; and only without all of them something new is made.
   *
   * @param uid of the cluster
   * @param cached Secrets as they were last seen, by name
   * @param ours whether an existing Secret belongs to the cluster
   * @throws ForeignObjectException if the Secret with the keys is somebody else's
   */
  Trust of(Names names, String uid, Map<String, Secret> cached, Predicate<HasMetadata> ours) {
    Secret keys = find(names.namespace(), names.keys(), cached);
    if (keys != null && !ours.test(keys)) {
      throw new ForeignObjectException(keys);
    }
    Kept known =
        kept.computeIfAbsent(
            uid,
            u ->
                new Kept(
                    authority(keys).orElseGet(() -> newAuthority(names)),
                    seed(keys)
                        .or(() -> seed(ourCopy(names, cached, ours)))
                        .orElseGet(() -> Seed.create(random))));
    return new Trust(
        known.authority(), instance(names, known.authority(), cached, ours), known.seed());
  }

  /** The secrets of a cluster whose objects may be gone already, if this operator has seen them. */
  Optional<Trust> remembered(Names names, String uid) {
    return Optional.ofNullable(kept.get(uid))
        .map(
            known ->
                new Trust(
                    known.authority(),
                    instance(names, known.authority(), Map.of(), secret -> false),
                    known.seed()));
  }

  /** One that somebody else put there must not choose the passwords. */
  private @Nullable Secret ourCopy(
      Names names, Map<String, Secret> cached, Predicate<HasMetadata> ours) {
    Secret copy = find(names.namespace(), names.credentials(), cached);
    return copy != null && ours.test(copy) ? copy : null;
  }

  /** To be called when a cluster is gone. */
  void forget(String uid) {
    kept.remove(uid);
  }

  private static Optional<CertificateAuthority> authority(@Nullable Secret keys) {
    String certificate = keys == null ? null : text(keys, "ca.crt");
    String key = keys == null ? null : text(keys, "ca.key");
    return certificate == null || key == null
        ? Optional.empty()
        : Optional.of(new CertificateAuthority(certificate, key));
  }

  private static Optional<Seed> seed(@Nullable Secret secret) {
    String text = secret == null ? null : text(secret, "seed");
    try {
      return Optional.ofNullable(text).map(Seed::parse);
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // Edited by hand; another copy may be whole.
    }
  }

  private CertificateAuthority newAuthority(Names names) {
    return CertificateAuthority.create(
        names.cluster() + "." + names.namespace(), clock.instant(), random);
  }

  private CertificateAuthority.Issued instance(
      Names names,
      CertificateAuthority authority,
      Map<String, Secret> cached,
      Predicate<HasMetadata> ours) {
    List<String> dnsNames = ClusterObjects.certificateNames(names);
    Secret tls = cached.get(names.tls());
    if (tls != null && ours.test(tls)) {
      String certificate = text(tls, "tls.crt");
      String key = text(tls, "tls.key");
      if (certificate != null
          && key != null
          && !authority.isDue(certificate, dnsNames, clock.instant())) {
        return new CertificateAuthority.Issued(certificate, key);
      }
    }
    return authority.issue(names.cluster(), dnsNames, clock.instant(), random);
  }

  private @Nullable Secret find(String namespace, String name, Map<String, Secret> cached) {
    Secret secret = cached.get(name);
    return secret != null ? secret : client.secrets().inNamespace(namespace).withName(name).get();
  }

  private static @Nullable String text(Secret secret, String key) {
    String value = secret.getData() == null ? null : secret.getData().get(key);
    return value == null
        ? null
        : new String(Base64.getDecoder().decode(value), StandardCharsets.UTF_8);
  }
}
