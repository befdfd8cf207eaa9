package dev.outrider.operator.pki;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The 32 random bytes from which all passwords of a cluster follow. A Secret with a password that
 * somebody deleted is put back with the same password, without asking the database.
 */
public final class Seed {
  private static final int BYTES = 32;

  private final byte[] bytes;

  private Seed(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A new one. */
  public static Seed create(SecureRandom random) {
    byte[] bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return new Seed(bytes);
  }

  /**
   * From text that {@link #text()} gave.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static Seed parse(String text) {
    byte[] bytes = Base64.getDecoder().decode(text.trim());
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException(
          "a seed of " + bytes.length + " bytes; expected are " + BYTES);
    }
    return new Seed(bytes);
  }

  /** Base64. */
  public String text() {
    return Base64.getEncoder().encodeToString(bytes);
  }

  /**
   * The password for a purpose: 32 characters of base64url, 192 bits (HMAC-SHA-256 of the purpose,
   * cut; RFC 5869's expand step), safe in URIs and shells.
   */
  public String password(String purpose) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(bytes, "HmacSHA256"));
      byte[] code = mac.doFinal((purpose + "\u0001").getBytes(StandardCharsets.UTF_8));
      String password = Base64.getUrlEncoder().withoutPadding().encodeToString(code);
      // A leading dash would be an option to a shell command.
      return password.substring(0, 32).replace('-', 'x');
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
