package dev.outrider.metrics.proxy.fence;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InstanceRecordTest {
  private static final String PRIMARY =
      "{\"role\":\"primary\",\"leaseUntil\":12345.678,\"ttl\":20,\"written\":12333.120}";

  private static InstanceRecord parse(String json) {
    return InstanceRecord.parse(json.getBytes(UTF_8));
  }

  @Test
  void isReadAsItIsWritten() {
    assertEquals(new InstanceRecord.Primary(12345.678, 20, 12333.12), parse(PRIMARY));
    assertEquals(
        new InstanceRecord.Standby(1), parse("{\"role\": \"standby\", \"written\": 1.0}\n"));
    assertEquals(new InstanceRecord.Unmanaged(1), parse("{\"written\":1,\"role\":\"unmanaged\"}"));
    assertEquals(
        new InstanceRecord.None(12e3, "lost the lease: \"gone\" für immer"),
        parse(
            "{\"role\":\"none\",\"written\":12e3,\"reason\":\"lost the lease:\\u0000\\\"gone\\\" f\\u00fcr"
                + " immer\",\"new\":{\"a\":[1]}}"));
    assertEquals(
        201,
        ((InstanceRecord.None)
                parse("{\"role\":\"none\",\"written\":1,\"reason\":\"" + "x".repeat(999) + "\"}"))
            .reason()
            .length());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      textBlock =
          """
          {} | written: "" (expected: seconds, for example 12345.678)
          [] | is not a JSON object
          role: standby | is not a JSON object
          {"role":"standby","written":1,} x | is not a JSON object
          {"role":"standby"} | written: "" (expected: seconds, for example 12345.678)
          {"role":"standby","written":null} | written: "" (expected: seconds, for example 12345.678)
          {"role":"standby","written":NaN} | written: "NaN" (expected: seconds, for example 12345.678)
          {"role":"standby","written":1d} | written: "1d" (expected: seconds, for example 12345.678)
          {"role":"master","written":1} | role: "master" (expected: primary, standby, unmanaged or none)
          {"role":["primary"],"written":1} | role: "" (expected: primary, standby, unmanaged or none)
          {"role":"primary","written":1,"ttl":20} | leaseUntil: "" (expected: seconds, for example 12345.678)
          {"role":"primary","written":1,"leaseUntil":Infinity,"ttl":20} | leaseUntil: "Infinity" (expected: seconds, for example 12345.678)
          {"role":"primary","written":1,"leaseUntil":2,"ttl":0} | ttl: 0.0 (expected: up to 86400.0)
          {"role":"primary","written":1,"leaseUntil":2,"ttl":1e99} | ttl: 1.0E99 (expected: up to 86400.0)
          """)
  void anErrorSaysWhatIsWrong(String json, String message) {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> parse(json));
    assertEquals(message, error.getMessage());
  }

  @Test
  void aRecordThatIsNotWholeIsNone() {
    for (int cut = 0; cut < PRIMARY.length(); cut++) {
      String part = PRIMARY.substring(0, cut);
      assertThrows(IllegalArgumentException.class, () -> parse(part), part);
    }
  }

  @Test
  void anyBytesAreARecordOrRefused() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = PRIMARY.getBytes(UTF_8);
      for (int i = random.nextInt(4); i >= 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try {
        InstanceRecord _ = InstanceRecord.parse(bytes);
      } catch (IllegalArgumentException e) {
        // As it should be.
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + Arrays.toString(bytes), e);
      }
    }
  }
}
