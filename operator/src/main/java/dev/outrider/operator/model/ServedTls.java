package dev.outrider.operator.model;

import dev.outrider.agents.config.TlsConfig;
import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.ServerCertificate;
import dev.outrider.operator.pki.UnusableException;
import io.fabric8.kubernetes.api.model.Secret;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the proxies show their clients, and by what they verify clients' certificates.
 *
 * <ol>
 *   <li>It lives in the cluster's own Secret {@code NAME-tls}, whatever it comes from: a Secret
 *       that the spec names is copied there once it has been found good, so another source changes
 *       no pod.
 *   <li>What cannot be used is told, and what was in force stays. A cluster that has nothing in
 *       force has a certificate of its own authority until then.
 *   <li>The cluster's own certificate is renewed when a third of its life is left, and when its
 *       names change.
 *   <li>A demand for clients' certificates is never met halfway: where their authority cannot be
 *       read and none is in force, a new cluster lets nobody in, and one that made no such demand
 *       goes on as it was.
 * </ol>
 *
 * @param source where the certificate comes from, in words: {@link #OWN}, or {@code Secret} and its
 *     name
 * @param clientAuthority verifies clients' certificates; null: they are not asked for one
 * @param faults what is wrong with what the spec names
 */
public record ServedTls(
    ServerCertificate certificate,
    String source,
    @Nullable String clientAuthority,
    List<Fault> faults) {

  /** The source that is the cluster's own authority. */
  public static final String OWN = "operator";

  /** On {@code NAME-tls}: where the certificate in it comes from. */
  public static final String SOURCE = "outrider.dev/certificate-source";

  /** On {@code NAME-tls}: the Certificate that cert-manager was asked for. */
  public static final String REQUESTED = "outrider.dev/certificate-requested";

  /** On {@code NAME-tls}: clients are verified by the authority in it. */
  static final String VERIFIES_CLIENTS = "outrider.dev/verifies-clients";

  static final String CERTIFICATE = "server.crt";
  static final String KEY = "server.key";
  static final String AUTHORITY = "server-ca.crt";

  /** Always there, so that a proxy's new configuration names no file that is still to come. */
  static final String CLIENT_AUTHORITY = "client-ca.crt";

  public static final String SECRET_MISSING = "SecretMissing";
  public static final String SECRET_UNREADABLE = "SecretUnreadable";
  public static final String SECRET_UNUSABLE = "SecretUnusable";
  public static final String EXPIRED = "CertificateExpired";
  public static final String NOT_YET_VALID = "CertificateNotYetValid";
  public static final String PENDING = "CertificatePending";
  public static final String NO_CERT_MANAGER = "CertManagerMissing";

  private static final String TLS_CRT = "tls.crt";
  private static final String TLS_KEY = "tls.key";
  private static final String CA_CRT = "ca.crt";

  /** Of names that are told in words. */
  private static final int NAMES_TOLD = 5;

  public ServedTls {
    faults = List.copyOf(faults);
  }

  /**
   * Something that is wrong.
   *
   * @param reason one CamelCase word
   * @param message what it is, and what to do
   */
  public record Fault(String reason, String message) {}

  /**
   * What this is decided from.
   *
   * @param inForce the Secret {@code NAME-tls}, or null where there is none that is the cluster's
   * @param named the Secrets that the spec names, and the one that cert-manager writes, by name;
   *     those that are there
   * @param unread by name, why a Secret that the spec names could not be read: it may be there
   * @param certManager what cert-manager has to say, or null
   */
  public record Facts(
      Names names,
      Wanted.Tls wanted,
      CertificateAuthority authority,
      @Nullable Secret inForce,
      Map<String, Secret> named,
      Map<String, String> unread,
      @Nullable Fault certManager) {}

  /** A certificate and where it comes from. */
  private record Sourced(ServerCertificate certificate, String source) {}

  /** What is to be served now. */
  public static ServedTls next(Facts facts, Instant now, SecureRandom random) {
    List<Fault> faults = new ArrayList<>();
    Sourced inForce = inForce(facts);
    Sourced given = given(facts, inForce, now, faults);
    Sourced sourced =
        given != null
            ? given
            : isNamed(facts.wanted()) && inForce != null && !inForce.source().equals(OWN)
                ? inForce
                : own(facts, inForce, now, random);
    return new ServedTls(
        sourced.certificate(), sourced.source(), clientAuthority(facts, now, faults), faults);
  }

  /**
   * The names that cert-manager is asked for: those of the Services, of the pods and of the spec.
   * Of an issuer only those of the spec, if it has any: one that the world trusts issues nothing
   * for names that only the cluster knows.
   */
  static List<String> dnsNames(Names names, Wanted.Tls wanted) {
    if (wanted.issuer() != null && !wanted.dnsNames().isEmpty()) {
      return wanted.dnsNames();
    }
    return ownNames(names, wanted);
  }

  private static List<String> ownNames(Names names, Wanted.Tls wanted) {
    Set<String> all = new LinkedHashSet<>();
    for (String host : List.of(names.rw(), names.ro(), names.r(), "*." + names.pods())) {
      all.add(host + "." + names.namespace() + ".svc");
      all.add(host + "." + names.namespace() + ".svc.cluster.local");
      all.add(host + "." + names.namespace());
      all.add(host);
    }
    all.add("localhost");
    all.addAll(wanted.dnsNames());
    return List.copyOf(all);
  }

  /** What a proxy asks of clients: what the spec says, as soon as it can be verified. */
  TlsConfig.ClientCertificates clientCertificates(Wanted.Tls wanted) {
    return clientAuthority == null ? TlsConfig.ClientCertificates.OFF : wanted.clientCertificates();
  }

  /** The certificate in force, in words. */
  String words() {
    List<String> names = certificate.names();
    return (source.equals(OWN)
            ? "a certificate of the cluster's own authority"
            : "the certificate of "
                + source
                + (names.isEmpty()
                    ? ", for no name"
                    : ", for "
                        + String.join(", ", names.subList(0, Math.min(names.size(), NAMES_TOLD))))
                + (names.size() > NAMES_TOLD
                    ? " and " + (names.size() - NAMES_TOLD) + " more"
                    : ""))
        + ", valid until "
        + text(certificate.notAfter());
  }

  static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static boolean isNamed(Wanted.Tls wanted) {
    return wanted.certificateSecret() != null || wanted.issuer() != null;
  }

  private static @Nullable Sourced inForce(Facts facts) {
    Secret secret = facts.inForce();
    if (secret == null) {
      return null;
    }
    try {
      return new Sourced(
          ServerCertificate.read(
              text(secret, CERTIFICATE), text(secret, KEY), text(secret, AUTHORITY)),
          annotations(secret).getOrDefault(SOURCE, OWN));
    } catch (UnusableException e) {
      return null; // Not there yet, or edited: another one takes its place.
    }
  }

  /** What the spec names, if it can be used. */
  private static @Nullable Sourced given(
      Facts facts, @Nullable Sourced inForce, Instant now, List<Fault> faults) {
    String name = facts.wanted().certificateSecret();
    if (name != null) {
      Secret secret = facts.named().get(name);
      if (secret == null) {
        faults.add(absent("certificateSecret", name, facts, "tls.crt, tls.key and maybe ca.crt"));
        return null;
      }
      return usable(secret, inForce, now, faults);
    }
    if (facts.wanted().issuer() == null) {
      return null;
    }
    if (facts.certManager() != null) {
      faults.add(facts.certManager());
    }
    Secret secret = facts.named().get(facts.names().certificate());
    if (secret == null) {
      if (facts.certManager() == null) {
        faults.add(
            new Fault(
                PENDING,
                "cert-manager has not written the Secret " + facts.names().certificate() + " yet"));
      }
      return null;
    }
    if (!CertManager.isWriterOf(secret, facts.names())) {
      if (facts.certManager() == null) {
        faults.add(CertManager.foreign(facts.names()));
      }
      return null;
    }
    return usable(secret, inForce, now, faults);
  }

  private static @Nullable Sourced usable(
      Secret secret, @Nullable Sourced inForce, Instant now, List<Fault> faults) {
    String source = "Secret " + secret.getMetadata().getName();
    ServerCertificate read;
    try {
      read =
          ServerCertificate.check(
              text(secret, TLS_CRT), text(secret, TLS_KEY), text(secret, CA_CRT), now);
    } catch (UnusableException e) {
      faults.add(new Fault(SECRET_UNUSABLE, source + ": " + e.problem()));
      return null;
    } catch (RuntimeException e) {
      faults.add(unusable(source));
      return null;
    }
    if (now.isBefore(read.notBefore())) {
      faults.add(
          new Fault(
              NOT_YET_VALID,
              source
                  + ": the certificate in tls.crt is valid from "
                  + text(read.notBefore())
                  + " only; allowed is one that is valid now"));
      return null;
    }
    if (now.isAfter(read.notAfter())) {
      faults.add(
          new Fault(
              EXPIRED,
              source
                  + ": the certificate in tls.crt expired at "
                  + text(read.notAfter())
                  + "; allowed is one that is valid"));
      // Who has been served it goes on being: another one would be as strange to its clients.
      return inForce != null && inForce.certificate().equals(read) ? inForce : null;
    }
    return new Sourced(read, source);
  }

  private static Sourced own(
      Facts facts, @Nullable Sourced inForce, Instant now, SecureRandom random) {
    List<String> dnsNames = ownNames(facts.names(), facts.wanted());
    if (inForce != null
        && inForce.source().equals(OWN)
        && !facts.authority().isDue(inForce.certificate().chain(), dnsNames, now)) {
      return inForce;
    }
    CertificateAuthority.Issued issued =
        facts.authority().issueServer(facts.names().cluster(), dnsNames, now, random);
    try {
      return new Sourced(
          ServerCertificate.read(
              issued.certificate(), issued.key(), facts.authority().certificate()),
          OWN);
    } catch (UnusableException e) {
      throw new IllegalStateException("the cluster's own authority: " + e.problem(), e);
    }
  }

  private static @Nullable String clientAuthority(Facts facts, Instant now, List<Fault> faults) {
    String name = facts.wanted().clientCa();
    if (name == null || facts.wanted().clientCertificates() == TlsConfig.ClientCertificates.OFF) {
      return null;
    }
    Secret inForce = facts.inForce();
    String own = facts.authority().certificate();
    String before =
        inForce == null || !annotations(inForce).containsKey(VERIFIES_CLIENTS)
            ? null
            : Objects.requireNonNullElse(text(inForce, CLIENT_AUTHORITY), own);
    boolean served = inForce != null && text(inForce, CERTIFICATE) != null;
    String meanwhile =
        before != null && !before.equals(own)
            ? "; clients are verified by the authority of before until then"
            : before == null && served
                ? "; clients are not asked for a certificate until then"
                : "; no client is let in until then";
    Secret secret = facts.named().get(name);
    if (secret == null) {
      Fault fault = absent("clientCa", name, facts, CA_CRT);
      faults.add(new Fault(fault.reason(), fault.message() + meanwhile));
    } else {
      try {
        return ServerCertificate.checkClientAuthorities(text(secret, CA_CRT), now);
      } catch (UnusableException e) {
        faults.add(new Fault(SECRET_UNUSABLE, "Secret " + name + ": " + e.problem() + meanwhile));
      } catch (RuntimeException e) {
        Fault fault = unusable("Secret " + name);
        faults.add(new Fault(fault.reason(), fault.message() + meanwhile));
      }
    }
    // Of the cluster's own authority nobody but its instances has a certificate.
    return before != null ? before : served ? null : own;
  }

  /** A Secret is not there, or nobody knows whether it is. */
  private static Fault absent(String field, String name, Facts facts, String keys) {
    String problem = facts.unread().get(name);
    if (problem != null) {
      return new Fault(
          SECRET_UNREADABLE,
          "spec.proxy.tls." + field + ": the Secret " + name + " could not be read: " + problem);
    }
    return new Fault(
        SECRET_MISSING,
        "spec.proxy.tls."
            + field
            + ": there is no Secret "
            + name
            + " in the namespace "
            + facts.names().namespace()
            + "; allowed is one with "
            + keys);
  }

  /** What no check foresees must hold up no cluster. What it says may hold a key, so it is kept. */
  private static Fault unusable(String source) {
    return new Fault(
        SECRET_UNUSABLE,
        source + ": what is in it cannot be read; allowed are certificates and a key in PEM form");
  }

  private static Map<String, String> annotations(Secret secret) {
    return Objects.requireNonNullElse(
        secret.getMetadata().getAnnotations(), Map.<String, String>of());
  }

  private static @Nullable String text(Secret secret, String key) {
    String value = secret.getData() == null ? null : secret.getData().get(key);
    return value == null
        ? null
        : new String(Base64.getDecoder().decode(value), StandardCharsets.UTF_8);
  }
}
