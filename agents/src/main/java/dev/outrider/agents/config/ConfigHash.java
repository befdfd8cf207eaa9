package dev.outrider.agents.config;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The hash by which the operator and an agent name the same configuration. */
public final class ConfigHash {
  private ConfigHash() {}

  /** The SHA-256 of a configuration file's bytes, in lower-case hexadecimal. */
  public static String of(byte[] file) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(file));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
