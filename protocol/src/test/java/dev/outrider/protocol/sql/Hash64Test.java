package dev.outrider.protocol.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Hash64Test {
  @ParameterizedTest
  @CsvSource({
    "'', ef46db3751d8e999",
    "a, d24ec4f1a98c6e5b",
    "abc, 44bc2cf5ad770999",
    "Nobody inspects the spammish repetition, fbcea83c8a378bf1",
  })
  void isThatOfTheSpecification(String text, String hash) {
    byte[] bytes = ("x" + text).getBytes(StandardCharsets.US_ASCII);
    assertEquals(hash, Long.toHexString(Hash64.of(bytes, 1, bytes.length)));
  }
}
