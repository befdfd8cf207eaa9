package dev.outrider.operator.pki;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.jspecify.annotations.Nullable;

/** Certificates and keys as PEM text (RFC 7468), as people have them in files. */
final class Pem {
  static final String CERTIFICATES = "X.509 certificates in PEM form";
  private static final String KEY =
      "a private key in PEM form, RSA or ECDSA, PKCS#8, PKCS#1 or SEC1, not encrypted";

  private Pem() {}

  /** One object, or certificate, or key. */
  static String write(Object object) {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /** Certificates one after the other. */
  static String write(List<X509Certificate> certificates) {
    StringBuilder text = new StringBuilder();
    certificates.forEach(certificate -> text.append(write(certificate)));
    return text.toString();
  }

  /**
   * The certificates in a text, in their order; what stands between them does not matter.
   *
   * @param entry what the error calls the text
   * @throws UnusableException if there is none, or one that cannot be read
   */
  static List<X509Certificate> certificates(String entry, @Nullable String text)
      throws UnusableException {
    if (text == null || text.isBlank()) {
      throw new UnusableException(entry + " is missing", CERTIFICATES);
    }
    List<X509Certificate> found = new ArrayList<>();
    try (PEMParser parser = new PEMParser(new StringReader(text))) {
      for (Object object = parser.readObject(); object != null; object = parser.readObject()) {
        if (object instanceof X509CertificateHolder holder) {
          found.add(new JcaX509CertificateConverter().getCertificate(holder));
        }
      }
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw new UnusableException(entry + " cannot be read", CERTIFICATES);
    }
    if (found.isEmpty()) {
      throw new UnusableException(entry + " holds no certificate", CERTIFICATES);
    }
    return found;
  }

  /**
   * The first private key in a text.
   *
   * @param entry what the error calls the text
   * @throws UnusableException if there is none that can be used; the text itself is not told
   */
  static PrivateKey privateKey(String entry, @Nullable String text) throws UnusableException {
    if (text == null || text.isBlank()) {
      throw new UnusableException(entry + " is missing", KEY);
    }
    try (PEMParser parser = new PEMParser(new StringReader(text))) {
      for (Object object = parser.readObject(); object != null; object = parser.readObject()) {
        switch (object) {
          case PrivateKeyInfo info -> {
            return privateKey(entry, info);
          }
          case PEMKeyPair pair -> {
            return privateKey(entry, pair.getPrivateKeyInfo());
          }
          case PKCS8EncryptedPrivateKeyInfo _ -> throw encrypted(entry);
          case PEMEncryptedKeyPair _ -> throw encrypted(entry);
          default -> {
            // Parameters of a curve, or certificates, stand before many a key.
          }
        }
      }
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw new UnusableException(entry + " cannot be read", KEY);
    }
    throw new UnusableException(entry + " holds no private key", KEY);
  }

  private static UnusableException encrypted(String entry) {
    return new UnusableException(entry + " is encrypted with a passphrase", KEY);
  }

  private static PrivateKey privateKey(String entry, PrivateKeyInfo info)
      throws UnusableException, IOException, GeneralSecurityException {
    ASN1ObjectIdentifier algorithm = info.getPrivateKeyAlgorithm().getAlgorithm();
    boolean rsa = algorithm.equals(PKCSObjectIdentifiers.rsaEncryption);
    if (!rsa && !algorithm.equals(X9ObjectIdentifiers.id_ecPublicKey)) {
      throw new UnusableException(entry + " is a key of the algorithm " + algorithm, KEY);
    }
    return KeyFactory.getInstance(rsa ? "RSA" : "EC")
        .generatePrivate(new PKCS8EncodedKeySpec(info.getEncoded()));
  }
}
