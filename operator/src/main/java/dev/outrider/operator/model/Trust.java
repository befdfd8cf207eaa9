package dev.outrider.operator.model;

import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.Seed;

/**
 * The secrets of a cluster: its authority, the certificate of its instances and the seed of its
 * passwords. Made once, then observed.
 */
public record Trust(
    CertificateAuthority authority, CertificateAuthority.Issued instance, Seed seed) {
  String superuserPassword() {
    return seed.password("superuser");
  }

  String replicationPassword() {
    return seed.password("replication");
  }

  String rewindPassword() {
    return seed.password("rewind");
  }

  String restApiPassword() {
    return seed.password("restapi");
  }

  String applicationPassword() {
    return seed.password("application");
  }
}
