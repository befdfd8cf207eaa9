package dev.outrider.agents.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The endpoint of {@code /status}, the record that the operator reads.
 *
 * @param listen where it listens
 * @param tls required unless it listens on loopback: the record is for the operator alone
 */
public record StatusConfig(HostPort listen, @Nullable MutualTls tls) {
  /** Checks that nothing but loopback goes without TLS. */
  public StatusConfig {
    if (tls == null && !listen.isLoopback()) {
      throw ConfigException.problem(
          "tls", "is missing, but listen is " + listen + " (expected: tls, or listen on loopback)");
    }
  }

  /**
   * The files of a TLS server that demands a certificate of its clients. All in PEM, absolute
   * paths, read again when they change.
   *
   * @param certificate the server's certificate, followed by any intermediates
   * @param key its private key, PKCS#8, not encrypted
   * @param clientCa the authorities whose clients are let in
   */
  public record MutualTls(Path certificate, Path key, Path clientCa) {
    /** Checks that the paths are absolute. */
    public MutualTls {
      absolute("certificate", certificate);
      absolute("key", key);
      absolute("clientCa", clientCa);
    }

    private static void absolute(String key, Path path) {
      if (!path.isAbsolute()) {
        throw ConfigException.value(key, path.toString(), ProxyConfig.ABSOLUTE_PATH);
      }
    }

    static MutualTls from(ConfigSection section) {
      return new MutualTls(
          section.required("certificate", Path::of),
          section.required("key", Path::of),
          section.required("clientCa", Path::of));
    }

    ConfigTree.Builder toTree() {
      return new ConfigTree.Builder()
          .put("certificate", certificate.toString())
          .put("key", key.toString())
          .put("clientCa", clientCa.toString());
    }
  }

  static StatusConfig from(ConfigSection section) {
    return new StatusConfig(
        section.required("listen", HostPort::parse), section.sectionOrNull("tls", MutualTls::from));
  }

  ConfigTree.Builder toTree() {
    return new ConfigTree.Builder()
        .put("listen", listen.toString())
        .put("tls", tls == null ? null : tls.toTree());
  }
}
