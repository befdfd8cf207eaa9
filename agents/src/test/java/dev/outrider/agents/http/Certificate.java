package dev.outrider.agents.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;

/** A self-signed certificate and its key, made by the JDK's keytool. */
record Certificate(X509Certificate certificate, Key key, KeyStore store) {
  private static final String PASSWORD = "changeit";

  static Certificate make(Path folder, String name)
      throws IOException, GeneralSecurityException, InterruptedException {
    Path store = folder.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                    "-genkeypair",
                    "-alias",
                    name,
                    "-keyalg",
                    "EC",
                    "-dname",
                    "CN=" + name,
                    "-ext",
                    "san=ip:127.0.0.1",
                    "-storetype",
                    "PKCS12",
                    "-keystore",
                    store.toString(),
                    "-storepass",
                    PASSWORD))
            .inheritIO()
            .start();
    if (keytool.waitFor() != 0) {
      throw new IOException("keytool failed");
    }
    KeyStore loaded = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      loaded.load(in, PASSWORD.toCharArray());
    }
    return new Certificate(
        (X509Certificate) loaded.getCertificate(name),
        loaded.getKey(name, PASSWORD.toCharArray()),
        loaded);
  }

  static char[] password() {
    return PASSWORD.toCharArray();
  }

  void writeCertificate(Path file) throws IOException, GeneralSecurityException {
    write(file, "CERTIFICATE", certificate.getEncoded());
  }

  void writeKey(Path file) throws IOException {
    write(file, "PRIVATE KEY", key.getEncoded());
  }

  private static void write(Path file, String type, byte[] der) throws IOException {
    String pem =
        "-----BEGIN "
            + type
            + "-----\n"
            + Base64.getMimeEncoder().encodeToString(der)
            + "\n-----END "
            + type
            + "-----\n";
    Path written = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(written, pem);
    Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
