package dev.outrider.agents.config;

import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The TLS of the proxy's clients. The files are PEM, their paths absolute, and they are read again
 * when they change.
 *
 * @param mode whether clients may or must encrypt
 * @param certificate the proxy's certificate, followed by any intermediates; null only in mode
 *     {@code disable}
 * @param key its private key, PKCS#8, not encrypted; null only in mode {@code disable}
 * @param clientCa the authorities of clients' certificates; null only if none are asked for
 * @param clientCertificates what a client must show of itself
 */
public record TlsConfig(
    Mode mode,
    @Nullable Path certificate,
    @Nullable Path key,
    @Nullable Path clientCa,
    ClientCertificates clientCertificates) {
  /** No TLS: what is in force where nothing is written. */
  public static final TlsConfig DISABLED =
      new TlsConfig(Mode.DISABLE, null, null, null, ClientCertificates.OFF);

  /** Whether clients encrypt. */
  public enum Mode {
    /** Sessions without TLS are refused with SQLSTATE 28000. */
    REQUIRE,
    /** As the client wants it. */
    ALLOW,
    /** Requests for TLS are declined. */
    DISABLE;

    /** As in configuration: lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Mode parse(String text) {
      for (Mode mode : values()) {
        if (mode.toString().equals(text)) {
          return mode;
        }
      }
      throw new IllegalArgumentException("require, allow or disable");
    }
  }

  /** What a client must show of itself before Postgres is asked. */
  public enum ClientCertificates {
    /** Nothing. */
    OFF,
    /** A certificate of one of the authorities. */
    VERIFY_CA,
    /** One that also names the user of the session. */
    VERIFY_FULL;

    /** As in configuration: {@code verify-full}. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static ClientCertificates parse(String text) {
      for (ClientCertificates demand : values()) {
        if (demand.toString().equals(text)) {
          return demand;
        }
      }
      throw new IllegalArgumentException("off, verify-ca or verify-full");
    }
  }

  /** Checks that nothing is missing, and that no demand can be walked around. */
  public TlsConfig {
    absolute("certificate", certificate);
    absolute("key", key);
    absolute("clientCa", clientCa);
    if (mode != Mode.DISABLE) {
      present("certificate", certificate, "mode is " + mode);
      present("key", key, "mode is " + mode);
    }
    if (clientCertificates != ClientCertificates.OFF) {
      present("clientCa", clientCa, "clientCertificates is " + clientCertificates);
      if (mode != Mode.REQUIRE) {
        throw ConfigException.problem(
            "clientCertificates",
            "is "
                + clientCertificates
                + ", but a session without TLS shows none, and mode is "
                + mode
                + " (expected: mode require)");
      }
    }
  }

  private static void absolute(String key, @Nullable Path path) {
    if (path != null && !path.isAbsolute()) {
      throw ConfigException.value(key, path.toString(), ProxyConfig.ABSOLUTE_PATH);
    }
  }

  private static void present(String key, @Nullable Path path, String why) {
    if (path == null) {
      throw ConfigException.problem(key, "is missing, but " + why);
    }
  }

  static TlsConfig from(ConfigSection section) {
    Path certificate = section.valueOrNull("certificate", Path::of);
    return new TlsConfig(
        // Who gives a certificate wants it used.
        section.value("mode", certificate == null ? Mode.DISABLE : Mode.ALLOW, Mode::parse),
        certificate,
        section.valueOrNull("key", Path::of),
        section.valueOrNull("clientCa", Path::of),
        section.value("clientCertificates", ClientCertificates.OFF, ClientCertificates::parse));
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder()
        .put("mode", mode.toString())
        .put("certificate", text(certificate))
        .put("key", text(key))
        .put("clientCa", text(clientCa))
        .put("clientCertificates", clientCertificates.toString());
  }

  private static @Nullable String text(@Nullable Path path) {
    return path == null ? null : path.toString();
  }
}
