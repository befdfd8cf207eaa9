package dev.outrider.agents.tls;

import dev.outrider.agents.reload.FileStamp;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The PEM files of a TLS server.
 *
 * @param certificate the server's certificate, followed by any intermediates
 * @param key its private key, PKCS#8, not encrypted
 * @param clientCa the authorities whose clients are let in; null if clients show no certificate
 */
public record KeyFiles(Path certificate, Path key, @Nullable Path clientCa) {
  /** What tells that one of them may have changed. */
  record Stamps(
      @Nullable FileStamp certificate, @Nullable FileStamp key, @Nullable FileStamp clientCa) {}

  Stamps stamps() {
    return new Stamps(
        FileStamp.of(certificate),
        FileStamp.of(key),
        clientCa == null ? null : FileStamp.of(clientCa));
  }
}
