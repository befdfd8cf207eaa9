package dev.outrider.metrics.proxy.tls;

import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The certificate that a client has shown, which is of an authority that is trusted.
 *
 * @param certificate what it says
 */
public record ClientCertificate(X509Certificate certificate) {
  private static final int DNS_NAME = 2;

  /** The certificate of a connection; null if the client has shown none. */
  public static @Nullable ClientCertificate of(SSLSession session) {
    try {
      Certificate[] shown = session.getPeerCertificates();
      return shown.length > 0 && shown[0] instanceof X509Certificate first
          ? new ClientCertificate(first)
          : null;
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }

  /**
   * Whether it is for this user: the common name, of which there must be but one, or a DNS name of
   * the subject is the user's name, letter by letter.
   */
  public boolean isFor(String user) {
    List<String> commonNames = commonNames();
    return (commonNames.size() == 1 && commonNames.get(0).equals(user))
        || dnsNames().contains(user);
  }

  private List<String> commonNames() {
    List<String> names = new ArrayList<>();
    try {
      for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
        // A part with several values has another name.
        if (part.size() == 1 && part.getType().equals("CN")) {
          names.add(String.valueOf(part.getValue()));
        }
      }
    } catch (InvalidNameException e) {
      return List.of();
    }
    return names;
  }

  private List<String> dnsNames() {
    List<String> names = new ArrayList<>();
    try {
      Collection<List<?>> all = certificate.getSubjectAlternativeNames();
      if (all != null) {
        for (List<?> name : all) {
          if (name.get(0).equals(DNS_NAME)) {
            names.add(String.valueOf(name.get(1)));
          }
        }
      }
    } catch (CertificateParsingException e) {
      return List.of();
    }
    return names;
  }
}
